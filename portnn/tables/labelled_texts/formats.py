"""The formats of labelled texts, and which of them a file has."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from portnn.settings import brief
from portnn.tables.content import Content, opened
from portnn.tables.csv_sheet import preview
from portnn.tables.labelled_texts.class_folder import ClassFolder
from portnn.tables.labelled_texts.csv_rows import CsvRows
from portnn.tables.labelled_texts.file import LabelledFile, Options
from portnn.tables.labelled_texts.json_lines import JsonLines
from portnn.tables.labelled_texts.tab_separated import TAB, TabSeparated
from portnn.text.compression import is_compressed


class Format(NamedTuple):
    """A format of labelled texts.

    Attributes
    ----------
    open : callable
        From a `Content` and `Options` to a `LabelledFile`; if it is the format of a folder, from the folder's path.
    suffixes : tuple of str
        Suffixes of its files, in lower case.
    begins : callable or None
        Whether a file of another suffix has it, by its first line and the delimiter that was stated, if any; None for
        the format of a folder.
    delimiter : str or None
        The only delimiter that it can have, if there is only one.
    """

    open: Callable[[Any, Options], LabelledFile]
    suffixes: tuple[str, ...] = ()
    begins: Callable[[str, str | None], bool] | None = None
    delimiter: str | None = None


FORMATS: dict[str, Format] = {
    "jsonl": Format(JsonLines, (".jsonl", ".ndjson", ".json"), lambda line, _: line.lstrip().startswith("{")),
    "tsv": Format(TabSeparated, (".tsv", ".tab"), lambda line, _: TAB in line, TAB),
    "csv": Format(CsvRows, (".csv",), lambda line, stated: stated is not None or any(c in line for c in ",;|")),
    "folder": Format(ClassFolder),
}
"""Formats by name; a file whose suffix says nothing has the first that its first line suits."""

OF_LINES = "tsv"
"""Format of a file whose first line suits none: its message says what a line should be."""


def open_labelled(path: str | os.PathLike[str], options: Options, name: str | None) -> LabelledFile:
    """Open a file or folder of labelled texts.

    Parameters
    ----------
    path : path
        "-" is standard input.
    options : Options
    name : str or None
        Name of its format, if that is known.

    Raises
    ------
    OSError
        If it cannot be opened, or a folder is expected and it is none.
    ValueError
        If it cannot be read; see `LabelledTexts`.
    """
    if name is not None and name not in FORMATS:
        raise ValueError(f"format is {brief(name)}; expected one of {', '.join(FORMATS)}")
    if os.path.isdir(path):
        return next(each for each in FORMATS.values() if each.begins is None).open(Path(path), options)
    content = Content.of(opened(path))
    if name is None:
        return format_of(content, options).open(content, options)
    chosen = FORMATS[name]
    if chosen.begins is None:
        raise NotADirectoryError(f"{content.name} is a file, but format {name} expects a folder of classes")
    if not suits(chosen, options.delimiter):
        raise ValueError(f"format {name} has tabs between its cells, got the delimiter {brief(options.delimiter)}")
    return chosen.open(content, options)


def format_of(content: Content, options: Options) -> Format:
    """Format of a file, by its suffix or else by its first line."""
    plain = Path(content.name).stem if is_compressed(content.name) else content.name
    suffix = Path(plain).suffix.lower()
    files = [each for each in FORMATS.values() if each.begins is not None and suits(each, options.delimiter)]
    by_suffix = next((each for each in files if suffix in each.suffixes), None)
    if by_suffix is not None:
        return by_suffix
    lines = preview(content, content.encoding(options.encoding))
    first = next((line for line in lines if line.strip("\r\n ")), None)
    if first is None:
        raise ValueError(f"{content.name} is empty")
    return next((each for each in files if each.begins and each.begins(first, options.delimiter)), FORMATS[OF_LINES])


def suits(each: Format, delimiter: str | None) -> bool:
    """Whether a format can have the delimiter that was stated."""
    return delimiter is None or each.delimiter is None or delimiter.lower() in (each.delimiter, "tab", "\\t")
