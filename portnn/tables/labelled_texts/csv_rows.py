"""CSV files, whose cells may be in quotes and then hold delimiters and line ends."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice

from portnn.tables.content import Advance, Content
from portnn.tables.csv_sheet import open_csv
from portnn.tables.files import check_columns
from portnn.tables.labelled_texts.columns import SAMPLE
from portnn.tables.labelled_texts.file import LabelledFile, Options, Row

DELIMITERS = ",;\t|"


class CsvRows(LabelledFile):
    """A CSV file."""

    def __init__(self, content: Content, options: Options) -> None:
        self.name, self.size = content.name, content.size
        self._sheet = sheet = open_csv(
            content,
            delimiter=options.delimiter,
            header=options.header,
            encoding=options.encoding,
            guess=delimiter_of,
            is_header=options.wanted.is_header,
        )
        check_columns(sheet, at_least=2)
        rows = [cells for _, cells in islice(sheet.rows(), SAMPLE)]
        multi_label = options.multi_label
        self.columns = options.wanted.locate(self.name, sheet.names, sheet.width, rows, multi_label=multi_label)

    def rows(self, advance: Advance | None = None) -> Iterator[Row]:
        """Rows below the header, each with the number of its last line."""
        assert self.columns is not None
        _, _, text, label = self.columns
        for line, cells in self._sheet.rows(advance):
            yield Row(line, cells[text], cells[label])


def delimiter_of(lines: list[str], decimal: str) -> str:
    """Delimiter that gives each of the first rows the same number of cells, two or more; prose has commas anywhere."""
    for delimiter in DELIMITERS:
        try:
            rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
        except csv.Error:
            continue
        widths = {len(row) for row in (rows[:-1] or rows) if row}  # the last may be cut
        if len(widths) == 1 and widths != {1}:
            return delimiter
    first = next(line for line in lines if line.strip())
    return max(DELIMITERS, key=first.count)
