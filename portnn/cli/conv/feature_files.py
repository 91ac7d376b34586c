"""Features of images as a file of NumPy's, written a block of rows at a time."""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np

Host = np.ndarray[Any, Any]

SUFFIXES = (".npz", ".npy")


def write_features(
    path: Path, blocks: Iterable[Host], count: int, labels: Host | None, advance: Callable[[int], object]
) -> tuple[tuple[int, ...], str]:
    """Write features, and labels beside them where the file has room for several arrays. The file appears at the end.

    Parameters
    ----------
    path : Path
        .npz, or .npy for features alone.
    blocks : iterable of arrays (rows, width)
    count : int
        Rows of all blocks.
    labels : array (count,), optional
    advance : callable
        Called with the number of rows of each block.

    Returns
    -------
    shape : tuple of int
    dtype : str

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            if path.suffix.lower() == ".npy":
                written = _write_rows(file, blocks, count, advance)
            else:
                with zipfile.ZipFile(file, "w") as archive:  # as it is: readers can map it into memory
                    with archive.open("features.npy", "w", force_zip64=True) as member:
                        written = _write_rows(member, blocks, count, advance)
                    if labels is not None:
                        with archive.open("labels.npy", "w", force_zip64=True) as member:
                            np.lib.format.write_array(member, np.ascontiguousarray(labels), allow_pickle=False)
        draft.replace(path)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
    return written


def _write_rows(
    file: IO[bytes], blocks: Iterable[Host], count: int, advance: Callable[[int], object]
) -> tuple[tuple[int, ...], str]:
    """Write the rows of all blocks as one array in NumPy's format."""
    shape: tuple[int, ...] = ()
    kind = ""
    for block in blocks:
        rows = np.ascontiguousarray(block)
        if not shape:
            shape, kind = (count, *rows.shape[1:]), rows.dtype.name
            descr = np.lib.format.dtype_to_descr(rows.dtype)
            np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
        file.write(rows.data)
        advance(len(rows))
    return shape, kind
