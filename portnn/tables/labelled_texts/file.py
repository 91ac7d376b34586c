"""What every format gives: rows of text and label, each with its place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

from portnn.tables.content import Advance
from portnn.tables.labelled_texts.columns import Wanted
from portnn.tables.labelled_texts.layout import Columns


class Options(NamedTuple):
    """How to read a file; see `LabelledTexts`."""

    wanted: Wanted
    delimiter: str | None
    header: bool | None
    encoding: str
    multi_label: bool


class Row(NamedTuple):
    """A row of a file.

    Attributes
    ----------
    position : int
        Number that `place` knows.
    text : str
    label : str or list of str
        As in the file; a list, if that has one.
    """

    position: int
    text: str
    label: str | list[str]


class LabelledFile(ABC):
    """A file, or a folder, of texts and labels.

    Attributes
    ----------
    name : str
        Name in messages.
    size : int
        Number of bytes.
    columns : Columns or None
        Where texts and labels are; None if they are in no columns.
    """

    name: str
    size: int
    columns: Columns | None

    @abstractmethod
    def rows(self, advance: Advance | None = None) -> Iterator[Row]:
        """Rows from the beginning; `advance` is called with the bytes read."""

    def place(self, position: int) -> str:
        """Place of a row for messages."""
        return f"{self.name}: line {position}"
