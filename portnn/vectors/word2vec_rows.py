"""Rows of the word2vec format: a word and its vector, in a line of text or in bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from portnn.vectors.written_numbers import BEYOND_SINGLE, single_number, written_number

Host = np.ndarray[Any, Any]

FLOAT = np.dtype("<f4")
CHUNK = 1 << 20
LONGEST_WORD = 100_000
"""Limit on the bytes of a word in a binary file, where nothing else would show that the file is not binary."""

BLANKS = b" \t"
LINE_END = BLANKS + b"\r"
NUMERALS = b"0123456789+-.eE "
GAP = re.compile(rb"[ \t]+")


class Header(NamedTuple):
    """Words in the file (None if it does not say), values in a vector, and the number of the first word's line."""

    words: int | None
    size: int
    first_line: int


class Reader:
    """Reads pieces of a stream: up to a given byte, or of a given length."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.held, self.place, self.before = file, b"", 0, 0

    @property
    def taken(self) -> int:
        """How many bytes have been read from the start."""
        return self.before + self.place

    def ahead(self, length: int) -> bytes:
        """The next `length` bytes, or fewer at the end, which remain to be read."""
        while len(self.held) - self.place < length and self._more():
            pass
        return self.held[self.place : self.place + length]

    def line_ahead(self) -> bytes:
        """The next line, which remains to be read."""
        while (end := self.held.find(b"\n", self.place)) < 0 and self._more():
            pass
        return self.held[self.place :] if end < 0 else self.held[self.place : end]

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
        piece = self.ahead(length)
        self.place += len(piece)
        return piece

    def _more(self) -> bool:
        chunk = self.file.read(CHUNK)
        self.before += self.place
        self.held, self.place = self.held[self.place :] + chunk, 0
        return bool(chunk)


def text_row(line: bytes, size: int) -> tuple[bytes, Host]:
    """Word and values of a line. The last `size` fields are the values; the word may consist of several.

    Only spaces and tabs separate: a word may contain any other character, those of control and Unicode's spaces too.

    Raises
    ------
    ValueError
        If there are too few values, or one is no number of single precision.
    """
    text = line.strip(LINE_END)
    word, *fields = text.rsplit(b" ", size)
    try:
        values = np.array([float(field) for field in fields])
        plain = len(fields) == size and not text[len(word) :].translate(None, NUMERALS)
        usual = plain and bool(np.abs(values).max() < BEYOND_SINGLE)
    except ValueError:
        usual = False
    if not usual:  # tabs or repeated spaces, infinity or NaN, or an error
        gaps = list(GAP.finditer(text))
        if len(gaps) < size:
            raise ValueError(f"{len(gaps)} values after the word, expected {size}")
        gap = gaps[-size]
        word = text[: gap.start()]
        values = np.array([single_number(field) for field in GAP.split(text[gap.end() :])])
    return word.rstrip(BLANKS), values


def text_rows(reader: Reader, path: Path, header: Header, wanted: int | None) -> Iterator[tuple[bytes, Host]]:
    """Read up to `wanted` rows of a text file, in which blank lines do not count."""
    number, found = header.first_line - 1, 0
    while wanted is None or found < wanted:
        line = reader.until(b"\n")
        if line is None:
            break
        number += 1
        if line.strip(LINE_END):
            yield _placed(line, path, number, header.size)
            found += 1
    if header.words is None:
        return
    if found < (wanted or 0):
        raise ValueError(f"{path} ends after {found:,} words, but its header promises {header.words:,}")
    while wanted == header.words and (line := reader.until(b"\n")) is not None:
        number += 1
        if line.strip(LINE_END):
            raise ValueError(
                f"{path}, line {number}: the header promises {header.words:,} words, but the file has more"
            )


def binary_rows(reader: Reader, path: Path, header: Header, wanted: int | None) -> Iterator[tuple[bytes, Host]]:
    """Read `wanted` rows of a binary file; line breaks before a word do not belong to it."""
    length = header.size * FLOAT.itemsize
    for row in range(wanted or 0):
        word = reader.until(b" ", LONGEST_WORD)
        if word is None or not word.strip(b"\n"):
            at_end = f"{path} ends after {row:,} words, but its header promises {header.words:,}"
            raise ValueError(at_end if word is None else f"{path}, word {row + 1}: the word is empty")
        if len(word) > LONGEST_WORD:
            raise ValueError(f"{path}, word {row + 1}: no space in {LONGEST_WORD:,} bytes; is this the binary format?")
        values = reader.take(length)
        if len(values) < length:
            raise ValueError(
                f"{path}, word {row + 1}: the file ends within its vector, after {len(values)} bytes of {length}"
            )
        yield word.lstrip(b"\n"), np.frombuffer(values, dtype=FLOAT)
    if wanted == header.words and reader.take(CHUNK).strip(b"\n"):
        raise ValueError(f"{path}: the header promises {header.words:,} words, but more bytes follow them")


def ends_in_number(word: str) -> bool:
    """Whether a word consists of several and the last one is a number.

    Examples
    --------
    >>> ends_in_number("Apollo 11"), ends_in_number("R$ 0,00"), ends_in_number("11")
    (True, False, False)
    """
    parts = GAP.split(word.encode("utf-8", "surrogatepass"))
    return len(parts) > 1 and is_number(parts[-1])


def is_number(field: bytes) -> bool:
    """Whether a field is a written number."""
    try:
        written_number(field)
    except ValueError:
        return False
    return True


def _placed(line: bytes, path: Path, number: int, size: int) -> tuple[bytes, Host]:
    try:
        return text_row(line, size)
    except ValueError as error:
        raise ValueError(f"{path}, line {number}: {error}") from None
