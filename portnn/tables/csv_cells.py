"""Cells of CSV files: which are numbers, and which are missing."""

from __future__ import annotations

import re

DECIMALS = (".", ",")
"""What may stand before the fraction of a number."""

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""Cells of a column of numbers that mean a missing value, in lower case."""

_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?P<mark>[.,' \u00a0\u202f])[0-9]{3}(?:(?P=mark)[0-9]{3})*(?:[.,][0-9]+)?")


def as_number(cell: str, decimal: str = ".") -> float | None:
    """Number in a cell, or None."""
    cell = cell.strip()
    if decimal != ".":
        cell = cell.replace(".", "_").replace(decimal, ".", 1)
    try:
        # Python would read 1_000, and the digits of other scripts.
        return float(cell) if cell.isascii() and "_" not in cell else None
    except ValueError:
        return None


def looks_like_number(cell: str) -> bool:
    """Whether a cell is a number, with a decimal point or a decimal comma."""
    return any(as_number(cell, decimal) is not None for decimal in DECIMALS)


def has_thousands_separators(cell: str) -> bool:
    """Whether a cell looks like a number whose digits are grouped in threes, such as 1,234.5."""
    return _GROUPED.fullmatch(cell.strip()) is not None


def is_missing(cell: str) -> bool:
    """Whether a cell of a column of numbers means a missing value."""
    return cell.strip().lower() in MISSING
