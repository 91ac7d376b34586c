"""The user's X, checked and placed on the backend of a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.backends import (
    Array,
    Backend,
    detached,
    device,
    is_array,
    library_name,
    namespace,
    real_numbers,
    to_host,
)
from portnn.batches import SparseTable, compressed, is_sparse
from portnn.tables.scaling import Scaling

Host = np.ndarray[Any, Any]

DTYPES = ("float32", "float64")
REAL = ("bool", "integral", "real floating")


def backend_for(x: Any) -> Backend:
    """Backend that X determines: its library, device and dtype.

    Integers take the library's default floating dtype, floats of half precision float32.

    Raises
    ------
    TypeError
        If X is not of real numbers, or sparse but not of SciPy.
    """
    x = as_table(compressed(x).data if is_sparse(x) else x)
    xp = namespace(X=x)
    if xp.isdtype(x.dtype, ("integral", "bool")):
        wanted = xp.__array_namespace_info__().default_dtypes(device=device(x))["real floating"]
    else:
        wanted = x.dtype
    dtype = next((dtype for dtype in DTYPES if wanted == getattr(xp, dtype)), "float32")
    return Backend(library_name(xp), xp, device(x), dtype)


def as_table(x: Any) -> Array:
    """X as an array; lists and data frames become NumPy's.

    Raises
    ------
    TypeError
        If X is not of real numbers.
    ValueError
        If entries are masked.
    """
    if not is_array(x) or isinstance(x, np.ndarray | np.generic):
        return real_numbers("X", x)
    if not namespace(X=x).isdtype(x.dtype, REAL):
        raise TypeError(f"X has dtype {x.dtype}, expected real numbers")
    return detached(x)


def place_table(
    x: Any, backend: Backend, *, width: int | None = None, scaling: Scaling | None = None
) -> Array | SparseTable:
    """X (rows, features) on the backend and of its dtype.

    NumPy arrays, lists and data frames are moved over; arrays of another library or device are refused. A sparse matrix
    becomes a table whose rows are moved over when they are asked for.

    Parameters
    ----------
    x : array, or sparse matrix of SciPy (rows, features)
    backend : Backend
    width : int, optional
        Number of features that X must have.
    scaling : Scaling, optional
        Brings every column to mean 0 and standard deviation 1; on the host, before anything is rounded to the
        backend's dtype.

    Raises
    ------
    TypeError
        If X is of another library than the model, sparse but not of SciPy, or not of numbers.
    ValueError
        If X is not a table with at least one row and column, has NaN or infinity, has the wrong width, or is on
        another device.
    """
    if is_sparse(x):
        table = SparseTable.of(x, backend, None if scaling is None else scaling.of_rows)
        check_shape(table.rows, width)
        check_entries_finite(table)
        return table
    x = given = as_table(x)
    check_shape(x, width)
    xp = namespace(X=x)
    if isinstance(x, np.ndarray):
        given = x.astype(np.float64) if x.dtype.kind in "biu" else x
        with np.errstate(over="ignore", invalid="ignore"):
            x = backend.asarray(given if scaling is None else scaling.of_rows(given))
    elif xp is not backend.xp:
        raise TypeError(f"X belongs to {library_name(xp)}, but the model to {backend.name}; `to` moves a fitted model")
    else:
        if backend.device is not None and device(x) != backend.device:
            raise ValueError(
                f"X is on device {device(x)}, but the model on {backend.device}; `to` moves a fitted model"
            )
        x = xp.astype(x, getattr(xp, backend.dtype), copy=False)
        x = x if scaling is None else scaling(x, backend)
    check_finite(x, given, backend)
    return x


def check_shape(x: Any, width: int | None) -> None:
    """Raise ValueError unless X is a table with rows, columns and the right width."""
    if x.ndim != 2:
        hint = "; X.reshape(1, -1) makes a table of one row" if x.ndim == 1 else ""
        raise ValueError(f"X has shape {tuple(x.shape)}, expected two axes (rows, features){hint}")
    rows, features = x.shape
    if not rows or not features:
        raise ValueError(f"X has shape {(rows, features)}: it has no {'rows' if not rows else 'columns'}")
    if width is not None and features != width:
        raise ValueError(f"X has {features} features, but the model expects {width}")


def check_finite(x: Array, given: Array, backend: Backend) -> None:
    """Raise ValueError if the placed X has NaN or infinity; the X that was given shows whether it had them before."""
    xp = backend.xp
    # The sum takes a fraction of the time, and is finite if all numbers are finite and not huge.
    with np.errstate(all="ignore"):
        total = xp.sum(x)
    if bool(xp.isfinite(total)) or bool(xp.all(xp.isfinite(x))):
        return
    row, column = np.argwhere(~np.isfinite(to_host(x)))[0]
    raise not_finite(row, column, to_host(given)[row, column], backend)


def check_entries_finite(table: SparseTable) -> None:
    """Raise ValueError if a sparse table has NaN or infinity, or numbers that the backend's dtype cannot hold."""
    numbers, columns, starts = table.entries()
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        row = np.searchsorted(starts, wrong[0], side="right") - 1
        raise not_finite(row, columns[wrong[0]], table.rows.data[wrong[0]], table.backend)


def not_finite(row: Any, column: Any, given: Any, backend: Backend) -> ValueError:
    """Error about a number of X that is not finite in the backend's dtype."""
    what = f"numbers too large for {backend.dtype}" if np.isfinite(given) else "NaN or infinity"
    return ValueError(f"X contains {what}, first at row {row}, column {column}")


def check_lengths(y: Host, x: Array | SparseTable) -> None:
    """Raise ValueError unless y has as many rows as X."""
    if len(y) != x.shape[0]:
        raise ValueError(f"y has {len(y)} rows, but X has {x.shape[0]}")
