"""Ranges that numbers must lie in, each with its wording for messages."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple


class Range(NamedTuple):
    """A set of numbers.

    Attributes
    ----------
    whole, real : str
        What a whole number, or any real number, of the range is called in messages.
    short : str
        The same for documentation, after the type.
    holds : callable
        Whether a number lies in the range. NaN lies in none.
    """

    whole: str
    real: str
    short: str
    holds: Callable[[float], bool]


# Comparisons with NaN are false, so NaN fails each of them.
positive = Range("a positive whole number", "a positive number", "> 0", lambda value: 0 < value < math.inf)
not_negative = Range(
    "0 or a positive whole number", "0 or a positive number", ">= 0", lambda value: 0 <= value < math.inf
)
finite = Range("a whole number", "a finite number", "finite", math.isfinite)
fraction = Range("0", "in [0, 1)", "in [0, 1)", lambda value: 0 <= value < 1)
share = Range("1", "in (0, 1]", "in (0, 1]", lambda value: 0 < value <= 1)
above_zero = Range("a positive whole number", "positive", "> 0", lambda value: value > 0)
"""Positive; infinity is allowed."""
