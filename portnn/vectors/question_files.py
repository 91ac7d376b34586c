"""Files of evaluation questions: their lines, and which of their words are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from portnn.text.compression import open_plain

BLANKS = " \t"


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines of a UTF-8 file without line ends, numbered from 1; .gz, .bz2 and .xz are decompressed.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If a line is not UTF-8.
    """
    with open_plain(path) as file:
        for number, raw in enumerate(file, start=1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise ValueError(f"{path}, line {number}: byte 0x{raw[error.start]:02x} is not UTF-8") from None
            yield number, line.rstrip("\r\n")


def words_of(line: str) -> tuple[str, ...]:
    r"""Words of a line between spaces and tabs; Unicode's other spaces belong to a word.

    Examples
    --------
    >>> len(words_of("10\u00a0km  mile"))
    2
    """
    return tuple(filter(None, line.replace("\t", " ").split(" ")))


def known_words(words: Sequence[str], restrict_vocab: int | None, case_insensitive: bool) -> dict[str, int]:
    """Row of each word, in uppercase if case does not matter; of equal words the first one counts."""
    known: dict[str, int] = {}
    for row, word in enumerate(words[:restrict_vocab]):
        known.setdefault(word.upper() if case_insensitive else word, row)
    return known
