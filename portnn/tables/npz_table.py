"""`read_npz`: tables out of NumPy's .npz files, without ever running what a file holds."""

from __future__ import annotations

import os
import zipfile
import zlib
from typing import Any, BinaryIO

import numpy as np

from portnn.tables.table import Table

DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, SyntaxError)
"""What zipfile and NumPy raise where bytes are not what they were."""


def read_npz(
    path: str | os.PathLike[str], *, x_name: str = "X", y_name: str = "y", targets: bool | None = None
) -> Table:
    """Read two arrays of an .npz file: X (rows, features) and y (rows,) or (rows, n).

    Parameters
    ----------
    path : path-like
    x_name, y_name : str
        Names of the arrays.
    targets : bool, optional
        Whether y is needed; without it y is read where it is there.

    Returns
    -------
    Table

    Raises
    ------
    OSError
        If there is no such file, or it is a folder.
    ValueError
        If the file is no .npz file, is damaged, lacks an array, or holds what are no numbers.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "data.npz")
    ...     np.savez(path, X=np.zeros((3, 2)), y=np.arange(3))
    ...     table = read_npz(path)
    >>> table.x.shape, table.y.tolist()
    ((3, 2), [0, 1, 2])
    """
    name = os.fspath(path)
    with open(path, "rb") as opened:  # NumPy leaves it open where it is damaged
        arrays = _arrays(opened, name)
        if not isinstance(arrays, np.lib.npyio.NpzFile):
            raise ValueError(f"{name} holds a single array, expected an .npz file with {x_name} and {y_name}")
        x = _array(arrays, x_name, name)
        y = _array(arrays, y_name, name) if targets or (targets is None and y_name in arrays.files) else None
    if x.dtype.kind not in "biuf":
        raise ValueError(f"{name}: {x_name} has dtype {x.dtype}, expected numbers")
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"{name}: {x_name} has shape {x.shape}, expected (rows, features)")
    _check_finite(x, f"{name}: {x_name}")
    if y is not None:
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim not in (1, 2) or len(y) != len(x) or 0 in y.shape:
            raise ValueError(f"{name}: {y_name} has shape {y.shape}, but {x_name} has {len(x)} rows")
        _check_finite(y, f"{name}: {y_name}")
    return Table(x.astype(np.float64), y, None, None, name)


def _arrays(file: BinaryIO, name: str) -> Any:
    """What NumPy finds in an open file."""
    try:
        return np.load(file, allow_pickle=False)
    except DAMAGES as error:
        raise ValueError(f"{name} is no .npz file, or is damaged: {error}") from error
    except ValueError as error:  # whose words advise to run what the file holds
        raise ValueError(f"{name} is no .npz file") from error


def _array(file: Any, array: str, name: str) -> np.ndarray[Any, Any]:
    """One array of an open file."""
    if array not in file.files:
        raise ValueError(f"{name} has no array {array!r}; it has {', '.join(map(repr, file.files)) or 'none'}")
    try:
        return np.asarray(file[array])
    except (*DAMAGES, ValueError) as error:
        if "allow_pickle" in str(error):
            raise ValueError(f"{name}: {array} holds Python objects, which are not read; save it as numbers") from None
        raise ValueError(f"{name}: {array} is damaged: {error}") from error


def _check_finite(array: np.ndarray[Any, Any], what: str) -> None:
    """Refuse NaN and infinity, and say where."""
    if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
        place = ", ".join(map(str, np.argwhere(~np.isfinite(array))[0]))
        raise ValueError(f"{what}[{place}] is NaN or infinite")
