"""Bytes of compressed files, by their suffix, in pieces of bounded size."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from portnn.text.encodings import CHUNK_BYTES, PathLike, check_file

_OPENERS: dict[str, Callable[[Any], Any]] = {
    ".gz": lambda raw: gzip.GzipFile(fileobj=raw),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}


def is_compressed(path: PathLike) -> bool:
    """Whether the suffix is that of a compression known here: .gz, .bz2 or .xz."""
    return _suffix(path) in _OPENERS


def read_compressed(path: PathLike, advance: Callable[[int], object]) -> Iterator[bytes]:
    """Content of a compressed file, decompressed, in pieces.

    Parameters
    ----------
    path : path
        A file of which `is_compressed` holds.
    advance : callable
        Told how many bytes of the file itself, as it lies on the disk, were taken since the last call.

    Yields
    ------
    bytes
        The next piece, never empty.

    Raises
    ------
    ValueError
        If the file is damaged, cut short, or not what its suffix says.
    """
    check_file(path)
    suffix = _suffix(path)
    done = 0
    with open(path, "rb") as raw, cast(BinaryIO, _OPENERS[suffix](raw)) as file:
        while True:
            try:
                chunk = file.read(CHUNK_BYTES)
            except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise
                raise ValueError(f"{os.fspath(path)}: damaged {suffix} file ({error})") from None
            advance(raw.tell() - done)
            done = raw.tell()
            if not chunk:
                return
            yield chunk


def _suffix(path: PathLike) -> str:
    return os.path.splitext(os.fspath(path))[1].lower()
