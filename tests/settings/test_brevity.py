"""Objects in one line: what they are, never their data, and never an exception."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest

from portnn.settings import brief_fields, outline


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


class Wordy:
    def __repr__(self) -> str:
        return "one\n  two\t" + "x" * 1000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((2, 3), np.float32), "float32 (2, 3)"),
        (np.zeros(()), "float64 ()"),
        (np.asarray(["b", "a"]), "<U1 (2,)"),
        (np.float64(0.5), "np.float64(0.5)"),
        (3, "3"),
        ("gru", "'gru'"),
        ("a\nb", "'a\\nb'"),
        ("x" * 5000, "str of 5,000"),
        (b"x" * 5000, "bytes of 5,000"),
        ((50,), "(50,)"),
        ((), "()"),
        ([1, "a"], "[1, 'a']"),
        ({3}, "set({3})"),
        ({"a": np.zeros(4)}, "{'a': float64 (4,)}"),
        (tuple(range(9)), "tuple of 9"),
        (dict.fromkeys(range(1234)), "dict of 1,234"),
        (Broken(), "<Broken>"),
        ([Broken()], "[<Broken>]"),
    ],
)
def test_a_value_in_brief(value, text) -> None:
    assert outline(value) == text


def test_other_objects_are_cut_to_one_short_line() -> None:
    assert outline(Wordy()).startswith("one two xxx")
    assert len(outline(Wordy())) == 120
    assert len(outline(OrderedDict.fromkeys(range(1000)))) == 120


def test_the_arrays_of_every_library_are_read_by_their_form_alone(backend) -> None:
    array = backend.asarray(np.zeros((2, 3)))
    assert outline(array) == f"{backend.dtype} (2, 3)"


def test_fields_of_dataclasses_and_named_tuples() -> None:
    @dataclass
    class Run:
        params: dict[str, Any]
        secret: int = field(default=1, repr=False)
        __repr__ = brief_fields

    class Pair(NamedTuple):
        x: Any
        y: Any = None

    assert repr(Run({"w": np.zeros(5)})) == "Run(params={'w': float64 (5,)})"
    assert brief_fields(Pair(np.zeros(2))) == "Pair(x=float64 (2,), y=None)"
