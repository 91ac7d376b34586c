"""`open_csv`: a CSV file with its delimiter and header, before any number is read."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from portnn.settings import brief, brief_fields
from portnn.tables.content import Advance, Content, Source
from portnn.tables.csv_cells import DECIMALS, is_missing, looks_like_number
from portnn.text.encodings import canonical_encoding

DELIMITERS = ",;\t| "
"""Delimiters that are guessed."""

PREVIEW = 100
"""Number of lines that decide on the delimiter and the header."""

MAX_CELL = 1 << 24
"""Number of characters after which a quote that was opened must have been forgotten."""

SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?\s*', re.IGNORECASE)
"""First line of a file that tells Excel its delimiter."""


@dataclass(frozen=True)
class CsvSheet:
    """A CSV file, read from the beginning every time.

    Attributes
    ----------
    content : Content
    encoding, delimiter, decimal : str
    names : tuple of str or None
        Names of the columns, if the file has a header.
    width : int
        Number of columns.
    cells : int
        Number of cells of each row. If every line ends in a delimiter, there are more of them than columns.
    skip : int
        Number of lines above the first row.
    """

    content: Content
    encoding: str
    delimiter: str
    decimal: str
    names: tuple[str, ...] | None
    width: int
    cells: int
    skip: int

    def __repr__(self) -> str:
        return brief_fields(self)

    @property
    def name(self) -> str:
        """Name of the file for messages."""
        return self.content.name

    @contextlib.contextmanager
    def text(self, advance: Advance | None = None) -> Iterator[io.TextIOWrapper]:
        """Text of the rows, with its own line ends; `advance` is called with the bytes read."""
        with self.content.text(self.encoding, advance) as text:
            for _ in range(self.skip):
                text.readline()
            yield text

    def rows(self, advance: Advance | None = None) -> Iterator[tuple[int, list[str]]]:
        """Rows below the header that are not blank, each with its line number, counted from 1.

        Raises
        ------
        ValueError
            If a row has more or fewer cells than there are columns, a cell is longer than 2**24 characters, or a quote
            is never closed.
        """
        with self.text(advance) as text:
            for line, row in numbered_rows(text, self.delimiter, self.skip, self.name):
                if len(row) != self.cells:
                    raise ValueError(f"{self.name}: line {line} has {cell_count(len(row))}, expected {self.cells}")
                yield line, row[: self.width]

    def column(self, number: int) -> str:
        """Name of a column for messages."""
        return f"column {number + 1}" if self.names is None else f"column {brief(self.names[number])}"

    def place(self, line: int, column: int) -> str:
        """Place of a cell for messages."""
        return f"{self.name}: line {line}, {self.column(column)}"

    def line_of(self, row: int) -> int:
        """Line of a row, by its number from 0."""
        return next(islice(self.rows(), row, None))[0]


def open_csv(
    source: Source | Content,
    *,
    delimiter: str | None = None,
    header: bool | None = None,
    encoding: str = "utf-8",
    decimal: str = ".",
    guess: Callable[[list[str], str], str] | None = None,
    is_header: Callable[[list[str], list[list[str]]], bool] | None = None,
) -> CsvSheet:
    r"""Read a CSV file, and detect its delimiter and whether it has a header.

    Columns at the end that have no name and are empty in every row, as a delimiter at the end of every line makes them,
    are left out.

    Parameters
    ----------
    source : path-like, binary file or Content
        Files that end in .gz, .bz2 or .xz are decompressed.
    delimiter : str, optional
        One character, or "tab". By default a first line such as ``sep=;`` says it, or else the first lines decide
        between comma, semicolon, tab, bar and space.
    header : bool, optional
        Whether the first row names the columns. By default it does if it has text above numbers.
    encoding : str
        A byte order mark takes precedence.
    decimal : {".", ","}
        What stands before the fraction of a number.
    guess : callable, optional
        Delimiter of the first lines, which it is called with, and `decimal`.
    is_header : callable, optional
        Whether the first row names the columns: called with it and the first rows below.

    Raises
    ------
    OSError
        If the file does not exist or is a folder.
    ValueError
        If the file is empty or not in the encoding, the delimiter is not a single character, or two columns have the
        same name.
    """
    canonical_encoding(encoding)
    guess, is_header = guess or guess_delimiter, is_header or has_header
    if decimal not in DECIMALS:
        raise ValueError(f"decimal must be {' or '.join(DECIMALS)}, got {brief(decimal)}")
    content = source if isinstance(source, Content) else Content.of(source)
    name, encoding = content.name, content.encoding(encoding)
    lines = preview(content, encoding)
    stated = SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    start = 1 if stated else 0
    if not any(line.strip() for line in lines[start:]):
        raise ValueError(f"{name} is empty")
    if delimiter is None:
        delimiter = stated[1] if stated else guess(lines, decimal)
    delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter.lower(), delimiter)
    if len(delimiter) != 1 or delimiter in '\r\n"':
        raise ValueError(f"delimiter must be one character or tab, got {brief(delimiter)}")
    if delimiter == decimal:
        raise ValueError(f"delimiter and decimal are both {brief(delimiter)}; numbers would fall apart")
    rows = list(numbered_rows(lines[start:], delimiter, start, name, whole=False))
    if not rows:
        raise ValueError(f"{name} is empty")
    (line, first), *others = rows
    named = is_header(first, [row for _, row in others]) if header is None else header
    sheet = CsvSheet(content, encoding, delimiter, decimal, None, 1, 1, line if named else start)
    with sheet.text() as text:
        below = numbered_rows(text, delimiter, sheet.skip, name)
        width, cells = shape_of(first if named else None, below)
    names = tuple(cell.strip() for cell in first[:width])
    repeated = [column for number, column in enumerate(names) if column in names[:number]] if named else []
    if repeated:
        raise ValueError(f"{name}: two columns are named {brief(repeated[0])}")
    return replace(sheet, names=names if named else None, width=width, cells=cells)


def preview(content: Content, encoding: str) -> list[str]:
    """The first lines of a file, which must be text."""
    with content.text(encoding) as text:
        lines = list(islice(text, PREVIEW))
    content.check_text(lines, encoding)
    return lines


def numbered_rows(
    text: Iterable[str], delimiter: str, above: int, name: str, *, whole: bool = True
) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the number of its last line.

    Parameters
    ----------
    text : iterable of str
        Lines.
    delimiter : str
    above : int
        Number of lines before them.
    name : str
        Name of the file for messages.
    whole : bool
        Whether the lines go on to the end of the file, so that every quote must be closed.
    """
    ended = False

    def lines() -> Iterator[str]:
        nonlocal ended
        yield from text
        ended = True

    reader = csv.reader(lines(), delimiter=delimiter, skipinitialspace=True)
    while True:
        start = above + reader.line_num + 1
        limit = csv.field_size_limit(MAX_CELL)  # of the module, so of other readers too
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise ValueError(f"{name}: line {start}: {error}; is a quote never closed?") from error
        finally:
            csv.field_size_limit(limit)
        if row is None:
            return
        if ended and whole:  # it ends with its line, unless that is inside quotes
            raise ValueError(f"{name}: line {start}: a quote is opened and never closed")
        if row and (len(row) > 1 or row[0].strip()):
            yield above + reader.line_num, row


