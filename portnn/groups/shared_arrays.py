"""Arrays that processes of one machine share: those of a pickle, which are read alone, and those that all write to."""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import pickle
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

Host = np.ndarray[Any, Any]

ALIGNMENT = 64


class Shared(NamedTuple):
    """A pickle whose arrays lie in memory that has a descriptor.

    Attributes
    ----------
    pickled : bytes
    places : list of (int, int)
        Where the bytes of each array begin and end.
    """

    pickled: bytes
    places: list[tuple[int, int]]


def share(value: Any, memory: int) -> Shared:
    """Pickle a value; write its arrays into the memory with a descriptor, but for those that are mapped from a file."""
    buffers: list[pickle.PickleBuffer] = []
    stream = io.BytesIO()
    _Pickler(stream, protocol=5, buffer_callback=buffers.append).dump(value)
    places, end = [], 0
    for buffer in buffers:
        begin = -(-end // ALIGNMENT) * ALIGNMENT
        with buffer.raw() as data:
            end = begin + data.nbytes
            places.append((begin, end))
    os.ftruncate(memory, max(end, 1))
    with mmap.mmap(memory, 0) as written:
        for buffer, (begin, stop) in zip(buffers, places, strict=True):
            with buffer.raw() as data:
                written[begin:stop] = data
    return Shared(stream.getvalue(), places)


def shared(value: Shared, memory: int) -> Any:
    """What `share` has pickled; what is written to its arrays stays in this process."""
    read = memoryview(mmap.mmap(memory, 0, access=mmap.ACCESS_COPY))
    return pickle.loads(value.pickled, buffers=[read[begin:end] for begin, end in value.places])


class CommonArray(NamedTuple):
    """An array that several processes of the machine write to.

    Attributes
    ----------
    file : str
        Name of its memory, as long as the process that made it lets it be open.
    dtype : str
    shape : tuple of int
    """

    file: str
    dtype: str
    shape: tuple[int, ...]

    def mapped(self) -> Host:
        """The array; what is written to it, all see."""
        return np.asarray(np.memmap(self.file, self.dtype, "r+", shape=self.shape))


@contextlib.contextmanager
def common_array(array: Host) -> Iterator[CommonArray]:
    """A copy of an array in memory that other processes can map until the context ends, and then keep."""
    memory = os.memfd_create("portnn-table")
    try:
        os.ftruncate(memory, max(array.nbytes, 1))
        common = CommonArray(f"/proc/{os.getpid()}/fd/{memory}", array.dtype.str, array.shape)
        common.mapped()[...] = array
        yield common
    finally:
        os.close(memory)


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.flags.c_contiguous:
            mapped = _mapping(value)
            if mapped is not None:
                return _mapped_again, mapped
            if type(value) is np.memmap:
                return value.view(np.ndarray).__reduce_ex__(5)
        return NotImplemented


def _mapping(array: Host) -> tuple[str, str, tuple[int, ...], int] | None:
    """File, dtype, shape and offset of a read-only array that is mapped from a file with a name."""
    owner: Any = array
    while isinstance(owner, np.ndarray) and not isinstance(owner.base, mmap.mmap):
        owner = owner.base
    if not isinstance(owner, np.memmap) or owner.mode != "r" or owner.filename is None or not array.size:
        return None
    mapped: Any = owner.base
    file = os.fspath(owner.filename)
    if not os.path.exists(file):
        return None
    # NumPy maps from a multiple of the granularity on.
    begin = owner.offset - owner.offset % mmap.ALLOCATIONGRANULARITY
    start = np.frombuffer(mapped, np.uint8).ctypes.data
    return file, array.dtype.str, array.shape, begin + array.ctypes.data - start


def _mapped_again(file: str, dtype: str, shape: tuple[int, ...], offset: int) -> Host:
    return np.memmap(file, np.dtype(dtype), "r", offset, shape)
