"""`scatter_add`: add rows to a table where ids may repeat."""

from __future__ import annotations

import array_api_compat as compat

from portnn.backends.namespace import Array, Namespace, device

ONE_HOT_ROWS = 512
"""Tables up to this many rows are summed by a one-hot matrix product on NumPy and CuPy."""

ONE_HOT_ELEMENTS = 1 << 22
"""The generic body's one-hot matrices hold at most about this many elements, to bound its memory."""


def scatter_add(target: Array, ids: Array, rows: Array, *, xp: Namespace) -> Array:
    """Copy of `target` with `rows[k]` added to row `ids[k]` for every k; repeated ids accumulate.

    Parameters
    ----------
    target : array (n, m), real floating
    ids : array (k,), integer in [0, n)
        Not checked here: values are checked on the host, before a step.
    rows : array (k, m), dtype of `target`

    Returns
    -------
    array (n, m)

    Notes
    -----
    `array_api_extra.at(target, ids).add(rows)` leaves repeated ids undefined; this is the operation that
    the gradient of a row gather needs.
    """
    if compat.is_torch_namespace(xp):
        return target.index_add(0, ids, rows)
    if compat.is_jax_namespace(xp):
        return target.at[ids].add(rows)
    if target.shape[0] > ONE_HOT_ROWS:
        if compat.is_numpy_namespace(xp):
            return _by_segments(target, ids, rows, xp)
        if compat.is_cupy_namespace(xp):
            result = target.copy()
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


def _by_segments(target: Array, ids: Array, rows: Array, xp: Namespace) -> Array:
    # Sorting brings equal ids together; each run is then summed by one call. `add.at` goes row by row.
    order = xp.argsort(ids, stable=True)
    sorted_ids = ids[order]
    starts = xp.flatnonzero(xp.concatenate((xp.ones_like(ids[:1], dtype=bool), sorted_ids[1:] != sorted_ids[:-1])))
    result = target.copy()
    if ids.shape[0]:
        result[sorted_ids[starts]] += xp.add.reduceat(rows[order], starts, axis=0)
    return result
