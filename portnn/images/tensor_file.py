"""Tensors of safetensors files: mapped where they lie in the file, which the library that writes them would copy."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
import safetensors

from portnn.checkpoints.checkpoint import DTYPES
from portnn.images.npy import PIECE_BYTES, ArrayHeader, CacheDir, Check, Host, map_array, map_or_copy
from portnn.text.array_store import ArrayStore
from portnn.text.corpus import MEMORY_LIMIT

BF16 = "BF16"
"""safetensors' name of the upper half of float32, which NumPy does not have."""

_DTYPES = {theirs: np.dtype(ours).newbyteorder("<") for ours, theirs in DTYPES.items()}


class TensorFile:
    """An open safetensors file; see `open_tensors`.

    Attributes
    ----------
    names : list of str
        Names of its tensors.
    """

    def __init__(self, path: str, file: IO[bytes]) -> None:
        self._path, self._file = path, file
        length = int.from_bytes(file.read(8), "little")
        self._start = 8 + length
        entries: dict[str, Any] = json.loads(file.read(length))
        self._entries = {name: entry for name, entry in entries.items() if name != "__metadata__"}
        self.names = sorted(self._entries)

    def read(self, name: str, check: Check, cache_dir: CacheDir = None) -> Host:
        """One tensor, read-only: mapped, or converted to float32 if it is BF16.

        Raises
        ------
        OSError
            If it is converted, large, and the cache folder is not writable.
        ValueError
            If it is not what was expected, or has a dtype that NumPy does not have.
        """
        entry = self._entries[name]
        kind, shape, start = entry["dtype"], tuple(entry["shape"]), self._start + entry["data_offsets"][0]
        what = f"{self._path}: {name}"
        if kind == BF16:
            check(ArrayHeader(shape, False, np.dtype(np.float32), start))
            halves = map_array(self._path, ArrayHeader(shape, False, np.dtype("<u2"), start), 0)
            return widened(halves, cache_dir)
        if kind not in _DTYPES:
            raise ValueError(f"{what} has dtype {kind}, expected one of {', '.join((*_DTYPES, BF16))}")
        header = ArrayHeader(shape, False, _DTYPES[kind], start)
        check(header)
        return map_or_copy(self._path, self._file, header, what, cache_dir)


@contextmanager
def open_tensors(path: str) -> Iterator[TensorFile]:
    """Open a safetensors file. What is mapped from it stays valid after it is closed.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no such file, or is damaged.
    """
    with open(path, "rb") as file:
        try:
            with safetensors.safe_open(path, framework="numpy"):
                pass  # the header is as it should be, and the tensors lie one behind the other up to the file's end
        except safetensors.SafetensorError as error:
            why = textwrap.shorten(str(error), 200, placeholder=" ...")  # it can hold all of the header
            raise ValueError(f"{path} is not a safetensors file, or is damaged: {why}") from error
        yield TensorFile(path, file)


def widened(halves: Host, cache_dir: CacheDir = None) -> Host:
    """Numbers of float32, read-only, whose upper halves are given as whole numbers."""
    store = ArrayStore(np.dtype(np.float32), MEMORY_LIMIT, cache_dir)
    flat = halves.reshape(-1)
    for start in range(0, flat.size, PIECE_BYTES // 4):
        piece = flat[start : start + PIECE_BYTES // 4].astype(np.uint32)
        store.append((piece << np.uint32(16)).view(np.float32))
    return np.asarray(store.whole()).reshape(halves.shape)
