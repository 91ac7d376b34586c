"""`scatter_add`: add rows to a table where ids may repeat."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import array_api_compat as compat

from portnn.backends.namespaces import Array, Namespace, device

ONE_HOT_ROWS = 512
"""Tables up to this many rows are summed by a one-hot matrix product on NumPy and CuPy."""

ONE_HOT_ELEMENTS = 1 << 22
"""The generic body's one-hot matrices hold at most about this many elements, to bound its memory."""


def scatter_add(
    target: Array, ids: Array, rows: Array, *, scale: Array | None = None, donate: bool = False, xp: Namespace
) -> Array:
    """`target` with ``scale * rows[k]`` added to row ``ids[k]`` for every k; repeated ids accumulate.

    Parameters
    ----------
    target : array (n, m), real floating
    ids : array (k,), integer in [0, n)
        Values are checked on the host, before a step; here only where another one would do harm.
    rows : array (k, m), dtype of `target`
    scale : array, shape (), dtype of `target`, optional
        1 without it.
    donate : bool
        `target` is not needed any more: where the library lets itself be written to, the result is `target` itself.

    Returns
    -------
    array (n, m)
        A new array, unless `donate`.

    Notes
    -----
    `array_api_extra.at(target, ids).add(rows)` leaves repeated ids undefined; this is the operation that
    the gradient of a row gather needs. On NumPy a table of more than 512 rows, or one that is donated, is added to
    by SciPy's sparse kernels if SciPy is there, ten to twenty times faster than NumPy alone.
    """
    if compat.is_numpy_namespace(xp) and (donate or target.shape[0] > ONE_HOT_ROWS):
        add_columns = _sparse_kernel()
        if add_columns is not None and target.flags.c_contiguous:
            return _by_columns(target if donate else target.copy(), ids, rows, scale, add_columns, xp)
    if scale is not None:
        rows = rows * scale
    if compat.is_torch_namespace(xp):
        return target.index_add_(0, ids, rows) if donate else target.index_add(0, ids, rows)
    if compat.is_jax_namespace(xp):
        return target.at[ids].add(rows)
    if target.shape[0] > ONE_HOT_ROWS or donate:
        if compat.is_numpy_namespace(xp):
            return _by_segments(target if donate else target.copy(), ids, rows, xp)
        if compat.is_cupy_namespace(xp):
            result = target if donate else target.copy()
            xp.add.at(result, ids, rows)
            return result
    return by_one_hot(target, ids, rows, xp=xp)


def one_hot(ids: Array, depth: int, dtype: object, *, xp: Namespace) -> Array:
    """Rows of the identity matrix. ids (...,) integer -> (..., depth) in `dtype`."""
    classes = xp.arange(depth, dtype=ids.dtype, device=device(ids))
    return xp.astype(xp.expand_dims(ids, axis=-1) == classes, dtype)


def by_one_hot(target: Array, ids: Array, rows: Array, *, xp: Namespace) -> Array:
    """Do `scatter_add` with nothing but the standard: a product with one-hot rows, block by block."""
    block = max(1, ONE_HOT_ELEMENTS // max(1, target.shape[0]))
    result = target
    for start in range(0, ids.shape[0], block):
        stop = min(start + block, ids.shape[0])
        some = one_hot(ids[start:stop], target.shape[0], rows.dtype, xp=xp)
        result = result + xp.matmul(some.T, rows[start:stop, ...])
    return result


@functools.cache
def _sparse_kernel() -> Callable[..., None] | None:
    # SciPy's public sparse product always makes a new array of the size of the table; the kernel below it adds to
    # one that is there, row after row, which is just what is wanted. It is not public, so it may be gone one day.
    try:
        from scipy.sparse._sparsetools import csc_matvecs
    except ImportError:
        return None
    return csc_matvecs  # type: ignore[no-any-return]


def _by_columns(
    target: Array, ids: Array, rows: Array, scale: Array | None, add: Callable[..., None], xp: Any
) -> Array:
    # A sparse matrix (n, k) that has one entry, `scale`, in each column, times the rows: target += matrix @ rows.
    count, width = rows.shape
    if count:
        ids = xp.ascontiguousarray(ids, dtype=xp.int64)
        # The kernel would write to whatever lies beside the table. A negative id is a huge one without its sign.
        if int(ids.view(xp.uint64).max()) >= target.shape[0]:
            raise IndexError(f"scatter_add: ids lie in {ids.min()}..{ids.max()}, expected 0..{target.shape[0] - 1}")
        entries = xp.full(count, 1.0 if scale is None else scale, dtype=rows.dtype)
        rows = xp.ascontiguousarray(rows)
        columns = xp.arange(count + 1, dtype=xp.int64)
        add(target.shape[0], count, width, columns, ids, entries, rows.reshape(-1), target.reshape(-1))
    return target


def _by_segments(target: Array, ids: Array, rows: Array, xp: Namespace) -> Array:
    # Sorting brings equal ids together; each run is then summed by one call. `add.at` goes row by row.
    order = xp.argsort(ids, stable=True)
    sorted_ids = ids[order]
    starts = xp.flatnonzero(xp.concatenate((xp.ones_like(ids[:1], dtype=bool), sorted_ids[1:] != sorted_ids[:-1])))
    if ids.shape[0]:
        target[sorted_ids[starts]] += xp.add.reduceat(rows[order], starts, axis=0)
    return target
