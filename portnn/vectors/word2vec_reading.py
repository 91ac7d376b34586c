"""Read the text and binary formats of word2vec: a header "words values", then each word with its vector."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from portnn.text.compression import is_compressed, open_bytes

Host = np.ndarray[Any, Any]

FLOAT = np.dtype("<f4")
CHUNK = 1 << 20
MAX_HEADER, MAX_WORD = 200, 100_000
SPACES = b" \t\n\r\v\f"
CONTROL = bytes({*range(32), 127} - set(SPACES))
"""Bytes that text never contains and nearly all binary vectors do."""


def read_word2vec_format(
    path: str | os.PathLike[str],
    *,
    binary: bool | None = None,
    encoding: str = "utf-8",
    errors: str = "strict",
    limit: int | None = None,
) -> tuple[list[str], Host]:
    r"""Read words and vectors from a file in the word2vec format.

    Parameters
    ----------
    path : path-like
        A file that ends in .gz, .bz2 or .xz is decompressed.
    binary : bool, optional
        By default, control characters after the header show that the file is binary.
    encoding : str
        Encoding of the words.
    errors : {"strict", "replace", "ignore"}
        Treatment of bytes that are not in the encoding, as for `bytes.decode`.
    limit : int, optional
        Read only this many words from the start.

    Returns
    -------
    words : list of str
    vectors : numpy array (words, values), float32

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the header is missing or wrong, a row is damaged or a word occurs twice; the message names the line or the
        number of the word.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "vectors.txt")
    ...     _ = path.write_text("2 3\nfilm 1 2 3\nmovie 1 2 3.5\n")
    ...     words, vectors = read_word2vec_format(path)
    >>> words, vectors[1].tolist()
    (['film', 'movie'], [1.0, 2.0, 3.5])
    """
    path = Path(path)
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1, got {limit}")
    with open_bytes(path) as file:
        count, size = _header(file, path)
        bytes_left = None if is_compressed(path) else os.fstat(file.fileno()).st_size - file.tell()
        ahead = file.read(CHUNK)
        if binary is None:
            binary = any(byte in CONTROL for byte in ahead[: 4 * size + MAX_WORD])
        wanted = count if limit is None else min(count, limit)
        shortest = 1 + (1 + 4 * size if binary else 2 * size)
        if bytes_left is not None and bytes_left < wanted * shortest - 1:
            raise ValueError(
                f"{path}: the header promises {count:,} words of {size} values, but the file is too short for them"
            )
        vectors = _table(path, wanted, size)
        rows = (_binary_rows if binary else _text_rows)(_Reader(file, ahead), path, size, wanted, count)
        raw = []
        for index, (word, values) in enumerate(rows):
            raw.append(word)
            vectors[index] = values
    return _decoded(raw, path, binary, encoding, errors), vectors


class _Reader:
    """Reads pieces of a stream: up to a given byte, or of a given length."""

    def __init__(self, file: IO[bytes], ahead: bytes) -> None:
        self.file, self.held, self.place = file, ahead, 0

    def until(self, mark: bytes, longest: int | None = None) -> bytes | None:
        """Bytes before the next mark, which is skipped; without a mark the rest of the stream; None at its end."""
        searched = self.place
        while (end := self.held.find(mark, searched)) < 0:
            if longest is not None and len(self.held) - self.place > longest:
                return self.held[self.place :]
            searched = len(self.held) - self.place
            if not self._more():
                end = len(self.held)
                break
        piece = self.held[self.place : end]
        at_end = end == len(self.held) and not piece
        self.place = min(end + len(mark), len(self.held))
        return None if at_end else piece

    def take(self, length: int) -> bytes:
        """The next `length` bytes, or fewer at the end."""
        while len(self.held) - self.place < length and self._more():
            pass
        piece = self.held[self.place : self.place + length]
        self.place += len(piece)
        return piece

    def _more(self) -> bool:
        chunk = self.file.read(CHUNK)
        self.held, self.place = self.held[self.place :] + chunk, 0
        return bool(chunk)


def _header(file: IO[bytes], path: Path) -> tuple[int, int]:
    line = file.readline(MAX_HEADER)
    fields = line.split()
    try:
        count, size = (int(field) for field in fields)
    except ValueError:
        shown = line.strip().decode("utf-8", "replace")
        shown = shown if len(shown) <= 80 else shown[:80] + "..."
        raise ValueError(
            f"{path}, line 1: {shown!r} is not a header of the word2vec format, expected two whole numbers: "
            "the number of words, and the number of values in each vector"
        ) from None
    if count < 1 or size < 1:
        raise ValueError(
            f"{path}, line 1: the header says {count} words of {size} values, expected at least one of each"
        )
    return count, size


def _table(path: Path, count: int, size: int) -> Host:
    try:
        return np.empty((count, size), dtype=np.float32)
    except (MemoryError, ValueError):
        raise ValueError(
            f"{path}: the header promises {count:,} words of {size:,} values, which do not fit in memory"
        ) from None


def _text_rows(reader: _Reader, path: Path, size: int, wanted: int, count: int) -> Iterator[tuple[bytes, Host]]:
    line, row = 1, 0
    while row < wanted:
        line += 1
        text = reader.until(b"\n")
        if text is None:
            raise ValueError(f"{path} ends after {row:,} words, but its header promises {count:,}")
        fields = text.split()
        if not fields:
            continue
        if len(fields) != size + 1:
            raise ValueError(f"{path}, line {line}: {len(fields) - 1} values after the word, expected {size}")
        try:
            values = np.array([float(field) for field in fields[1:]])
        except ValueError:
            wrong = next(field for field in fields[1:] if not _is_number(field)).decode("utf-8", "replace")
            raise ValueError(f"{path}, line {line}: {wrong!r} is not a number") from None
        yield fields[0], values
        row += 1
    if wanted == count:
        while (text := reader.until(b"\n")) is not None:
            line += 1
            if text.strip():
                raise ValueError(f"{path}, line {line}: the header promises {count:,} words, but the file has more")


def _is_number(field: bytes) -> bool:
    with contextlib.suppress(ValueError):
        float(field)
        return True
    return False


def _binary_rows(reader: _Reader, path: Path, size: int, wanted: int, count: int) -> Iterator[tuple[bytes, Host]]:
    length = size * FLOAT.itemsize
    for row in range(wanted):
        word = reader.until(b" ", MAX_WORD)
        if word is None or not word.strip(b"\n"):
            at_end = f"{path} ends after {row:,} words, but its header promises {count:,}"
            raise ValueError(at_end if word is None else f"{path}, word {row + 1}: the word is empty")
        if len(word) > MAX_WORD:
            raise ValueError(f"{path}, word {row + 1}: no space in {MAX_WORD:,} bytes; is this the binary format?")
        values = reader.take(length)
        if len(values) < length:
            raise ValueError(
                f"{path}, word {row + 1}: the file ends within its vector, after {len(values)} bytes of {length}"
            )
        yield word.lstrip(b"\n"), np.frombuffer(values, dtype=FLOAT)
    if wanted == count and reader.take(CHUNK).strip(b"\n"):
        raise ValueError(f"{path}: the header promises {count:,} words, but more bytes follow them")


def _decoded(raw: Sequence[bytes], path: Path, binary: bool, encoding: str, errors: str) -> list[str]:
    words: dict[str, int] = {}
    for index, piece in enumerate(raw):
        try:
            word = piece.decode(encoding, errors)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path}, word {index + 1}: byte 0x{piece[error.start]:02x} is not {encoding}; "
                "pass another encoding, or errors='replace'"
            ) from None
        if words.setdefault(word, index) != index:
            raise ValueError(f"{path}, word {index + 1}: {word!r} is already word {words[word] + 1}")
    return list(words)
