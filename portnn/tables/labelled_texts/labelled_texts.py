"""`LabelledTexts`: texts and their labels from files, as often as they are needed, a little at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from portnn.settings import brief
from portnn.tables.content import Advance
from portnn.tables.labelled_texts.columns import Wanted
from portnn.tables.labelled_texts.file import LabelledFile, Options, Row
from portnn.tables.labelled_texts.formats import open_labelled
from portnn.tables.labelled_texts.labels import distinct, separated
from portnn.tables.labelled_texts.layout import TextLayout
from portnn.text.encodings import canonical_encoding
from portnn.text.standard_input import STDIN


class LabelledText(NamedTuple):
    """A text and its label; with `multi_label` a tuple of any number of them, none twice."""

    text: str
    label: str | tuple[str, ...]


class LabelledTexts:
    r"""Texts and their labels in files.

    Files may be compressed by gzip, bzip2 or xz. Their format is told by their suffix, or else by their first line:

    ======  ====================================================================================================
    format  what a text and its label are
    ======  ====================================================================================================
    tsv     A line with tabs between its cells. Quotes are part of the text, unless they enclose a cell and those
            inside are doubled, as spreadsheets write it.
    csv     A row. Cells may be in quotes, and then hold delimiters and line ends; spaces before a cell do not
            count.
    jsonl   A JSON object on a line of its own.
    folder  A file in a subfolder, such as pos/1.txt, whose label is the name of the subfolder. The last line end
            is not part of the text; files whose name starts with a dot are left out.
    ======  ====================================================================================================

    The columns are those stated, those of `layout`, those with names such as text, sentence or review and label,
    sentiment or stars, or else the only two: then text comes first, unless the cells of the first column are shorter
    and far fewer of them differ.

    Parameters
    ----------
    source : path or sequence of paths
        Files or folders, read one after the other with the columns of the first; "-" is standard input. What is no
        regular file is held in memory.
    text, label : str or int, optional
        Names of the columns, or their numbers from 1.
    format : {"tsv", "csv", "jsonl", "folder"}, optional
    delimiter : str, optional
        One character, or "tab".
    header : bool, optional
        Whether the first row names the columns.
    encoding : str, optional
        By default that of `layout`, or else utf-8. A byte order mark takes precedence.
    multi_label : bool, optional
        Whether a text has any number of labels: separated by commas, semicolons or bars, or in a JSON array. By default
        as in `layout`, or else not.
    layout : TextLayout, optional
        Of a file read earlier, whose columns and options are used again.

    Attributes
    ----------
    name : str
        Name in messages.
    size : int
        Number of bytes, by which `read` advances in total.
    layout : TextLayout
        For reading other files like this one.

    Raises
    ------
    TypeError
        If an argument has another type.
    OSError
        If a file does not exist or cannot be read; while reading, if it has changed.
    ValueError
        If a file is empty, a column does not exist or is not found, or an argument is invalid. While reading: if bytes
        are not in the encoding, a compressed file is damaged, a line has more or fewer cells than the first, or a label
        is missing. A text may be empty.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "reviews.tsv")
    ...     _ = path.write_text("label\treview\n1\tnot bad at all\n0\ta dull film\n")
    ...     for text, label in LabelledTexts(path):
    ...         print(f"{label}: {text}")
    1: not bad at all
    0: a dull film
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        text: str | int | None = None,
        label: str | int | None = None,
        format: str | None = None,
        delimiter: str | None = None,
        header: bool | None = None,
        encoding: str | None = None,
        multi_label: bool | None = None,
        layout: TextLayout | None = None,
    ) -> None:
        given = {
            "format": format,
            "delimiter": delimiter,
            "header": header,
            "encoding": encoding,
            "multi_label": multi_label,
        }
        options: dict[str, Any] = {
            **(layout.options if layout else {}),
            **{name: value for name, value in given.items() if value is not None},
        }
        self.multi_label = bool(options.get("multi_label", False))
        columns = layout.columns if layout else None
        self._files: list[LabelledFile] = []
        for path in paths_of(source):
            how = Options(
                Wanted(text, label, columns),
                options.get("delimiter"),
                options.get("header"),
                canonical_encoding(options.get("encoding", "utf-8")),
                self.multi_label,
            )
            file = open_labelled(path, how, options.get("format"))
            columns = columns or file.columns
            self._files.append(file)
        more = len(self._files) - 1
        self.name = self._files[0].name + (f" and {more} more" if more else "")
        self.size = sum(file.size for file in self._files)
        self.layout = TextLayout(next((file.columns for file in self._files if file.columns), columns), options)

    def __repr__(self) -> str:
        return f"LabelledTexts({brief(self.name)})"

    def __iter__(self) -> Iterator[LabelledText]:
        return self.read()

    def read(self, advance: Advance | None = None) -> Iterator[LabelledText]:
        """Read the texts from the beginning; `advance` is called with the bytes read since its last call."""
        for file in self._files:
            for row in file.rows(advance):
                yield LabelledText(row.text, self._label(file, row))

    def place(self, row: int) -> str:
        """Place of a row, counted from 0, for messages: its file and line.

        Raises
        ------
        IndexError
            If there are fewer rows.
        """
        places = ((file, found.position) for file in self._files for found in file.rows())
        found = next(islice(places, row, None), None)
        if found is None:
            raise IndexError(f"{self.name} has no row {row}")
        file, position = found
        return file.place(position)

    def _label(self, file: LabelledFile, row: Row) -> str | tuple[str, ...]:
        if not self.multi_label:
            if isinstance(row.label, list):
                raise ValueError(f"{file.place(row.position)}: several labels, which need --multi-label")
            label = row.label.strip()
            if not label:
                raise ValueError(f"{file.place(row.position)}: the label is missing")
            return label
        return distinct(row.label) if isinstance(row.label, list) else separated(row.label)


def paths_of(source: Any) -> list[str | os.PathLike[str]]:
    """Paths of a source.

    Raises
    ------
    TypeError
        If it holds something else.
    ValueError
        If there are none, or standard input is named twice.
    """
    paths = [source] if isinstance(source, str | os.PathLike) else source
    if not isinstance(paths, list | tuple):
        raise TypeError(f"source is {type(source).__name__}; expected a path or a list of paths")
    for path in paths:
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"source has {brief(path)} in it; expected paths")
    if not paths:
        raise ValueError("source is an empty list; expected paths")
    if sum(os.fspath(path) == STDIN for path in paths) > 1:
        raise ValueError(f'"{STDIN}", standard input, can be read only once')
    return list(paths)
