"""Cells of CSV files: which are numbers, and which are missing."""

from __future__ import annotations

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""Cells of a column of numbers that mean a missing value, in lower case."""


def as_number(cell: str) -> float | None:
    """Number in a cell, or None."""
    try:
        return None if "_" in cell else float(cell)  # Python would read 1_000
    except ValueError:
        return None


def looks_like_number(cell: str) -> bool:
    """Whether a cell is a number, possibly with a decimal comma."""
    return as_number(cell.replace(",", ".", 1)) is not None


def is_missing(cell: str) -> bool:
    """Whether a cell of a column of numbers means a missing value."""
    return cell.strip().lower() in MISSING
