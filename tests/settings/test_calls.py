"""Calls whose keyword arguments are declared settings."""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, dataclass
from typing import Annotated

import numpy as np
import pytest

import portnn
from portnn.settings import OneOf, Settings, declared, finite, positive, settings_call, table_call, text_call

pytestmark = pytest.mark.host


@dataclass(frozen=True, kw_only=True)
class RunSettings(Settings):
    steps: Annotated[int | None, positive, "Length of the run."] = None
    learning_rate: Annotated[float, positive, "Step size."] = 0.5
    order: Annotated[str, OneOf(("up", "down")), "Order of the rows."] = "up"


@dataclass(frozen=True)
class ModelSettings(Settings):
    size: Annotated[int, positive, "Number of units."]
    scale: Annotated[float, finite, "Scale of the first parameters."] = 1.0


class Model:
    """A model.

    Parameters
    ----------
    {settings}
    """

    @settings_call(ModelSettings)
    def __init__(self, settings):
        """Make it."""
        self.settings = settings

    @text_call(RunSettings)
    def fit(self, source, *, settings):
        """Train on a text.

        Parameters
        ----------
        source : str
        {settings}
        """
        return source, settings

    @table_call(RunSettings)
    def fit_table(self, X, y, sample_weight=None, *, settings):
        """Train on a table."""
        return X, y, sample_weight, settings


@pytest.fixture
def model():
    return Model(3)


def test_settings_come_by_their_names(model):
    assert model.fit("text", steps=np.int64(4), learning_rate=1) == ("text", RunSettings(steps=4, learning_rate=1.0))
    assert model.fit("text") == ("text", RunSettings())
    with pytest.raises(ValueError, match=r"^steps must be a positive whole number, got 0$"):
        model.fit("text", steps=0)


def test_data_come_by_position_and_by_name(model):
    chosen = RunSettings(steps=2)
    assert model.fit(source="text", steps=2) == ("text", chosen)
    assert model.fit_table(1, 2, steps=2) == (1, 2, None, chosen)
    assert model.fit_table(1, 2, 3, steps=2) == (1, 2, 3, chosen)
    assert model.fit_table(1, y=2, sample_weight=3, steps=2) == (1, 2, 3, chosen)
    assert model.fit_table(steps=2, y=2, X=1) == (1, 2, None, chosen)
    assert Model.fit(model, "text", steps=2) == ("text", chosen)


def test_settings_of_a_constructor_come_by_position_too():
    expected = ModelSettings(size=3, scale=0.5)
    for made in (Model(3, 0.5), Model(3, scale=0.5), Model(scale=0.5, size=3), Model(np.int32(3), np.float32(0.5))):
        assert made.settings == expected
    assert type(Model(np.int32(3)).settings.size) is int


KNOWN = "known: source, steps, learning_rate, order"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model.fit("text", speed=3), f"Model.fit() got an unexpected keyword argument 'speed'; {KNOWN}"),
        (
            lambda model: model.fit("text", settings=3),
            f"Model.fit() got an unexpected keyword argument 'settings'; {KNOWN}",
        ),
        (lambda model: model.fit(steps=3), "Model.fit() missing a required argument: 'source'"),
        (lambda model: model.fit("text", 3), "Model.fit() too many positional arguments"),
        (lambda model: model.fit("text", source="x"), "Model.fit() multiple values for argument 'source'"),
        (lambda model: model.fit_table(1), "Model.fit_table() missing a required argument: 'y'"),
        (lambda model: model.fit_table(1, 2, 3, 4), "Model.fit_table() too many positional arguments"),
        (lambda model: Model(), "Model.__init__() missing a required argument: 'size'"),
        (
            lambda model: Model(3, depth=2),
            "Model.__init__() got an unexpected keyword argument 'depth'; known: size, scale",
        ),
        (lambda model: Model(3, 0.5, 2), "Model.__init__() too many positional arguments"),
        (lambda model: Model(3, size=3), "Model.__init__() multiple values for argument 'size'"),
    ],
)
def test_arguments_that_do_not_fit_name_the_function(model, call, message):
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        call(model)


def test_a_refusal_of_the_function_itself_is_left_as_it_is():
    class Strict:
        @text_call(RunSettings)
        def fit(self, source, *, settings):
            raise TypeError(f"source must be a str, got {source!r}")

    with pytest.raises(TypeError, match=r"^source must be a str, got 3$"):
        Strict().fit(3)


def test_the_signature_shows_every_setting_with_its_type_and_default():
    parameters = inspect.signature(Model.fit).parameters
    assert list(parameters) == ["self", "source", "steps", "learning_rate", "order"]
    assert [each.default for each in parameters.values()][2:] == [None, 0.5, "up"]
    assert [each.annotation for each in parameters.values()][2:] == [int | None, float, str]
    assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in declared(RunSettings))
    assert list(inspect.signature(Model.fit_table).parameters)[:4] == ["self", "X", "y", "sample_weight"]
    assert str(inspect.signature(Model)) == "(size: int, scale: float = 1.0)"


def test_name_and_docstring_are_those_of_the_function():
    assert (Model.fit.__name__, Model.fit.__qualname__, Model.fit.__module__) == ("fit", "Model.fit", __name__)
    assert Model.fit.__doc__.startswith("Train on a text.\n")
    assert "learning_rate : float > 0, default 0.5\n    Step size." in Model.fit.__doc__
    assert "{settings}" not in Model.fit.__doc__


PUBLIC = [getattr(portnn, name) for name in portnn.__all__]
CALLS = [
    getattr(kind, name)
    for kind in PUBLIC
    if isinstance(kind, type)
    for name in ("__init__", "fit", "partial_fit")
    if hasattr(getattr(kind, name, None), "__wrapped__")
]


def test_the_package_has_such_calls():
    assert {call.__qualname__ for call in CALLS} >= {"CharRNN.fit", "CharRNN.__init__", "Word2Vec.fit", "MLP.__init__"}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__qualname__)
def test_every_public_call_documents_and_refuses(call):
    """Every setting in its signature stands in its docstring, or that of its class, with a sentence."""
    parameters = inspect.signature(call).parameters
    kinds = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert all(parameter.kind in kinds for parameter in parameters.values())
    owner = getattr(portnn, call.__qualname__.split(".")[0], None)
    doc = inspect.cleandoc((owner.__doc__ or "") if call.__name__ == "__init__" and owner else call.__doc__)
    own = inspect.signature(call.__wrapped__).parameters
    for name in parameters.keys() - own.keys():
        assert re.search(rf"^{name} : .+\n    \S.+\.$", doc, re.MULTILINE), name
        assert parameters[name].default is not MISSING
    with pytest.raises(TypeError, match=re.escape(f"{call.__qualname__}() got an unexpected keyword argument 'odd'")):
        call(None, **{name: None for name in own if name not in ("self", "settings")}, odd=1)
