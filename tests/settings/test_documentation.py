"""What declared settings say of themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import pytest

from portnn.settings import (
    TRANSIENT,
    By,
    ClassDefault,
    Flags,
    OneOf,
    Settings,
    Shown,
    declared,
    documented,
    finite,
    fraction,
    not_negative,
    positive,
    share,
    shown_default,
)
from portnn.settings.documentation import described_type, filled

pytestmark = pytest.mark.host


@dataclass(frozen=True, kw_only=True)
class All(Settings):
    EPOCHS: ClassVar[float] = 10.0

    name: Annotated[str, "Without a default."]
    size: Annotated[int, positive, "Size."] = 3
    decay: Annotated[float, not_negative, "Decay."] = 0.0
    power: Annotated[float, finite, "Power."] = -0.5
    dropout: Annotated[float, fraction, "Dropout."] = 0.25
    kept: Annotated[float, share, "Kept."] = 1.0
    bias: Annotated[bool, Flags("--bias", "--no-bias"), "Bias."] = True
    cell: Annotated[str, OneOf(("gru", "lstm")), "Cell."] = "gru"
    most: Annotated[int | None, positive, "Most."] = None
    workers: Annotated[int | None, positive, Shown("one a core"), "Workers."] = None
    epochs: Annotated[float | None, positive, ClassDefault("EPOCHS"), "Epochs."] = None
    sizes: Annotated[tuple[int, ...], positive, "Sizes."] = (4, 5)
    either: Annotated[str | float, By(lambda value: value), "Either."] = 0.5
    callbacks: Annotated[Sequence[Callable[[int], None]], TRANSIENT, "Callbacks."] = ()
    anything: Annotated[Any, "Anything."] = None


DESCRIBED = {
    "name": "str",
    "size": "int > 0, default 3",
    "decay": "float >= 0, default 0.0",
    "power": "float finite, default -0.5",
    "dropout": "float in [0, 1), default 0.25",
    "kept": "float in (0, 1], default 1.0",
    "bias": "bool, default True",
    "cell": "{'gru', 'lstm'}, default 'gru'",
    "most": "int > 0 or None, default None",
    "workers": "int > 0 or None, default one a core",
    "epochs": "float > 0 or None, default 10",
    "sizes": "tuple[int, ...] > 0, default (4, 5)",
    "either": "str or float, default 0.5",
    "callbacks": "Sequence[Callable[[int], None]], default ()",
    "anything": "object, default None",
}


def test_types_ranges_and_defaults():
    assert {name: described_type(setting) for name, setting in declared(All).items()} == DESCRIBED


def test_what_is_shown_as_a_default():
    @dataclass(frozen=True, kw_only=True)
    class Longer(All):
        EPOCHS: ClassVar[float] = 2.5
        workers: int | None = 2

    settings, longer = declared(All), declared(Longer)
    assert shown_default(settings["name"]) is None
    assert (shown_default(settings["epochs"]), shown_default(longer["epochs"])) == ("10", "2.5")
    assert (shown_default(settings["workers"]), shown_default(longer["workers"])) == ("one a core", "2")


def test_a_docstring_is_filled_in():
    def call():
        """Do it.

        Parameters
        ----------
        x : array
        {settings}

        Returns
        -------
        Nothing.
        """

    lines = filled(call.__doc__, All).splitlines()
    start = lines.index("x : array") + 1
    expected = [
        line
        for name, setting in declared(All).items()
        for line in (f"{name} : {DESCRIBED[name]}", f"    {setting.sentence}")
    ]
    assert lines[start : start + len(expected)] == expected
    assert lines[start + len(expected) :] == ["", "Returns", "-------", "Nothing."]


def test_without_docstrings_there_is_none():
    assert filled(None, All) is None


def test_a_class_is_documented():
    @documented(All)
    class Owner:
        """Owner.

        Parameters
        ----------
        {settings}
        """

    assert "cell : {'gru', 'lstm'}, default 'gru'\n    Cell." in Owner.__doc__
    assert documented(All)(Owner) is Owner


def subclasses(kind):
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


def test_every_setting_of_the_package_has_a_sentence():
    import portnn.estimators  # noqa: F401
    from portnn.batches import WindowSettings

    kinds = [kind for kind in subclasses(Settings) if kind.__module__.startswith("portnn.")]
    assert WindowSettings in kinds
    for kind in kinds:
        for setting in declared(kind).values():
            assert setting.sentence.endswith("."), (kind.__name__, setting.name)
            assert setting.kinds, (kind.__name__, setting.name)
