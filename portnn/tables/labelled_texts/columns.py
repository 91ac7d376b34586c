"""Which column holds texts and which holds labels: stated, as in an earlier file, by their names, or by their cells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from portnn.settings import brief
from portnn.tables.csv_cells import looks_like_number
from portnn.tables.labelled_texts.labels import separated
from portnn.tables.labelled_texts.layout import Columns, Names
from portnn.tables.labels import listed
from portnn.tables.layout import column_number

TEXT_NAMES = ("text", "sentence", "review", "phrase", "content", "comment", "message", "tweet", "document", "body")
LABEL_NAMES = (
    *("label", "labels", "class", "sentiment", "category", "target", "polarity", "stars", "rating", "score", "tag"),
    *("tags", "emotion", "topic", "intent", "y"),
)
"""Names of columns that hold texts and labels, in any case; the first that a file has counts."""

SAMPLE = 500
"""Number of rows that tell a column of labels from one of texts."""

_NAME = re.compile(r"[^\W\d][\w.\-]{0,30}( [\w.\-]{1,30})?")
_ENOUGH = 10  # rows that show that every label comes again

Row = Sequence[str]


class Wanted(NamedTuple):
    """What is known about the columns of a file before it is read.

    Attributes
    ----------
    text, label : str, int or None
        Names of columns, or their numbers from 1.
    columns : Columns or None
        Those of a file read earlier.
    """

    text: str | int | None
    label: str | int | None
    columns: Columns | None

    def is_header(self, first: Row, below: Sequence[Row]) -> bool:
        """Whether the first row of a file names its columns.

        It does if it holds the names that were stated or those of an earlier file, or known names for both columns;
        also if all its cells look like names and it stands out: above numbers alone, or above labels that come again
        and again where its own cell does not.
        """
        cells = [cell.strip() for cell in first]
        stated = [name for name in (self.text, self.label) if isinstance(name, str) and not name.isdecimal()]
        if stated or (self.columns is not None and set(self.columns.chosen_names) & set(cells)):
            return True
        text, label = known(cells, TEXT_NAMES), known(cells, LABEL_NAMES)
        if text is not None and label is not None:
            return True
        rows = [row for row in below if len(row) == len(first)]
        filled = [cell for cell in cells if cell]
        if not rows or len(set(filled)) < len(filled) or not all(map(_NAME.fullmatch, filled)):
            return False
        columns = [[row[column].strip() for row in rows] for column in range(len(first))]
        return any(
            cell and (all(map(looks_like_number, column)) or comes_once(cell, column))
            for cell, column in zip(cells, columns, strict=True)
        )

    def locate(self, name: str, names: Names, width: int, rows: Sequence[Row], *, multi_label: bool) -> Columns:
        """Columns of texts and labels.

        Parameters
        ----------
        name : str
            Name of the file for messages.
        names : tuple of str or None
        width : int
        rows : sequence of sequences of str
            The first rows, without the names.
        multi_label : bool
            Whether a cell holds any number of labels.

        Raises
        ------
        ValueError
            If a column that was stated does not exist, there are no rows, both columns are the same, or there is no
            telling which is which.
        """
        text, label = (
            None if wanted is None else column_number(str(wanted), names, width, name)
            for wanted in (self.text, self.label)
        )
        if not rows:
            raise ValueError(f"{name} has {'a header but ' if names else ''}no rows")
        if self.columns is not None and (text is None or label is None):
            before = self._as_before(name, names, width)
            text, label = (before[0] if text is None else text), (before[1] if label is None else label)
        if text is None and label is None:
            text, label = known(names or (), TEXT_NAMES), known(names or (), LABEL_NAMES)
        if text is None or label is None:
            filled = [column for column in range(width) if any(row[column].strip() for row in rows)]
            free = [column for column in filled if column not in (text, label)]
            if text is None and label is None and len(free) == 2:
                label_first = is_label(free[0], free[1], rows, multi_label)
                text, label = reversed(free) if label_first else free
            elif len(free) == 1:
                text, label = (free[0], label) if text is None else (text, free[0])
            elif text is None:
                text = known(names or (), TEXT_NAMES)
            else:
                label = known(names or (), LABEL_NAMES)
        if text is None or label is None:
            raise ValueError(undecided(name, names, width, text, label))
        if text == label:
            which = brief(names[text]) if names else str(text + 1)
            raise ValueError(
                f"{name}: column {which} cannot hold both the texts and the labels; see --text and --label"
            )
        return Columns(names, width, text, label)

    def _as_before(self, name: str, names: Names, width: int) -> tuple[int | None, int | None]:
        """Columns by the names of an earlier file, or else by their numbers; (None, None) if the names must tell."""
        before = self.columns
        assert before is not None
        if names is not None and before.names is not None:
            missing = [column for column in before.chosen_names if column not in names]
            if missing:
                raise ValueError(f"{name} has no column {listed(missing)}; it has {listed(names)}")
            text, label = map(names.index, before.chosen_names)
            return text, label
        if names is not None and known(names, TEXT_NAMES) is not None and known(names, LABEL_NAMES) is not None:
            return None, None
        if width != before.width:
            raise ValueError(f"{name} has {counted(width)}, but the file before it had {before.width}")
        return before.text, before.label


def known(names: Row, kind: Sequence[str]) -> int | None:
    """Column that has one of the known names of its kind."""
    lower = [name.strip().lower() for name in names]
    return next((lower.index(name) for name in kind if name in lower), None)


def comes_once(cell: str, below: Sequence[str]) -> bool:
    """Whether a cell is none of the labels in the column below it, each of which comes more than once."""
    counts = Counter(below)
    return len(below) >= max(_ENOUGH, 2 * len(counts)) and cell not in counts and min(counts.values()) > 1


def is_label(column: int, other: int, rows: Sequence[Row], multi_label: bool) -> bool:
    """Whether a column, rather than the other, holds the labels: shorter cells, far fewer of which differ.

    If as many differ, as in a file of few rows, labels are single words beside texts of several.
    """
    cells, texts = ([row[number].strip() for row in rows] for number in (column, other))
    if len(rows) == 1 or sum(map(len, cells)) >= sum(map(len, texts)):
        return False
    labels = {label for cell in cells for label in (separated(cell) if multi_label else (cell,))}
    if 2 * len(labels) <= len(set(texts)):
        return True
    words_beside_texts = not any(" " in label for label in labels) and all(" " in text for text in texts)
    return words_beside_texts and len(labels) <= len(set(texts))


def undecided(name: str, names: Names, width: int, text: int | None, label: int | None) -> str:
    """Message for a file whose columns do not tell which is which."""
    columns = listed(names) if names else ", ".join(map(str, range(1, width + 1)))
    if text is None and label is None:
        what = "where two were expected" if width > 2 else "of which none stands out"
        return f"{name} has {counted(width)} {what}: {columns}; say which hold texts and labels with --text and --label"
    missing, option = ("texts", "--text") if text is None else ("labels", "--label")
    return f"{name} has {counted(width)}: {columns}; say which holds the {missing} with {option}"


def counted(width: int) -> str:
    """Number of columns, for a message."""
    word = {1: "one", 2: "two", 3: "three", 4: "four"}.get(width, str(width))
    return f"{word} column{'s' * (width != 1)}"
