"""`open_csv`: a CSV file with its delimiter and header, before any number is read."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from portnn.settings import brief_fields
from portnn.tables.csv_cells import as_number, is_missing, looks_like_number

DELIMITERS = ",;\t| "
"""Delimiters that are guessed."""

PREVIEW = 100
"""Number of lines that decide on the delimiter and the header."""


@dataclass(frozen=True)
class CsvSheet:
    """A CSV file in memory, as bytes.

    Attributes
    ----------
    name : str
    data : bytes
    encoding, delimiter : str
    names : tuple of str or None
        Names of the columns, if the file has a header.
    width : int
        Number of columns.
    skip : int
        Number of lines up to the end of the header; 0 without a header.
    """

    name: str
    data: bytes
    encoding: str
    delimiter: str
    names: tuple[str, ...] | None
    width: int
    skip: int

    def __repr__(self) -> str:
        return brief_fields(self)

    def text(self) -> io.TextIOWrapper:
        """Text of the file from its start, with its own line ends."""
        return open_text(self.data, self.encoding)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Rows below the header that are not blank, each with its line number, counted from 1.

        Raises
        ------
        ValueError
            If a row has more or fewer cells than there are columns.
        """
        for line, row in numbered_rows(self.text(), self.delimiter):
            if line <= self.skip:
                continue
            if len(row) != self.width:
                raise ValueError(f"{self.name}: line {line} has {cell_count(len(row))}, expected {self.width}")
            yield line, row

    def column(self, number: int) -> str:
        """Name of a column for messages."""
        return f"column {number + 1}" if self.names is None else f"column {self.names[number]!r}"


def open_csv(
    path: str | os.PathLike[str], *, delimiter: str | None = None, header: bool | None = None, encoding: str = "utf-8"
) -> CsvSheet:
    r"""Read a CSV file, and detect its delimiter and whether it has a header.

    Parameters
    ----------
    path : path-like
    delimiter : str, optional
        One character, or "tab". By default the first lines decide between comma, semicolon, tab, bar and space.
    header : bool, optional
        Whether the first row names the columns. By default it does if it has text above numbers.
    encoding : str

    Raises
    ------
    OSError
        If the file does not exist or is a folder.
    ValueError
        If the file is empty or not in the encoding, the delimiter is not a single character, or two columns have the
        same name.
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
    delimiter = (
        guess_delimiter(lines) if delimiter is None else {"tab": "\t", "\\t": "\t"}.get(delimiter.lower(), delimiter)
    )
    if len(delimiter) != 1 or delimiter in '\r\n"':
        raise ValueError(f"delimiter must be one character or tab, got {delimiter!r}")
    try:
        (line, first), *others = numbered_rows(io.StringIO("".join(lines), newline=""), delimiter)
    except csv.Error as error:
        raise ValueError(f"{name}: {error}") from error
    if not (has_header(first, [row for _, row in others]) if header is None else header):
        return CsvSheet(name, data, encoding, delimiter, None, len(first), 0)
    names = tuple(cell.strip() for cell in first)
    repeated = [column for number, column in enumerate(names) if column in names[:number]]
    if repeated:
        raise ValueError(f"{name}: two columns are named {repeated[0]!r}")
    return CsvSheet(name, data, encoding, delimiter, names, len(names), line)


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Content of a file or pipe."""
    with open(path, "rb") as file:
        return file.read()


def open_text(data: bytes, encoding: str) -> io.TextIOWrapper:
    """Text of a file, without a byte order mark."""
    encoding = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    return io.TextIOWrapper(io.BytesIO(data), encoding, newline="")


def numbered_rows(text: io.TextIOBase, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the number of its last line."""
    reader = csv.reader(text, delimiter=delimiter, skipinitialspace=True)
    for row in reader:
        if row and (len(row) > 1 or row[0].strip()):
            yield reader.line_num, row


def guess_delimiter(lines: list[str]) -> str:
    """Delimiter of some lines; a comma if none stands out."""
    try:
        return csv.Sniffer().sniff("".join(lines), DELIMITERS).delimiter
    except csv.Error:
        return ","


def has_header(first: list[str], below: list[list[str]]) -> bool:
    """Whether the first row names the columns: it has text above numbers, or text with no rows below."""
    for column, cell in enumerate(first):
        if not is_missing(cell) and as_number(cell) is None:
            if not below:
                return True
            if any(len(row) > column and looks_like_number(row[column]) for row in below):
                return True
    return False


def not_in_encoding(name: str, data: bytes, encoding: str) -> str:
    """Message for a file that is not in an encoding: the place of the first fault, and what to do."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fault = f"line {line}: byte 0x{data[error.start]:02x} is not {encoding}"
    except UnicodeError as error:
        fault = str(error)
    else:
        fault = f"not {encoding}"
    return f"{name}: {fault}; if it is a CSV file, state its --encoding (such as latin-1)"


def cell_count(count: int) -> str:
    """Number of cells, for a message."""
    return f"{count} cell{'s' * (count != 1)}"
