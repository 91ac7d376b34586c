"""Files that are compressed, by their suffix: .gz, .bz2, .xz."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}

DAMAGES = (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile)
"""What the decompressors raise where bytes are not what they were."""


@contextlib.contextmanager
def open_bytes(path: Path, mode: str = "rb", suffix: str | None = None) -> Iterator[IO[bytes]]:
    """Open a file whose bytes are (de)compressed as its suffix, or the one given, says.

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        Inside the block, if the compressed data is damaged or ends too soon.
    """
    opener = OPENERS.get(path.suffix if suffix is None else suffix)
    with (open if opener is None else opener)(path, mode) as file:
        try:
            yield file
        except DAMAGES as error:
            raise ValueError(f"{path} is damaged, or ends too soon: {error}") from error
        except OSError as error:
            if opener is bz2.open and error.errno is None:  # its way to say so
                raise ValueError(f"{path} is damaged: {error}") from error
            raise
