"""Numbers as files write them: stricter than Python, which also reads 1_0 and the digits of other scripts."""

from __future__ import annotations

import numpy as np

from portnn.settings import brief

BEYOND_SINGLE = float(np.finfo(np.float32).max) + 2.0**103
"""Smallest number that single precision rounds to infinity."""

LONGEST = 400
"""Limit on the bytes of a file that a message quotes from."""


def written_number(field: bytes) -> float:
    """Number in decimal notation, or "nan", "inf" or "infinity" with or without a sign.

    Raises
    ------
    ValueError
        If it is anything else; the message is one line.

    Examples
    --------
    >>> written_number(b"-2.5e3")
    -2500.0
    """
    try:
        if b"_" in field or field != field.strip():
            raise ValueError
        return float(field)
    except ValueError:
        raise ValueError(f"{quoted(field)} is not a number") from None


def single_number(field: bytes) -> float:
    """Written number that fits single precision.

    Raises
    ------
    ValueError
        If it is no number, or so large that it would become infinite.
    """
    value = written_number(field)
    if abs(value) >= BEYOND_SINGLE and any(digit in field for digit in b"0123456789"):  # what says "inf" is meant so
        raise ValueError(f"{quoted(field)} is too large for single precision, whose largest number is 3.4e38")
    return value


def quoted(piece: bytes) -> str:
    """Start of a piece of a file, in quotes, for messages."""
    return brief(piece[:LONGEST].decode("utf-8", "replace"))
