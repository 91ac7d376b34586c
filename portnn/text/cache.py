"""Cache of encoded corpora: ids in a file that NumPy maps into memory, and their vocabulary in another.

An entry consists of two files. The ids are renamed into place first, the JSON file that makes them valid last, so that
a process killed at any moment leaves either a complete entry or none.
"""

from __future__ import annotations

import hashlib
import io
import json
import mmap
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import numpy as np

from portnn.text.cache_folder import naming_cache_folder, sweep, touch
from portnn.text.lookup import Ids
from portnn.text.vocabulary import Vocabulary

FORMAT = 2
"""To be incremented whenever the same text gives other ids, or the files change."""


class CacheEntry:
    """One encoded corpus in a cache folder, whether or not it has been written yet.

    Parameters
    ----------
    folder : Path
        The cache folder; created on the first write.
    facts : dict of plain JSON types
        Everything that the ids depend on. Different facts make a different entry.
    """

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        key = json.dumps([FORMAT, facts], sort_keys=True)
        digest = hashlib.sha256(key.encode()).hexdigest()[:32]
        self.folder = folder
        self.ids_path = folder / f"corpus-{digest}.npy"
        self.facts_path = folder / f"corpus-{digest}.json"

    def load(self) -> tuple[Ids, Vocabulary] | None:
        """Ids, mapped into memory, and their vocabulary; None if the entry is missing or incomplete."""
        try:
            facts = json.loads(self.facts_path.read_bytes())
            vocabulary = Vocabulary.from_json(facts["vocabulary"])
            if facts["bytes"] != self.ids_path.stat().st_size:
                return None
            ids = np.load(self.ids_path, mmap_mode="r")
        except (OSError, ValueError, LookupError, TypeError):
            return None
        if ids.ndim != 1 or ids.dtype != vocabulary.id_dtype:
            return None
        touch(self.facts_path)
        return ids, vocabulary

    @contextmanager
    def writing(self) -> Iterator[EntryWriter]:
        """Write the entry; nothing is visible under its name until `EntryWriter.commit`.

        Raises
        ------
        OSError
            If the folder is not writable, before anything is read.
        """
        temporary = self.folder / f".{uuid4().hex}.part"
        with naming_cache_folder(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            file = open(temporary, "xb")  # noqa: SIM115 - closed below or by commit
        try:
            sweep(self.folder)
            yield EntryWriter(self, file, temporary)
        finally:
            file.close()
            temporary.unlink(missing_ok=True)


class EntryWriter:
    """Writes the ids of an entry piece by piece; made by `CacheEntry.writing`."""

    def __init__(self, entry: CacheEntry, file: BinaryIO, temporary: Path) -> None:
        self._entry = entry
        self._file = file
        self._temporary = temporary

    def write(self, vocabulary: Vocabulary, pieces: Iterator[Ids]) -> int:
        """Write the ids and return their number."""
        dtype = vocabulary.id_dtype
        # NumPy pads the header of a one-dimensional array to a length that does not depend on the array's size, so
        # the size can be filled in at the end, and one pass over the text is enough.
        header = _header(dtype, 0)
        count = 0
        self._put(header)
        for ids in pieces:
            self._put(np.ascontiguousarray(ids, dtype).data)
            count += ids.size
        final = _header(dtype, count)
        if len(final) != len(header):
            raise RuntimeError(f"cache: header of {len(final)} bytes; expected {len(header)}")
        with naming_cache_folder(self._entry.folder):
            self._file.seek(0)
            self._file.write(final)
        return count

    def commit(self, vocabulary: Vocabulary) -> None:
        """Make the entry visible under its name."""
        entry = self._entry
        with naming_cache_folder(entry.folder):
            self._file.flush()
            os.fsync(self._file.fileno())
            size = os.fstat(self._file.fileno()).st_size
            self._file.close()
            os.replace(self._temporary, entry.ids_path)
            facts = {"bytes": size, "vocabulary": vocabulary.to_json()}
            # The temporary name is free again; `writing` removes the file if the next lines fail.
            self._temporary.write_text(json.dumps(facts), encoding="ascii")
            os.replace(self._temporary, entry.facts_path)

    def _put(self, data: bytes | memoryview) -> None:
        with naming_cache_folder(self._entry.folder):
            self._file.write(data)


def release_pages(ids: Ids) -> None:
    """Release the memory pages of a mapped file that have been read; no effect on ids in memory."""
    mapped = getattr(ids, "_mmap", None)
    if sys.platform != "win32" and isinstance(mapped, mmap.mmap):
        mapped.madvise(mmap.MADV_DONTNEED)


def _header(dtype: np.dtype[Any], count: int) -> bytes:
    buffer = io.BytesIO()
    description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (count,)}
    np.lib.format.write_array_header_1_0(buffer, description)
    return buffer.getvalue()
