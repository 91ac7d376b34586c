"""Write the text and binary formats of word2vec."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from portnn.text.compression import open_bytes
from portnn.vectors.word2vec_reading import FLOAT, Host


def write_word2vec_format(
    path: str | os.PathLike[str], words: Sequence[str], blocks: Iterable[Host], size: int, *, binary: bool = False
) -> None:
    """Write words and vectors. A failed write leaves an existing file as it was.

    Parameters
    ----------
    path : path-like
        A file that ends in .gz, .bz2 or .xz is compressed.
    words : sequence of str
    blocks : iterable of numpy arrays (rows, size)
        Their vectors, block by block, written in single precision; the text format loses no digits of it.
    size : int
        Number of values in a vector.
    binary : bool

    Raises
    ------
    ValueError
        If a word is empty or contains whitespace or a lone surrogate, which the format cannot hold.
    OSError
        If the file cannot be written.
    """
    path = Path(path)
    encoded = [_writable(word) for word in words]
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    values = " ".join(["%.9g"] * size).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_bytes(draft, "wb", like=path) as file:
            file.write(f"{len(words)} {size}\n".encode())
            names = iter(encoded)
            for block in blocks:
                rows = np.asarray(block, dtype=FLOAT)
                if binary:
                    file.write(b"".join(b"%b %b" % (next(names), row.tobytes()) for row in rows))
                else:
                    file.write(b"".join(b"%b %b\n" % (next(names), values % tuple(row)) for row in rows.tolist()))
        draft.replace(path)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _writable(word: str) -> bytes:
    try:
        raw = word.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{word!r} contains a lone surrogate, which UTF-8 cannot hold") from None
    if len(raw.split()) != 1 or raw.strip() != raw:
        raise ValueError(f"{word!r} is empty or contains whitespace, which the word2vec format cannot hold")
    return raw
