"""Lines of cells with tabs between; a quote is part of the text, so that none can swallow a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from portnn.tables.content import Advance, Content
from portnn.tables.labelled_texts.columns import SAMPLE, counted
from portnn.tables.labelled_texts.file import LabelledFile, Options, Row

TAB = "\t"


class TabSeparated(LabelledFile):
    """A file of lines such as ``text, tab, label``."""

    def __init__(self, content: Content, options: Options) -> None:
        self.name, self.size = content.name, content.size
        self._content = content
        self._encoding = content.encoding(options.encoding)
        with content.text(self._encoding) as text:
            sample = list(islice(numbered_cells(text), SAMPLE))
        content.check_text((cell for _, cells in sample for cell in cells), self._encoding)
        if not sample:
            raise ValueError(f"{self.name} is empty")
        (line, first), *below = sample
        rows = [cells for _, cells in below]
        header = options.wanted.is_header(first, rows) if options.header is None else options.header
        self._width, self._above = len(first), line if header else 0
        self._check(line, first)
        same = [cells for cells in ([] if header else [first]) + rows if len(cells) == self._width]
        names = tuple(cell.strip() for cell in first) if header else None
        self.columns = options.wanted.locate(self.name, names, self._width, same, multi_label=options.multi_label)

    def rows(self, advance: Advance | None = None) -> Iterator[Row]:
        """Rows below the header, each with the number of its line."""
        assert self.columns is not None
        _, _, text_column, label_column = self.columns
        with self._content.text(self._encoding, advance) as text:
            for line, cells in numbered_cells(text):
                if line <= self._above:
                    continue
                self._check(line, cells)
                yield Row(line, cells[text_column], cells[label_column])

    def _check(self, line: int, cells: list[str]) -> None:
        if len(cells) == 1:
            raise ValueError(f"{self.place(line)} has no tab; a line is text, tab, label")
        if len(cells) != self._width:
            raise ValueError(f"{self.place(line)} has {counted(len(cells))} where {self._width} were expected")


def numbered_cells(text: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Cells of lines that are not blank, each with the number of its line."""
    for line, content in enumerate(text, 1):
        content = content.rstrip("\r\n")
        if content.strip(" "):
            yield line, [unwrapped(cell) if cell[:1] == '"' else cell for cell in content.split(TAB)]


def unwrapped(cell: str) -> str:
    """Text of a cell that spreadsheets have put in quotes, doubling those inside; any other cell as it stands."""
    inside = cell[1:-1]
    if len(cell) < 2 or cell[-1] != '"' or '"' in inside.replace('""', ""):
        return cell
    return inside.replace('""', '"')
