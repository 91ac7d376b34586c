"""NumPy's .npz archives: their arrays by name, mapped where they are stored as they are, else copied."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from portnn.images.npy import CacheDir, Check, Host, copy_array, map_array, read_header

_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, struct.error)
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, lengths of the name and of the extra field behind it


class Archive:
    """An open .npz file; see `open_archive`.

    Attributes
    ----------
    path : str
    names : list of str
        Names of its arrays.
    """

    def __init__(self, path: str, file: IO[bytes], archive: zipfile.ZipFile) -> None:
        self.path = path
        self._file, self._archive = file, archive
        self._members = {
            info.filename.removesuffix(".npy"): info for info in archive.infolist() if info.filename.endswith(".npy")
        }
        self.names = list(self._members)

    def what(self, name: str) -> str:
        """What an array is called in messages."""
        return f"{self.path}: {name}"

    def read(self, name: str, check: Check, cache_dir: CacheDir = None) -> Host:
        """One array, read-only: mapped if it is stored as it is, else copied.

        Raises
        ------
        OSError
            If it is copied, large, and the cache folder is not writable.
        ValueError
            If it is not what was expected, or is damaged.
        """
        member, what = self._members[name], self.what(name)
        with _naming_damage(f"{what} is damaged"), self._archive.open(member) as stream:
            header = read_header(stream, what, member.file_size, check)
            if member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & 1 and header.dtype.isnative:
                return map_array(self.path, header, self._begin(member))
            return copy_array(stream, header, what, cache_dir)

    def _begin(self, member: zipfile.ZipInfo) -> int:
        """Where the data of a member begins: behind a header whose length the archive's index does not tell."""
        self._file.seek(member.header_offset)
        _, name, extra = _LOCAL_HEADER.unpack(self._file.read(_LOCAL_HEADER.size))
        return member.header_offset + _LOCAL_HEADER.size + int(name) + int(extra)


@contextmanager
def open_archive(path: str) -> Iterator[Archive]:
    """Open an .npz file. What is mapped from it stays valid after it is closed.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no such file, or is damaged.
    """
    with open(path, "rb") as file:
        with _naming_damage(f"{path} is not an .npz file, or is damaged"):
            archive = zipfile.ZipFile(file)
        with archive:
            yield Archive(path, file, archive)


@contextmanager
def _naming_damage(what: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise ValueError(f"{what}: {error}") from error
