"""Compressed files, recognized by their suffix in any case, .gz, .bz2 or .xz, or by their first bytes."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

from portnn.text.encodings import CHUNK_BYTES, PathLike
from portnn.text.signatures import LENGTH, compression_of

_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def is_compressed(path: PathLike) -> bool:
    """Whether the suffix is that of a compressed file: .gz, .bz2 or .xz."""
    return _suffix(path) in _OPENERS


@contextlib.contextmanager
def open_bytes(
    path: PathLike, mode: str = "rb", *, like: PathLike | None = None, raw: IO[bytes] | None = None
) -> Iterator[IO[bytes]]:
    """Open a file, compressing or decompressing it according to its suffix.

    Parameters
    ----------
    path : path
    mode : {"rb", "wb"}
    like : path, optional
        Path whose suffix counts instead, or the suffix.
    raw : file, optional
        The file, if it is open already; it stays open.

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        Inside the block, if the data is damaged, truncated, or not compressed as the suffix says.
    """
    suffix = _suffix(path if like is None else f"file{like}" if str(like).startswith(".") else like)
    with _OPENERS.get(suffix, open)(path if raw is None else raw, mode) as file:
        try:
            yield file
        except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise ValueError(f"{os.fspath(path)}: damaged {suffix} file ({error})") from None


def compression(path: PathLike, head: bytes) -> str | None:
    """How a file is compressed, .gz, .bz2 or .xz, by its suffix or else by its first bytes; None if it is not."""
    suffix = _suffix(path)
    return suffix if suffix in _OPENERS else compression_of(head)


@contextlib.contextmanager
def open_plain(path: PathLike) -> Iterator[IO[bytes]]:
    """Open a file to read, decompressed if its suffix or its first bytes say that it is compressed.

    Raises
    ------
    OSError, ValueError
        As `open_bytes` does.
    """
    with open(path, "rb") as raw:
        kind = compression(path, raw.peek(LENGTH))
        with open_bytes(path, like=kind, raw=raw) if kind else contextlib.nullcontext(raw) as file:
            yield file


def read_compressed(name: PathLike, file: IO[bytes], kind: str, advance: Callable[[int], object]) -> Iterator[bytes]:
    """Read compressed data, decompressed, in pieces.

    Parameters
    ----------
    name : path
        For error messages.
    file : binary file
    kind : {".gz", ".bz2", ".xz"}
    advance : callable
        Called with the number of compressed bytes read since the last call.

    Yields
    ------
    bytes
        The next piece, never empty.

    Raises
    ------
    ValueError
        If the data is damaged, truncated, or not compressed in this way.
    """
    done = 0
    with open_bytes(name, like=kind, raw=file) as plain:
        while chunk := plain.read(CHUNK_BYTES):
            advance(file.tell() - done)
            done = file.tell()
            yield chunk
        advance(file.tell() - done)


def _suffix(path: PathLike) -> str:
    return os.path.splitext(os.fspath(path))[1].lower()
