"""`open_csv`: a CSV file, its delimiter and its header, before any number is read."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

DELIMITERS = ",;\t| "
"""Those that are guessed."""

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""Cells that stand for no value among numbers, in lower case."""

PREVIEW = 100
"""Rows that are looked at to find out what a file is like."""


@dataclass(frozen=True)
class CsvSheet:
    """A CSV file in memory, as bytes.

    Attributes
    ----------
    name : str
    data : bytes
    encoding, delimiter : str
    names : tuple of str or None
        Of the columns, if the file has a header.
    width : int
        Number of columns.
    skip : int
        Lines up to the end of the header; 0 without one.
    """

    name: str
    data: bytes
    encoding: str
    delimiter: str
    names: tuple[str, ...] | None
    width: int
    skip: int

    def text(self) -> io.TextIOWrapper:
        """Text of the file from its start, with the line ends it has."""
        return open_text(self.data, self.encoding)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Rows below the header that hold something, each with the number of its line, counted from 1.

        Raises
        ------
        ValueError
            If a row has more or fewer cells than there are columns.
        """
        for line, row in numbered_rows(self.text(), self.delimiter):
            if line <= self.skip:
                continue
            if len(row) != self.width:
                raise ValueError(f"{self.name}: line {line} has {cells(len(row))}, expected {self.width}")
            yield line, row

    def column(self, number: int) -> str:
        """What to call a column in a message."""
        return f"column {number + 1}" if self.names is None else f"column {self.names[number]!r}"


def open_csv(
    path: str | os.PathLike[str], *, delimiter: str | None = None, header: bool | None = None, encoding: str = "utf-8"
) -> CsvSheet:
    r"""Read a CSV file and find out its delimiter and whether it has a header.

    Parameters
    ----------
    path : path-like
    delimiter : str, optional
        One character, or "tab". Without it the first rows decide between comma, semicolon, tab, bar and space.
    header : bool, optional
        Whether the first row names the columns. Without it: if it has text in a column of numbers.
    encoding : str

    Raises
    ------
    OSError
        If there is no such file, or it is a folder.
    ValueError
        If the file is empty or not in the encoding, or the delimiter is no single character.
    """
    name, data = os.fspath(path), read_bytes(path)
    try:
        "".encode(encoding)
    except (LookupError, ValueError):
        raise ValueError(f"unknown encoding {encoding!r}; known ones: utf-8, latin-1, gb18030 ...") from None
    try:
        lines = list(islice(open_text(data, encoding), PREVIEW))
    except UnicodeError:
        raise ValueError(not_in_encoding(name, data, encoding)) from None
    if not any(line.strip() for line in lines):
        raise ValueError(f"{name} is empty")
    delimiter = guess(lines) if delimiter is None else {"tab": "\t", "\\t": "\t"}.get(delimiter.lower(), delimiter)
    if len(delimiter) != 1 or delimiter in '\r\n"':
        raise ValueError(f"delimiter must be one character or tab, got {delimiter!r}")
    try:
        (line, first), *others = numbered_rows(io.StringIO("".join(lines), newline=""), delimiter)
    except csv.Error as error:
        raise ValueError(f"{name}: {error}") from error
    if not (has_header(first, [row for _, row in others]) if header is None else header):
        return CsvSheet(name, data, encoding, delimiter, None, len(first), 0)
    names = tuple(cell.strip() for cell in first)
    twice = [each for number, each in enumerate(names) if each in names[:number]]
    if twice:
        raise ValueError(f"{name}: two columns are named {twice[0]!r}")
    return CsvSheet(name, data, encoding, delimiter, names, len(names), line)


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Content of a file, also of a pipe."""
    with open(path, "rb") as file:
        return file.read()


def open_text(data: bytes, encoding: str) -> io.TextIOWrapper:
    """Text of a file; a byte order mark at its start is dropped."""
    encoding = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    return io.TextIOWrapper(io.BytesIO(data), encoding, newline="")


def numbered_rows(text: io.TextIOBase, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold something, each with the number of the line where it ends."""
    reader = csv.reader(text, delimiter=delimiter, skipinitialspace=True)
    for row in reader:
        if row and (len(row) > 1 or row[0].strip()):
            yield reader.line_num, row


def guess(lines: list[str]) -> str:
    """Delimiter of some lines; a comma where none can be told."""
    try:
        return csv.Sniffer().sniff("".join(lines), DELIMITERS).delimiter
    except csv.Error:
        return ","


def has_header(first: list[str], below: list[list[str]]) -> bool:
    """Whether the first row names columns: text over numbers, or text alone with nothing below."""
    for column, cell in enumerate(first):
        if not is_missing(cell) and as_number(cell) is None:
            if not below:
                return True
            if any(len(row) > column and looks_like_number(row[column]) for row in below):
                return True
    return False


def as_number(cell: str) -> float | None:
    """Number in a cell, or None."""
    try:
        return None if "_" in cell else float(cell)  # Python would read 1_000
    except ValueError:
        return None


def looks_like_number(cell: str) -> bool:
    """Whether a cell is a number, be it one with a decimal comma."""
    return as_number(cell.replace(",", ".", 1)) is not None


def is_missing(cell: str) -> bool:
    """Whether a cell stands for no value."""
    return cell.strip().lower() in MISSING


def not_in_encoding(name: str, data: bytes, encoding: str) -> str:
    """What to say of a file that is not in an encoding: where, and what to do."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"line {line}: byte 0x{data[error.start]:02x} is not {encoding}"
    except UnicodeError as error:
        found = str(error)
    else:
        found = f"not {encoding}"
    return f"{name}: {found}; if it is a CSV file, state its --encoding (such as latin-1)"


def cells(count: int) -> str:
    """Count of cells, in words."""
    return f"{count} cell{'s' * (count != 1)}"
