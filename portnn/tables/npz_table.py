"""`read_npz`: tables from NumPy's .npz files, without running any code that a file holds."""

from __future__ import annotations

import os
import zipfile
import zlib
from typing import Any, BinaryIO

import numpy as np

from portnn.settings import brief
from portnn.tables.content import Source, name_of
from portnn.tables.labels import listed
from portnn.tables.table import Table

DAMAGE_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, SyntaxError)
"""What zipfile and NumPy raise for damaged files."""


def read_npz(source: Source, *, x_name: str = "X", y_name: str = "y", targets: bool | None = None) -> Table:
    """Read two arrays of an .npz file: X (rows, features) and y (rows,) or (rows, n).

    Parameters
    ----------
    source : path-like or binary file
    x_name, y_name : str
        Names of the arrays.
    targets : bool, optional
        Whether to read y; by default it is read if the file has it.

    Returns
    -------
    Table

    Raises
    ------
    OSError
        If the file does not exist or is a folder.
    ValueError
        If the file is not an .npz file, is damaged, lacks an array, or holds features that are not finite numbers.

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
    if isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:  # NumPy would leave a damaged file open
            return read_npz(file, x_name=x_name, y_name=y_name, targets=targets)
    name = name_of(source)
    arrays = _arrays(source, name)
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
        y = _decoded(y, f"{name}: {y_name}") if y.dtype.kind == "S" else y
        if y.dtype.kind not in "biufU":
            raise ValueError(f"{name}: {y_name} has dtype {y.dtype}, expected numbers or text")
    return Table(x.astype(np.float64), y, None, None, name)


def _arrays(file: BinaryIO, name: str) -> Any:
    """Contents of an open file: an `NpzFile`, or the array of an .npy file."""
    try:
        return np.load(file, allow_pickle=False)
    except DAMAGE_ERRORS as error:
        raise ValueError(f"{name} is not an .npz file, or is damaged: {error}") from error
    except ValueError as error:  # NumPy's message suggests allow_pickle, which would run code from the file
        raise ValueError(f"{name} is not an .npz file") from error


def _array(file: Any, array: str, name: str) -> np.ndarray[Any, Any]:
    """One array of an open file."""
    if array not in file.files:
        raise ValueError(f"{name} has no array {brief(array)}; it has {listed(file.files) or 'none'}")
    try:
        return np.asarray(file[array])
    except (*DAMAGE_ERRORS, ValueError) as error:
        if "allow_pickle" in str(error):
            raise ValueError(f"{name}: {array} holds Python objects, which are not read; save it as numbers") from None
        raise ValueError(f"{name}: {array} is damaged: {error}") from error


def _decoded(array: np.ndarray[Any, Any], what: str) -> np.ndarray[Any, Any]:
    """Text of an array of bytes."""
    try:
        return np.char.decode(array, "utf-8")
    except UnicodeError as error:
        raise ValueError(f"{what} holds bytes that are not utf-8; save text instead") from error


def _check_finite(array: np.ndarray[Any, Any], what: str) -> None:
    """Raise ValueError, with the position, if there is NaN or infinity."""
    if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
        place = ", ".join(map(str, np.argwhere(~np.isfinite(array))[0]))
        raise ValueError(f"{what}[{place}] is NaN or infinite")
