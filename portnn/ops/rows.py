"""Arrays viewed as rows, for operations on the last axis."""

from __future__ import annotations

from portnn.backends import Array, Namespace

SHORT = 4
"""Rows up to this long are reduced column by column."""


def as_rows(x: Array, *, xp: Namespace) -> Array:
    """View x (..., n) as rows (m, n). One product of two matrices is faster than a stack of small ones everywhere."""
    return x if x.ndim == 2 else xp.reshape(x, (-1, x.shape[-1]))


def row_max(x: Array, *, xp: Namespace) -> Array:
    """Largest entry of each row of x (..., n), as (..., 1).

    Starting a row costs NumPy's reduction as much as a dozen entries, so short rows are compared column by column.
    """
    n = x.shape[-1]
    if not 1 < n <= SHORT:
        return xp.max(x, axis=-1, keepdims=True)
    largest = x[..., :1]
    for column in range(1, n):
        largest = xp.maximum(largest, x[..., column : column + 1])
    return largest
