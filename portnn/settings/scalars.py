"""Plain Python numbers from scalars of any library: JSON has no others, and a NumPy scalar would widen arrays."""

from __future__ import annotations

import contextlib
import decimal
import numbers
import operator
from typing import Any, TypeVar

from portnn.settings.messages import brief
from portnn.settings.ranges import Range

N = TypeVar("N", int, float)


def plain(value: Any) -> Any:
    """Python number for a scalar, or 0-d array, of any library; anything else as is."""
    if not hasattr(value, "dtype") or getattr(value, "shape", None) != ():
        return value
    if hasattr(value, "item"):
        return value.item()
    # The array API standard has no `item`, and there `float` accepts a boolean.
    for convert in (bool,) if "bool" in str(value.dtype) else (operator.index, float):
        with contextlib.suppress(TypeError):
            return convert(value)
    return value


def number(name: str, value: Any) -> float:
    """Python float for a real number of any kind, and for nothing else: neither a string nor a boolean.

    Raises
    ------
    TypeError
        If it is not a number.
    """
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real | decimal.Decimal):
        raise TypeError(f"{name} must be a number, got {brief(value)}")
    return float(value)


def whole_number(name: str, value: Any, expected: str = "a whole number") -> int:
    """Python's int for a whole number of any kind.

    Raises
    ------
    TypeError
        If it is not a number.
    ValueError
        If it is a number with a fraction, or a boolean; `expected` says what it should be.
    """
    value = plain(value)
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return int(value)
    wrong = ValueError if isinstance(value, numbers.Real | decimal.Decimal) else TypeError
    raise wrong(f"{name} must be {expected}, got {brief(value)}")


def switch(name: str, value: Any) -> bool:
    """A boolean given as such, or as 0 or 1.

    Raises
    ------
    ValueError
        If it is neither.
    """
    value = plain(value)
    if not (isinstance(value, int) and value in (0, 1)):
        raise ValueError(f"{name} must be True or False, got {brief(value)}")
    return bool(value)


def checked_number(name: str, value: Any, kind: type[N], within: Range | None = None) -> N:
    """Python number in a range, an int or a float as `kind` says.

    Raises
    ------
    TypeError
        If it is not a number.
    ValueError
        If it is out of the range.
    """
    if kind is int:
        value = whole_number(name, value, expected := "a whole number" if within is None else within.whole)
    else:
        value, expected = number(name, value), "a number" if within is None else within.real
    if within is not None and not within.holds(value):
        raise ValueError(f"{name} must be {expected}, got {brief(value)}")
    return kind(value)
