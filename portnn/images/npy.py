"""Arrays in NumPy's .npy format: mapped where they lie in a file, or copied piece by piece out of a stream."""

from __future__ import annotations

import math
import os
import tokenize
from collections.abc import Callable
from typing import IO, Any, NamedTuple

import numpy as np

from portnn.text.array_store import ArrayStore
from portnn.text.corpus import MEMORY_LIMIT

Host = np.ndarray[Any, Any]
CacheDir = str | os.PathLike[str] | None

PIECE_BYTES = 1 << 20
"""About so much is copied at a time."""


class ArrayHeader(NamedTuple):
    """What a file says of an array before its elements.

    Attributes
    ----------
    shape : tuple of int
    fortran_order : bool
    dtype : numpy.dtype
    start : int
        Where the elements begin, counted from the beginning of the array in its file.
    """

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]
    start: int

    @property
    def data_bytes(self) -> int:
        """Number of bytes of the elements."""
        return math.prod(self.shape) * self.dtype.itemsize


Check = Callable[[ArrayHeader], None]
"""Raises ValueError if an array is not what was expected, before it is read."""


def read_header(file: IO[bytes], what: str, room: int, check: Check) -> ArrayHeader:
    """Header of an array, after which the file is at its elements.

    Parameters
    ----------
    file : binary file
        At the beginning of the array.
    what : str
        Name of the array, for messages.
    room : int
        Number of bytes that the array has in the file, with its header.
    check : callable

    Raises
    ------
    ValueError
        If there is no array, it holds Python objects, or it has more elements than there is room for.
    """
    begin = file.tell()
    try:
        version = np.lib.format.read_magic(file)
        # Version 3 differs from 2 in the names of fields alone.
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran_order, dtype = read(file)
    except (ValueError, TypeError, SyntaxError, tokenize.TokenError) as error:
        raise ValueError(f"{what} is no array in NumPy's format, or is damaged: {error}") from error
    header = ArrayHeader(shape, fortran_order, dtype, file.tell() - begin)
    if dtype.hasobject:
        raise ValueError(f"{what} holds Python objects, which are not read; save it as numbers")
    check(header)
    if room - header.start < header.data_bytes:
        raise ValueError(
            f"{what} is damaged: {room - header.start} bytes of data, where shape {shape} of {dtype} "
            f"needs {header.data_bytes}"
        )
    return header


def read_array(path: str, check: Check, cache_dir: CacheDir = None) -> Host:
    """Array of an .npy file, read-only.

    Raises
    ------
    OSError
        If the file cannot be read, or the array is copied, large, and the cache folder is not writable.
    ValueError
        If it is no such file, is damaged, or is not what was expected.
    """
    with open(path, "rb") as file:
        header = read_header(file, path, os.fstat(file.fileno()).st_size, check)
        return map_or_copy(path, file, header, path, cache_dir)


def map_or_copy(path: str, file: IO[bytes], header: ArrayHeader, what: str, cache_dir: CacheDir = None) -> Host:
    """Array that starts with its file: mapped if it is in the machine's order of bytes, else copied."""
    if header.dtype.isnative:
        return map_array(path, header, 0)
    file.seek(header.start)
    return copy_array(file, header, what, cache_dir)


def map_array(path: str, header: ArrayHeader, begin: int) -> Host:
    """Array that begins so far into a file, mapped read-only."""
    order: Any = "F" if header.fortran_order else "C"
    return np.asarray(np.memmap(path, header.dtype, "r", begin + header.start, header.shape, order))


def copy_array(file: IO[bytes], header: ArrayHeader, what: str, cache_dir: CacheDir = None) -> Host:
    """Array whose elements follow in a stream, read-only and in the machine's order of bytes.

    Raises
    ------
    OSError
        If the array is large and the cache folder is not writable.
    ValueError
        If the stream ends early.
    """
    dtype = header.dtype.newbyteorder("=")
    store = ArrayStore(dtype, MEMORY_LIMIT, cache_dir)
    step = max(PIECE_BYTES // max(header.dtype.itemsize, 1), 1) * header.dtype.itemsize
    left = header.data_bytes
    while left:
        piece = file.read(min(step, left))
        if len(piece) < min(step, left):
            raise ValueError(f"{what} is damaged: it ends {left - len(piece)} bytes early")
        store.append(np.frombuffer(piece, header.dtype).astype(dtype, copy=False))
        left -= len(piece)
    return np.asarray(store.whole()).reshape(header.shape, order="F" if header.fortran_order else "C")
