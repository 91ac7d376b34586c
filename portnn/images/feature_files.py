"""`read_features`: rows of numbers that describe images, from files that may be larger than memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from portnn.images.array_names import FEATURES, LABELS, check_name, check_there, usual_or_only
from portnn.images.checked_arrays import check_feature_array
from portnn.images.npy import PIECE_BYTES, Check, Host, read_array
from portnn.images.npz import open_archive
from portnn.images.paths import path_of, suffix_of, unknown_suffix
from portnn.images.tensor_file import open_tensors
from portnn.settings import brief


class NamedArrays(Protocol):
    """An open file of arrays that have names."""

    names: list[str]

    def read(self, name: str, check: Check) -> Host:
        """One of the arrays, read-only."""


OPENERS: dict[str, Callable[[str], AbstractContextManager[NamedArrays]]] = {
    ".npz": open_archive,
    ".safetensors": open_tensors,
}
"""What opens files of named arrays, by their suffix."""

SUFFIXES = (".npy", *OPENERS)
"""Suffixes of files that features are read from."""


def read_features(path: str | os.PathLike[str], *, name: str | None = None) -> np.ndarray[Any, Any]:
    """Features of images from a file: a row of numbers for each image.

    They are mapped into memory rather than read, so they may be larger than that. What cannot be mapped, such as a
    compressed array, is unpacked once: into memory up to 64 MiB, and beyond it into an unnamed temporary file, which is
    mapped and disappears with the array. Its folder is the environment variable PORTNN_CACHE, or "portnn" in the user's
    cache folder.

    Parameters
    ----------
    path : path
        An .npy file; or an .npz or .safetensors file with an array called features, or only one. An array called labels
        does not count.
    name : str, optional
        Name of the array of an .npz or .safetensors file.

    Returns
    -------
    numpy.ndarray
        (rows, width), real numbers of the file's dtype, read-only; float32 where the file has BF16.

    Raises
    ------
    TypeError
        If an argument has another type.
    OSError
        If the file does not exist or cannot be read, or the cache folder is not writable.
    ValueError
        If the file is of an unknown kind or damaged, there is no such array or no single one, it has another shape, no
        rows or no real numbers, or a number is NaN or infinite. Rows are counted from 0.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "digits.npz")
    ...     np.savez_compressed(path, features=np.eye(3, 8, dtype=np.float32), labels=[4, 0, 4])
    ...     features = read_features(path)
    >>> features.shape, features.dtype, features.flags.writeable
    ((3, 8), dtype('float32'), False)
    """
    path = path_of("path", path)
    check_name("name", name)
    os.stat(path)  # says so if there is nothing, whatever the suffix
    suffix, check = suffix_of(path), check_feature_array(path)
    if suffix in OPENERS:
        with OPENERS[suffix](path) as arrays:
            features = arrays.read(_chosen(path, arrays.names, name), check)
    elif suffix == ".npy":
        if name is not None:
            known = " and ".join(OPENERS)
            raise ValueError(f"{path} has no named arrays, but name is {brief(name)}; only {known} files have them")
        features = read_array(path, check)
    else:
        raise ValueError(unknown_suffix(path, SUFFIXES))
    _check_finite(path, features)
    return features


def _chosen(path: str, names: list[str], name: str | None) -> str:
    """Which array holds the features: the one that was named, else the usual or only one."""
    check_there(path, name, names)
    if name is not None:
        return name
    return usual_or_only(path, names, [FEATURES], LABELS, "say with name which array is to be read")


def _check_finite(path: str, features: Host) -> None:
    """Raise ValueError if there is NaN or infinity in some row; a piece of the array is looked at at a time."""
    if features.dtype.kind != "f":
        return
    step = max(PIECE_BYTES // (features.shape[1] * features.itemsize), 1)
    for start in range(0, len(features), step):
        finite = np.isfinite(features[start : start + step])
        if not finite.all():
            row = start + int(np.argmin(finite.all(axis=1)))
            raise ValueError(f"{path}: row {row} has NaN or infinity")
