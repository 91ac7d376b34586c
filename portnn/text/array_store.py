"""`ArrayStore`: pieces of one array, in memory or, if they are too many, in a file mapped into memory."""

from __future__ import annotations

import os
import tempfile
import weakref
from typing import IO, Any

import numpy as np

from portnn.text.cache_folder import cache_folder, naming_cache_folder

Host = np.ndarray[Any, Any]


class ArrayStore:
    """Pieces of one array: in memory up to a limit, beyond it in an unnamed temporary file."""

    def __init__(self, dtype: np.dtype[Any], limit: int, cache_dir: str | os.PathLike[str] | None) -> None:
        self._dtype = dtype
        self._limit = limit
        self._cache_dir = cache_dir
        self._pieces: list[Host] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None

    def append(self, ids: Host) -> None:
        """Add a piece (n,) at the end."""
        self._pieces.append(ids)
        self._bytes += ids.nbytes
        if self._bytes > self._limit:
            self._spill()

    def _spill(self) -> None:
        folder = cache_folder(self._cache_dir)
        with naming_cache_folder(folder):
            if self._file is None:
                folder.mkdir(parents=True, exist_ok=True)
                self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed once it is mapped
            for ids in self._pieces:
                self._file.write(ids.data)
        self._pieces.clear()

    def whole(self) -> Host:
        """All pieces as one array (n,), read-only; nothing can be added after it."""
        if self._file is None:
            ids = np.concatenate(self._pieces or [np.empty(0, self._dtype)])
            ids.flags.writeable = False
            return ids
        file, shape = self._file, (self._bytes // self._dtype.itemsize,)
        file.flush()
        # While the file is open, Linux has a name for it, by which worker processes map it, too.
        name = f"/proc/{os.getpid()}/fd/{file.fileno()}"
        if not os.path.exists(name):
            mapped = np.memmap(file, self._dtype, mode="r", shape=shape)
            file.close()  # the map keeps its own handle
            return mapped
        mapped = np.memmap(name, self._dtype, mode="r", shape=shape)
        weakref.finalize(mapped, file.close)
        return mapped
