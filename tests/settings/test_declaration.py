"""Settings are checked, converted and recorded as they were declared."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, replace
from typing import Annotated, Any, ClassVar

import array_api_strict
import numpy as np
import pytest

from portnn.settings import (
    FIXED,
    TRANSIENT,
    By,
    ClassDefault,
    OneOf,
    Settings,
    Shown,
    above_zero,
    as_json,
    declared,
    finite,
    fraction,
    not_negative,
    positive,
    share,
)

pytestmark = pytest.mark.host

COLOURS = {"red": 1, "green": 2}


@dataclass(frozen=True)
class Shade:
    """A value with a form of its own in JSON."""

    depth: float

    def to_json(self) -> dict[str, Any]:
        return {"depth": self.depth}


def as_shade(value: Any) -> Shade:
    if not isinstance(value, Shade | float):
        raise TypeError(f"shade must be a number, got {value!r}")
    return value if isinstance(value, Shade) else Shade(value)


@dataclass(frozen=True, kw_only=True)
class Plain(Settings):
    DEPTH: ClassVar[float] = 0.25

    count: Annotated[int, positive, FIXED, "How many."] = 3
    spare: Annotated[int, not_negative, "How many more."] = 0
    any_whole: Annotated[int, "A whole number of any sign."] = 0
    rate: Annotated[float, positive, "How fast."] = 0.5
    decay: Annotated[float, not_negative, "How much less."] = 0.0
    power: Annotated[float, finite, "Exponent."] = 1.0
    dropout: Annotated[float, fraction, "Share dropped."] = 0.0
    kept: Annotated[float, share, "Share kept."] = 1.0
    limit: Annotated[float, above_zero, "May be infinite."] = math.inf
    anything: Annotated[float, "A number without a range."] = 0.0
    bias: Annotated[bool, "With a bias."] = True
    colour: Annotated[str, OneOf(COLOURS), "Colour."] = "red"
    title: Annotated[str, "Any text."] = ""
    sizes: Annotated[tuple[int, ...], positive, "Sizes of layers."] = (2,)
    shade: Annotated[float | Shade, By(as_shade), "Shade."] = 0.5
    most: Annotated[int | None, positive, "At most, or without limit."] = None
    depth: Annotated[float | None, positive, ClassDefault("DEPTH"), "Depth."] = None
    weights: Annotated[Any, "Anything."] = None
    path: Annotated[str | None, TRANSIENT, Shown("nowhere"), "Where to."] = None


@dataclass(frozen=True, kw_only=True)
class Finer(Plain):
    """Other defaults, and the rest is inherited."""

    DEPTH: ClassVar[float] = 4.0

    rate: float = 0.125
    count: int = 7
    extra: Annotated[int, positive, "One more setting."] = 1


WHOLE = {
    "count": ([1, 3, 10**12], [0, -1], "a positive whole number"),
    "spare": ([0, 5], [-1], "0 or a positive whole number"),
    "any_whole": ([-5, 0, 7], [], "a whole number"),
    "most": ([1, 2], [0, -3], "a positive whole number"),
}
REAL = {
    "rate": ([1e-9, 3.0], [0.0, -1.0, math.inf, -math.inf], "a positive number"),
    "decay": ([0.0, 2.0], [-1e-9, math.inf], "0 or a positive number"),
    "power": ([-2.0, 0.0, 3.5], [math.inf, -math.inf], "a finite number"),
    "dropout": ([0.0, 0.999], [-0.1, 1.0, math.inf], "in [0, 1)"),
    "kept": ([1e-9, 1.0], [0.0, 1.5, -1.0], "in (0, 1]"),
    "limit": ([1e-9, math.inf], [0.0, -1.0, -math.inf], "positive"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers_in_and_out_of_their_range(name):
    good, bad, expected = WHOLE[name]
    for value in good:
        assert getattr(Plain(**{name: value}), name) == value
    for value in [*bad, 2.5, 3.0, math.nan, math.inf, True, False, np.True_, np.float64(2.0)]:
        with pytest.raises(ValueError, match=f"^{re.escape(f'{name} must be {expected}, got ')}"):
            Plain(**{name: value})
    for value in ["3", b"3", [3], {}, 3j, np.ones(1, int)]:
        with pytest.raises(TypeError, match=f"^{re.escape(f'{name} must be {expected}, got {value!r}')}$"):
            Plain(**{name: value})


@pytest.mark.parametrize("name", REAL)
def test_real_numbers_in_and_out_of_their_range(name):
    good, bad, expected = REAL[name]
    for value in good:
        assert getattr(Plain(**{name: value}), name) == value
    for value in [*bad, math.nan]:
        with pytest.raises(ValueError, match=f"^{re.escape(f'{name} must be {expected}, got {value!r}')}$"):
            Plain(**{name: value})


@pytest.mark.parametrize("name", [*REAL, "anything"])
@pytest.mark.parametrize("value", ["0.5", b"0.5", [0.5], None, True, False, 1j, np.ones(1)], ids=repr)
def test_real_numbers_are_neither_text_nor_truth_values(name, value):
    with pytest.raises(TypeError, match=f"^{name} must be a number, got {re.escape(repr(value))}$"):
        Plain(**{name: value})
    for truth in (np.True_, np.asarray(True), array_api_strict.asarray(True)):
        with pytest.raises(TypeError, match=f"^{name} must be a number, got True$"):
            Plain(**{name: truth})


def test_a_number_without_a_range_may_be_any():
    assert Plain(anything=-math.inf).anything == -math.inf
    assert math.isnan(Plain(anything=math.nan).anything)


def scalars(dtype):
    """The number 2 as a scalar or an array without axes, in the libraries that are there."""
    yield getattr(np, dtype)(2)
    yield np.asarray(2, dtype)
    yield array_api_strict.asarray(2, dtype=getattr(array_api_strict, dtype))


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_whole_scalars_of_any_library_become_plain_ints(dtype):
    for value in scalars(dtype):
        for name in ("count", "spare", "any_whole", "most"):
            assert (type(getattr(Plain(**{name: value}), name)), getattr(Plain(**{name: value}), name)) == (int, 2)
        assert (type(Plain(rate=value).rate), Plain(rate=value).rate) == (float, 2.0)
        assert list(map(type, Plain(sizes=(value, 3)).sizes)) == [int, int]
        json.dumps(Plain(count=value, rate=value, sizes=[value], title="x").to_json())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_real_scalars_of_any_library_become_plain_floats(dtype):
    for value in scalars(dtype):
        for name in ("rate", "decay", "power", "limit", "anything"):
            assert (type(getattr(Plain(**{name: value}), name)), getattr(Plain(**{name: value}), name)) == (float, 2.0)
        with pytest.raises(ValueError, match=r"^count must be a positive whole number, got 2\.0$"):
            Plain(count=value)


@pytest.mark.torch_oracle
def test_scalars_of_torch_become_plain_numbers():
    import torch

    made = Plain(count=torch.tensor(2), rate=torch.tensor(0.25), bias=torch.tensor(False))
    assert (type(made.count), type(made.rate), made.rate, made.bias) == (int, float, 0.25, False)
    with pytest.raises(TypeError, match="rate must be a number"):
        Plain(rate=torch.ones(1))


def test_an_integer_is_a_real_number_and_becomes_a_float():
    assert (type(Plain(rate=3).rate), type(Plain(limit=1).limit)) == (float, float)


@pytest.mark.parametrize("value", [True, 1, np.True_, np.int64(1), np.asarray(True), array_api_strict.asarray(True)])
def test_switches(value):
    assert Plain(bias=value).bias is True
    assert Plain(bias=type(value)(False) if not hasattr(value, "ndim") else value ^ value).bias is False


@pytest.mark.parametrize("value", [2, -1, "yes", "", None, 1.0, [], math.nan])
def test_what_is_not_a_switch(value):
    with pytest.raises(ValueError, match=f"^{re.escape(f'bias must be True or False, got {value!r}')}$"):
        Plain(bias=value)


def test_a_choice_names_what_is_known():
    assert Plain(colour="green").colour == "green"
    for value in ("blue", "", None, 3):
        with pytest.raises(ValueError, match=f"^unknown colour {value!r}; known: red, green$"):
            Plain(colour=value)


def test_a_registry_may_still_grow(monkeypatch):
    monkeypatch.setitem(COLOURS, "blue", 3)
    assert Plain(colour="blue").colour == "blue"
    assert declared(Plain)["colour"].choices == ["red", "green", "blue"]
    with pytest.raises(ValueError, match=r"known: red, green, blue$"):
        Plain(colour="pink")


@pytest.mark.parametrize("value", [3, None, b"x", ["x"]])
def test_text_is_text(value):
    with pytest.raises(TypeError, match=f"^title must be a str, got {re.escape(repr(value))}$"):
        Plain(title=value)


def test_sizes():
    assert Plain(sizes=[4, np.int64(5)]).sizes == (4, 5)
    assert Plain(sizes=()).sizes == ()
    assert Plain(sizes=np.asarray([4, 5])).sizes == (4, 5)
    for value in (0, 2.5, True):
        with pytest.raises(ValueError, match=f"^each of sizes must be a positive whole number, got {value}$"):
            Plain(sizes=(4, value))
    with pytest.raises(TypeError, match=r"^each of sizes must be a positive whole number, got '4'$"):
        Plain(sizes=("4",))
    with pytest.raises(TypeError, match=r"^sizes must be several whole numbers, got 4$"):
        Plain(sizes=np.asarray(4))


def test_a_setting_with_a_converter():
    assert Plain(shade=np.float64(0.25)).shade == Shade(0.25)
    assert Plain(shade=Shade(2.0)).shade == Shade(2.0)
    assert Plain().shade == Shade(0.5)  # defaults, too
    with pytest.raises(TypeError, match=r"^shade must be a number, got 'dark'$"):
        Plain(shade="dark")
    with pytest.raises(TypeError, match=r"^shade must be a number, got None$"):
        Plain(shade=None)


@pytest.mark.parametrize("name", [name for name, setting in declared(Plain).items() if not setting.optional])
def test_none_is_refused_where_it_is_not_declared(name):
    if name == "weights":  # may be anything
        assert Plain(weights=None).weights is None
        return
    with pytest.raises((TypeError, ValueError), match=f"{name} .*None"):
        Plain(**{name: None})


def test_none_where_it_is_declared():
    assert {name for name, setting in declared(Plain).items() if setting.optional} == {"most", "depth", "path"}
    assert (Plain().most, Plain(most=None).most, Plain(depth=None).depth) == (None, None, None)


def test_what_is_declared():
    settings = declared(Plain)
    assert list(settings) == [
        *("count", "spare", "any_whole", "rate", "decay", "power", "dropout", "kept", "limit", "anything"),
        *("bias", "colour", "title", "sizes", "shade", "most", "depth", "weights", "path"),
    ]
    assert [name for name, setting in settings.items() if setting.fixed] == ["count"]
    assert [name for name, setting in settings.items() if setting.transient] == ["path"]
    assert (settings["count"].sentence, settings["count"].kinds, settings["count"].default) == ("How many.", (int,), 3)
    assert (settings["most"].kinds, settings["shade"].kinds) == ((int,), (float, Shade))
    assert settings["count"].mark(OneOf) is None is settings["count"].choices


def test_a_subclass_may_change_a_default_and_inherits_the_rest():
    assert (Finer().rate, Finer().count, Plain().rate, Plain().count) == (0.125, 7, 0.5, 3)
    rate, before = declared(Finer)["rate"], declared(Plain)["rate"]
    assert replace(rate, default=before.default) == before
    assert declared(Finer)["count"].fixed
    assert [*declared(Finer)] == [*declared(Plain), "extra"]
    with pytest.raises(ValueError, match=r"^rate must be a positive number, got 0\.0$"):
        Finer(rate=0)
    with pytest.raises(ValueError, match=r"^extra must be a positive whole number, got 0$"):
        Finer(extra=0)
    assert (declared(Plain)["depth"].mark(Shown).text, declared(Finer)["depth"].mark(Shown).text) == ("0.25", "4")


def test_what_a_checkpoint_records():
    record = Finer(path="here", most=np.int64(4), weights={"a": 1.5, 2: [1]}, sizes=[3, 4]).to_json()
    assert "path" not in record  # of one call alone
    assert record.keys() == declared(Finer).keys() - {"path"}
    assert (record["most"], record["sizes"], record["shade"]) == (4, [3, 4], {"depth": 0.5})
    assert record["weights"] == [["a", 1.5], [2, [1]]]  # JSON has no keys but strings
    assert json.loads(json.dumps(record)) == record


def test_a_record_makes_equal_settings():
    made = Plain(count=9, rate=0.25, colour="green", sizes=(5, 6), most=2)
    record = json.loads(json.dumps(made.to_json()))
    among = Plain.among({**record, "shade": 0.5, "of another": 3})
    assert "of another" not in among
    assert Plain(**among) == made
    assert Plain.among({}) == {}


def test_settings_shared_with_another_kind():
    @dataclass(frozen=True, kw_only=True)
    class Part(Settings):
        rate: Annotated[float, positive, "How fast."] = 9.0
        other: Annotated[int, "Only here."] = 1

    assert Plain(rate=0.25).shared_with(Part) == {"rate": 0.25}
    assert Part(**Finer().shared_with(Part)) == Part(rate=0.125)


def test_settings_are_frozen_and_compare_by_value():
    made = Plain(count=4)
    with pytest.raises(FrozenInstanceError):
        made.count = 5
    assert made == Plain(count=np.int32(4)) != Plain(count=5)
    assert replace(made, rate=np.float32(0.25)) == Plain(count=4, rate=0.25)
    with pytest.raises(ValueError, match=r"^rate must be"):
        replace(made, rate=-1.0)


class Pairs(Mapping):
    """A mapping that is not a dict."""

    def __repr__(self):
        return "pairs"

    def __getitem__(self, key):
        return {1: (2.5, None)}[key]

    def __iter__(self):
        return iter([1])

    def __len__(self):
        return 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (0.5, 0.5),
        ("x", "x"),
        ((1, (2, 3)), [1, [2, 3]]),
        ({np.int64(1): (2,)}, [[1, [2]]]),
        (Pairs(), [[1, [2.5, None]]]),
        ([Shade(1.0)], [{"depth": 1.0}]),
    ],
    ids=str,
)
def test_values_in_plain_json(value, expected):
    assert as_json(value) == expected
    json.dumps(as_json(value))