def guess_delimiter(lines: list[str], decimal: str) -> str:
    """Delimiter of some lines; a comma if none stands out, or a semicolon beside decimal commas."""
    try:
        return csv.Sniffer().sniff("".join(lines), DELIMITERS.replace(decimal, "")).delimiter
    except csv.Error:
        return "," if decimal != "," else ";"


def has_header(first: list[str], below: list[list[str]]) -> bool:
    """Whether the first row names the columns: it has text above numbers, or text with no rows below."""
    for column, cell in enumerate(first):
        if not is_missing(cell) and not looks_like_number(cell):
            if not below:
                return True
            if any(len(row) > column and looks_like_number(row[column]) for row in below):
                return True
    return False


def shape_of(header: list[str] | None, rows: Iterator[tuple[int, list[str]]]) -> tuple[int, int]:
    """Number of columns, and of cells a row; the same unless the last cells have no name and are blank in every row."""
    width, cells = max(1, filled(header or [])), None if header is None else len(header)
    expected = cells
    for number, (_, row) in enumerate(rows):
        if number == 0:
            cells, expected = len(row), expected or len(row)
        width = max(width, filled(row))
        if len(row) != cells or width == cells:
            break  # the usual case, in the first row
    else:
        if expected is not None and cells is not None and width <= expected <= cells:
            return width, cells
    assert expected is not None
    return expected, expected


def filled(row: list[str]) -> int:
    """Number of cells up to the last that is not blank."""
    return next((number for number in range(len(row), 0, -1) if row[number - 1].strip()), 0)


def cell_count(count: int) -> str:
    """Number of cells, for a message."""
    return f"{count} cell{'s' * (count != 1)}"
