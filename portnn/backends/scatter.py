"""`scatter_add`: add rows to a table where ids may repeat; `one_hot`, `minus_one_hot`: rows of the identity matrix."""

from __future__ import annotations

from portnn.backends.libraries import library_of
from portnn.backends.libraries.primitives import Array, Namespace
from portnn.settings import plain


def scatter_add(
    target: Array,
    ids: Array,
    rows: Array,
    *,
    scale: Array | None = None,
    donate: bool = False,
    coalesced: bool = False,
    xp: Namespace,
) -> Array:
    """`target` with ``scale * rows[k]`` added to row ``ids[k]`` for every k; repeated ids accumulate.

    Parameters
    ----------
    target : array (n, m), real floating
    ids : array (k,), integer in [0, n)
        Values are checked on the host, before a step; here only where a wrong one would do harm.
    rows : array (k, m), dtype of `target`
    scale : array, shape (), dtype of `target`, optional
        1 if not given.
    donate : bool
        `target` is no longer needed: if the library can write in place, the result is `target` itself.
    coalesced : bool
        `ids` come from `coalesce`, and `rows` are zero where it left zeros: a GPU need not sum them once more.

    Returns
    -------
    array (n, m)
        A new array, unless `donate`.

    Notes
    -----
    `array_api_extra.at(target, ids).add(rows)` leaves repeated ids undefined; this is the operation that
    the gradient of a row gather needs. On NumPy, SciPy's sparse kernels, if installed, add to a table of more
    than 512 rows, or to one that is donated, ten to twenty times faster than NumPy alone. On a GPU the order of
    additions depends on the ids alone, so that the same arguments give the same bits.
    """
    return library_of(xp).scatter_add(target, ids, rows, scale, donate, coalesced, xp=xp)


def one_hot(ids: Array, depth: int, dtype: object, *, xp: Namespace) -> Array:
    """Rows of the identity matrix. ids (...,) integer -> (..., depth) in `dtype`."""
    return library_of(xp).one_hot(ids, plain(depth), dtype, xp=xp)


def minus_one_hot(x: Array, ids: Array, amounts: Array | float, *, xp: Namespace) -> Array:
    """``x - amounts * one_hot(ids)``; x is no longer needed, and may be the result.

    Parameters
    ----------
    x : array (..., n), real floating
    ids : integer array (...)
    amounts : array (..., 1) or (), or float
    """
    return library_of(xp).minus_one_hot(x, ids, amounts, xp=xp)
