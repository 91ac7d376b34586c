"""What a file in the word2vec format says of itself: its header, and whether it is text or binary."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from portnn.text.signatures import LENGTH, encoding_of, kind_of
from portnn.vectors.word2vec_rows import (
    CHUNK,
    FLOAT,
    GAP,
    LINE_END,
    LONGEST_WORD,
    Header,
    Reader,
    is_number,
    text_row,
)
from portnn.vectors.written_numbers import quoted

LONGEST_HEADER = 200
TRIED, LONGEST_HEAD = 100, 1 << 26
"""Rows, and bytes, that are tried to find the format."""

WHOLE_NUMBER = re.compile(rb"[+-]?[0-9]+")
ASCII = bytes(range(32, 127)) + b"\t\r\n"
"""Bytes of which the values in a binary file hardly ever consist alone."""


def read_header(reader: Reader, path: Path) -> Header:
    """Read the header "words values".

    Raises
    ------
    ValueError
        If the first line is none.
    """
    _skip_mark(reader, path)
    line = (reader.until(b"\n", LONGEST_HEADER) or b"")[:LONGEST_HEADER]
    fields = GAP.split(line.strip(LINE_END))
    if (kind := kind_of(line)) is not None:
        raise ValueError(f"{path} is {kind}, expected words and their vectors")
    if len(fields) != 2 or not all(map(WHOLE_NUMBER.fullmatch, fields)):
        values = fields[1:] if len(line) < LONGEST_HEADER else fields[1:-1]  # the last one may be cut
        vector = values and all(map(is_number, values))
        hint = "; it looks like a vector: if the file has no header, no_header=True (--no-header) says so"
        raise ValueError(
            f"{path}, line 1: {quoted(line.strip())} is not a header of the word2vec format, expected two whole "
            f"numbers: the number of words, and the number of values in each vector{hint if vector else ''}"
        )
    count, size = map(int, fields)
    if count < 1 or size < 1:
        raise ValueError(
            f"{path}, line 1: the header says {count} words of {size} values, expected at least one of each"
        )
    return Header(count, size, 2)


def without_header(reader: Reader, path: Path) -> Header:
    """Find the number of values in a vector from the first line of a text file without a header.

    Raises
    ------
    ValueError
        If the first line is no word with a vector, or is a header.
    """
    _skip_mark(reader, path)
    line = reader.line_ahead()
    fields, size = GAP.split(line.strip(LINE_END)), 0
    while size < len(fields) - 1 and is_number(fields[-1 - size]):
        size += 1
    if not size:
        raise ValueError(f"{path}, line 1: {quoted(b' '.join(fields))} is not a word and its vector")
    second = reader.ahead(len(line) + LONGEST_HEADER)[len(line) + 1 :].partition(b"\n")[0]
    if len(fields) == 2 and all(map(WHOLE_NUMBER.fullmatch, fields)) and len(GAP.split(second.strip(LINE_END))) > 2:
        raise ValueError(f"{path}, line 1: {quoted(line)} is a header, although no_header=True (--no-header) says none")
    return Header(None, size, 1)


def is_binary(reader: Reader, header: Header) -> bool | None:
    """Whether what follows the header is binary, by the rows at its start, which remain to be read.

    It is text if all of them are words with written numbers. Else it is what more of them are: lines of text, or words
    with as many bytes as the header says, not all of them ASCII. None: no row is either.
    """
    if header.words is None:
        return False
    length = min(max(CHUNK, FLOAT.itemsize * header.size + LONGEST_WORD), LONGEST_HEAD)
    head = reader.ahead(length)
    lines = head.split(b"\n", TRIED)
    if len(lines) > TRIED or len(head) == length:
        lines.pop()  # it is cut
    lines = [line for line in lines if line.strip(LINE_END)]
    as_text = sum(_is_row(line, header.size) for line in lines)
    if lines and as_text == len(lines):
        return False
    as_binary = _binary_rows(head, header)
    return as_binary > as_text if as_binary or as_text else None


def _is_row(line: bytes, size: int) -> bool:
    try:
        text_row(line, size)
    except ValueError:
        return False
    return True


def _binary_rows(head: bytes, header: Header) -> int:
    """How many of the rows at the start can be binary and not text."""
    length = header.size * FLOAT.itemsize
    place = found = 0
    for _ in range(min(header.words or 0, TRIED)):
        space = head.find(b" ", place, place + LONGEST_WORD + 1)
        word = head[place:space].lstrip(b"\n")
        values = head[space + 1 : space + 1 + length]
        if space < 0 or not word or b"\n" in word or len(values) < length:
            break
        found += bool(values.translate(None, ASCII))
        place = space + 1 + length
    return found


def _skip_mark(reader: Reader, path: Path) -> None:
    start = reader.ahead(LENGTH)
    encoding = encoding_of(start)
    if encoding not in (None, "utf-8"):
        raise ValueError(f"{path} is in {encoding}, expected utf-8")
    if encoding:
        reader.take(len(codecs.BOM_UTF8))
