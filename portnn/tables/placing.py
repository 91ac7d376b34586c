"""Tables: X as people give it, checked and placed where the model is."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.backends import Array, Backend, device, is_array, library_name, namespace, to_host
from portnn.tables.scaling import Scaling

DTYPES = ("float32", "float64")


def backend_for(x: Any) -> Backend:
    """Backend that X decides on: its library, its device, its dtype. Whole numbers take the library's default dtype.

    Raises
    ------
    TypeError
        If X is sparse or of numbers that are no real ones.
    """
    x = as_table(x)
    xp = namespace(X=x)
    if xp.isdtype(x.dtype, ("integral", "bool")):
        wanted = xp.__array_namespace_info__().default_dtypes(device=device(x))["real floating"]
    else:
        wanted = x.dtype
    for dtype in DTYPES:
        if wanted == getattr(xp, dtype):
            return Backend(library_name(xp), xp, device(x), dtype)
    raise TypeError(f"X has dtype {x.dtype}, expected {', '.join(DTYPES)} or whole numbers")


def as_table(x: Any) -> Array:
    """X as an array; what is no array of any library becomes one of NumPy.

    Raises
    ------
    TypeError
        If X is sparse, or not of numbers.
    ValueError
        If entries are masked.
    """
    if hasattr(x, "tocsr"):
        raise TypeError(f"X is sparse ({type(x).__name__}), which this model does not take; X.toarray() makes it dense")
    if np.ma.is_masked(x):
        raise ValueError("X has masked entries, which this model cannot learn from; fill or drop them")
    if is_array(x):
        if isinstance(x, np.ndarray) and x.dtype.kind not in "biufc":
            x = _numbers(x)
        return x
    array = np.asarray(x)
    return array if array.dtype.kind in "biufc" else _numbers(array)


def place_table(x: Any, where: Backend, *, width: int | None = None, scaling: Scaling | None = None) -> Array:
    """X (rows, features) on the backend and of its dtype.

    NumPy arrays, lists and data frames are moved over; arrays of another library or device are refused.

    Parameters
    ----------
    x : array (rows, features)
    where : Backend
    width : int, optional
        Number of features that X must have.
    scaling : Scaling, optional
        What brings every column to mean 0 and deviation 1; on the host before anything is rounded.

    Raises
    ------
    TypeError
        If X is sparse, of another library than the model, or not of numbers.
    ValueError
        If X is not a table with at least one row and column, has NaN or infinity, the wrong width, or lives on
        another device.
    """
    x = as_table(x)
    if x.ndim != 2:
        hint = "; X.reshape(1, -1) makes a table of one row" if x.ndim == 1 else ""
        raise ValueError(f"X has shape {tuple(x.shape)}, expected two axes (rows, features){hint}")
    rows, features = x.shape
    if not rows or not features:
        raise ValueError(f"X has shape {(rows, features)}: it has no {'rows' if not rows else 'columns'}")
    if width is not None and features != width:
        raise ValueError(f"X has {features} features, but the model expects {width}")
    xp = namespace(X=x)
    if isinstance(x, np.ndarray):
        given = x.astype(np.float64) if x.dtype.kind in "biu" else x
        with np.errstate(over="ignore", invalid="ignore"):
            x = where.asarray(given if scaling is None else scaling.of_rows(given))
    elif xp is not where.xp:
        raise TypeError(f"X belongs to {library_name(xp)}, but the model to {where.name}; `to` moves a fitted model")
    else:
        if where.device is not None and device(x) != where.device:
            raise ValueError(f"X is on device {device(x)}, but the model on {where.device}; `to` moves a fitted model")
        given = x
        x = xp.astype(x, getattr(xp, where.dtype), copy=False)
        x = x if scaling is None else scaling(x, where)
    # One number first: a sum of finite numbers is finite, unless they are huge, and takes a fraction of the time.
    with np.errstate(all="ignore"):
        total = where.xp.sum(x)
    if not bool(where.xp.isfinite(total)) and not bool(where.xp.all(where.xp.isfinite(x))):
        row, column = np.argwhere(~np.isfinite(to_host(x)))[0]
        finite = np.isfinite(to_host(given)[row, column])
        what = f"numbers too large for {where.dtype}" if finite else "NaN or infinity"
        raise ValueError(f"X contains {what}, first at row {row}, column {column}")
    return x


def check_lengths(y: np.ndarray[Any, Any], x: Array) -> None:
    """Raise ValueError unless y has as many rows as X."""
    if len(y) != x.shape[0]:
        raise ValueError(f"y has {len(y)} rows, but X has {x.shape[0]}")


def place_weights(weights: Any, rows: int, where: Backend) -> Array | None:
    """Weights of rows (rows,) on the backend; None if all are alike.

    Raises
    ------
    ValueError
        If they are of another length, negative, not finite, or all zero.
    """
    if weights is None:
        return None
    host = (to_host(weights) if is_array(weights) else np.asarray(weights)).astype(np.float64)
    if host.shape != (rows,):
        raise ValueError(f"sample_weight has shape {host.shape}, expected {(rows,)}")
    if not np.all(np.isfinite(host)) or np.any(host < 0.0):
        raise ValueError("sample_weight must be finite and not negative")
    if not np.any(host):
        raise ValueError("sample_weight is zero everywhere, so there is nothing to learn from")
    with np.errstate(over="ignore"):
        total = host.astype(where.dtype).sum()
    if not 0.0 < total < np.inf:
        raise ValueError(f"sample_weight has the sum {host.sum():g}, which {where.dtype} cannot hold")
    return where.asarray(host)


def _numbers(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Numbers out of an array of Python objects or strings."""
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"X must hold numbers: {error}") from error
