"""What evaluations ask: the lines of their files, and the words that count as known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from portnn.text.compression import open_bytes


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines of a UTF-8 file, without their ends, counted from 1; .gz, .bz2 and .xz are decompressed.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If a line is not UTF-8.
    """
    with open_bytes(path) as file:
        for number, raw in enumerate(file, start=1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise ValueError(f"{path}, line {number}: byte 0x{raw[error.start]:02x} is not UTF-8") from None
            yield number, line.rstrip("\r\n")


def known_words(words: Sequence[str], restrict_vocab: int | None, case_insensitive: bool) -> dict[str, int]:
    """Rows of the words that questions may have; in capitals if case does not matter. The first of equals counts."""
    if restrict_vocab is not None and restrict_vocab < 1:
        raise ValueError(f"restrict_vocab must be at least 1, got {restrict_vocab}")
    known: dict[str, int] = {}
    for row, word in enumerate(words[:restrict_vocab]):
        known.setdefault(word.upper() if case_insensitive else word, row)
    return known
