"""Write the text and binary formats of word2vec."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from portnn.text.compression import open_bytes
from portnn.vectors.single_precision import Host, single_precision
from portnn.vectors.word2vec_rows import FLOAT
from portnn.vectors.word2vec_words import encoded


def write_word2vec_format(
    path: str | os.PathLike[str], words: Sequence[str], blocks: Iterable[Host], size: int, *, binary: bool = False
) -> None:
    """Write words and vectors. A failed write leaves an existing file as it was.

    Parameters
    ----------
    path : path-like
        A file that ends in .gz, .bz2 or .xz is compressed.
    words : sequence of str
        Lone surrogates that stand for undecodable bytes are written as these bytes.
    blocks : iterable of numpy arrays (rows, size)
        Their vectors, block by block, written in single precision; the text format loses no digits of it.
    size : int
        Number of values in a vector.
    binary : bool

    Raises
    ------
    ValueError
        If a word could not be read again: text holds none that is empty, contains a line break or begins or ends with
        a space, the binary format none that is empty or contains a space or a line feed. If a number is too large for
        single precision, or there are not as many vectors as words.
    OSError
        If the file cannot be written.
    """
    path = Path(path)
    names = encoded(words, binary)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    values = " ".join(["%.9g"] * size).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_bytes(draft, "wb", like=path) as file:
            file.write(f"{len(words)} {size}\n".encode())
            done = 0
            for block in map(np.asarray, blocks):
                end = done + len(block)
                if block.shape[1:] != (size,) or end > len(words):
                    raise ValueError(f"{len(words)} words of {size} values, but vectors of shape {block.shape}")
                rows = single_precision(block, words[done:end])
                if binary:
                    those = zip(names[done:end], rows.astype(FLOAT, copy=False), strict=True)
                    file.write(b"".join(b"%b %b" % (name, row.tobytes()) for name, row in those))
                else:
                    those = zip(names[done:end], rows.tolist(), strict=True)
                    file.write(b"".join(b"%b %b\n" % (name, values % tuple(row)) for name, row in those))
                done = end
            if done < len(words):
                raise ValueError(f"{len(words)} words, but {done} vectors")
        draft.replace(path)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
