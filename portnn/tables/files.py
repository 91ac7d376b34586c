"""Tables from files: which reader a file takes, and which of its columns are features and targets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from portnn.tables.content import Source, opened
from portnn.tables.csv_sheet import CsvSheet, open_csv
from portnn.tables.csv_table import read_csv
from portnn.tables.labels import Classes
from portnn.tables.layout import Layout
from portnn.tables.npz_table import read_npz
from portnn.tables.table import Table
from portnn.tables.tasks import Task

CSV_OPTIONS = ("delimiter", "header", "encoding", "decimal")
NPZ_OPTIONS = ("x_name", "y_name")
"""Options of `open_csv` and `read_npz`; a `Layout` keeps those that were given."""

NPZ_START = b"PK\x03\x04"
"""First bytes of an .npz file, which is a zip archive."""


def read_table(
    source: Source,
    target: str | None = None,
    *,
    task: Task | None = None,
    classes: Classes | None = None,
    layout: Layout | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[Table, Layout]:
    """Read a table to train on. All columns but the targets are features.

    Parameters
    ----------
    source : path-like or binary file
        An .npz file, else a CSV file, which may be compressed; "-" is what is piped into the process.
    target : str, optional
        Columns of a CSV file to predict, by name or by number from 1, separated by commas. By default those of
        `layout`, or else the last column.
    task : Task, optional
        Decides whether a single target holds labels or numbers.
    classes : Classes, optional
        All labels that a single target of a CSV file may hold.
    layout : Layout, optional
        Of a file read earlier, whose columns and options are used again.
    options : dict, optional
        Those of `open_csv` or `read_npz`; they take precedence over those of `layout`.

    Returns
    -------
    table : Table
    layout : Layout
        For reading other files like this one.

    Raises
    ------
    OSError
        If the file does not exist or is a folder.
    ValueError
        If it cannot be read, or a column is missing.
    """
    source = opened(source)
    options = {**(layout.options if layout else {}), **(options or {})}
    if is_npz(source):
        table = read_npz(source, **selected(options, NPZ_OPTIONS), targets=True)
        assert table.y is not None
        width, outputs = table.x.shape[1], table.y.shape[1] if table.y.ndim > 1 else 1
        return table, Layout(None, tuple(range(width)), tuple(range(width, width + outputs)), options)
    sheet = open_csv(source, **selected(options, CSV_OPTIONS))
    check_columns(sheet, at_least=2)
    if layout is not None and target is None:
        features, targets = layout.find(sheet.names, sheet.width, sheet.name, targets=True)
        layout = Layout(sheet.names, features, targets or (), options)
    else:
        layout = Layout.of(sheet.names, sheet.width, target_names(target, sheet), options, sheet.name)
    return read_csv(sheet, layout.features, layout.targets, labels=task and task.labels, classes=classes), layout


def read_table_like(
    layout: Layout,
    source: Source,
    *,
    targets: bool,
    labels: str | None = None,
    classes: Classes | None = None,
    options: Mapping[str, Any] | None = None,
) -> Table:
    """Read another table for a model, with the columns and options of the one it was trained on.

    Parameters
    ----------
    layout : Layout
        Of the table that the model was trained on.
    source : path-like or binary file
        An .npz file, else a CSV file, which may be compressed; "-" is what is piped into the process.
    targets : bool
        Whether targets are needed; if not, they are not read.
    labels : {"text", "numbers", "classes"}, optional
        What a single target holds; see `read_csv`.
    classes : Classes, optional
        All labels that a single target of a CSV file may hold.
    options : dict, optional
        Those of `open_csv` or `read_npz` that differ from the layout's.

    Raises
    ------
    OSError
        If the file does not exist or is a folder.
    ValueError
        If it cannot be read, or a column is missing.
    """
    source = opened(source)
    options = {**layout.options, **(options or {})}
    if is_npz(source):
        return read_npz(source, **selected(options, NPZ_OPTIONS), targets=targets)
    sheet = open_csv(source, **selected(options, CSV_OPTIONS))
    check_columns(sheet, at_least=min(2, len(layout.features)))
    features, target_columns = layout.find(sheet.names, sheet.width, sheet.name, targets=targets)
    return read_csv(sheet, features, target_columns, labels=labels, classes=classes)


def is_npz(source: Source) -> bool:
    """Whether a path has the suffix of NumPy's .npz files, or a file their first bytes."""
    if isinstance(source, str | os.PathLike):
        return Path(source).suffix.lower() == ".npz"
    head = source.read(len(NPZ_START))
    source.seek(-len(head), os.SEEK_CUR)
    return head == NPZ_START


def selected(options: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Options with these names."""
    return {name: options[name] for name in names if name in options}


def target_names(target: str | None, sheet: CsvSheet) -> list[str]:
    """Names or numbers of target columns in a list separated by commas, unless the whole is the name of a column."""
    if target is None:
        return []
    if target in (sheet.names or ()):
        return [target]
    return [name.strip() for name in target.split(",")]


def check_columns(sheet: CsvSheet, *, at_least: int) -> None:
    """Raise ValueError if a CSV file has a single column but needs more: then the delimiter must be wrong."""
    if sheet.width == 1 < at_least:
        delimiter = {"\t": "tab"}.get(sheet.delimiter, repr(sheet.delimiter))
        raise ValueError(
            f"{sheet.name} has only one column with the delimiter {delimiter}; say which it is with --delimiter"
        )
