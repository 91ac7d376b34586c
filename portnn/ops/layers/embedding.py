"""Embedding: a gather of rows."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, RowGradient, portable, scatter_add
from portnn.ops.shapes import check_ndim

__all__ = ["EmbeddingCache", "embedding", "embedding_backward"]


class EmbeddingCache(NamedTuple):
    """What `embedding_backward` needs."""

    ids: Array
    table: Array


@portable
def embedding(ids: Array, table: Array, *, xp: Namespace = None) -> tuple[Array, EmbeddingCache]:
    """Gather rows of a table: what the product of one-hot rows with the table would give.

    Parameters
    ----------
    ids : array (...), integer in [0, n)
        Their range is checked on the host, before a step (see `portnn.text`).
    table : array (n, m), real floating

    Returns
    -------
    y : array (..., m)
    cache : EmbeddingCache

    Raises
    ------
    TypeError
        If ids are not integers.
    ValueError
        If the table is not a matrix.
    """
    check_ndim("embedding", "table", table, 2)
    if not xp.isdtype(ids.dtype, "integral"):
        raise TypeError(f"embedding: ids have dtype {ids.dtype}, expected an integer dtype")
    rows = xp.take(table, xp.reshape(ids, (-1,)), axis=0)
    return xp.reshape(rows, (*ids.shape, table.shape[1])), EmbeddingCache(ids, table)


@portable
def embedding_backward(
    dy: Array, cache: EmbeddingCache, *, as_rows: bool = False, xp: Namespace = None
) -> Array | RowGradient:
    """Gradient of `embedding` for the table (n, m); rows of repeated ids accumulate. dy (..., m).

    With `as_rows`, only the gathered rows: ids (k,) and rows (k, m), which may be far smaller than the table.
    """
    ids, rows = xp.reshape(cache.ids, (-1,)), xp.reshape(dy, (-1, cache.table.shape[1]))
    if as_rows:
        return RowGradient(ids, rows)
    return scatter_add(xp.zeros_like(cache.table), ids, rows, xp=xp)
