"""Tables for the commands: which reader a file takes, and what its target is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from portnn.datasets import spiral
from portnn.estimators import MLP
from portnn.tables import Layout, Table, open_csv, read_csv, read_npz

Delimiter = Annotated[
    str | None, typer.Option(help="Between the cells of a CSV file: a character, or tab. Guessed without it.")
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first row of a CSV file names the columns. Without it: if it has text over numbers.",
        show_default=False,
    ),
]
Encoding = Annotated[str | None, typer.Option(help="Of a CSV file: utf-8, latin-1 ... [default: utf-8]")]
XName = Annotated[str | None, typer.Option(help="Array of an .npz file with the features. [default: X]")]
YName = Annotated[str | None, typer.Option(help="Array of an .npz file with the targets. [default: y]")]

SPIRAL = ("x", "y", "arm")
"""Names of the columns that the spiral has as a file."""

READING = ("delimiter", "header", "encoding", "x_name", "y_name")
"""Options that say how to read a file; the checkpoint keeps those that were given."""

EXACT = 2.0**53
"""Whole numbers up to this size are told apart as floats; larger ones are not taken for integers."""

FEW = 20
"""Whole numbers with at most so many distinct values, each found twice or more on average, are class labels."""


def read_training_table(
    file: Path | None, target: str | None, task: str | None, options: dict[str, Any], *, saved: Layout | None = None
) -> tuple[Table, Layout]:
    """Table to train on, and how it stood in its file; the spiral, where no file is given.

    A run that goes on finds its columns where `saved` says.
    """
    options = {**(saved.options if saved else {}), **options}
    if file is None:
        if target is not None:
            raise typer.BadParameter("--target names a column, so give a CSV file too")
        return Table(*spiral(), SPIRAL[:2], SPIRAL[2:], "a spiral"), Layout(SPIRAL, (0, 1), (2,), {})
    if is_npz(file):
        if target is not None:
            raise typer.BadParameter("an .npz file has no columns to name: --y-name instead of --target")
        table = read_npz(file, **only(options, "x_name", "y_name"), targets=True)
        assert table.y is not None
        width, outputs = table.x.shape[1], table.y.shape[1] if table.y.ndim > 1 else 1
        return table, Layout(None, tuple(range(width)), tuple(range(width, width + outputs)), options)
    sheet = open_csv(file, **only(options, "delimiter", "header", "encoding"))
    if sheet.width == 1:
        raise ValueError(one_column(sheet.name, sheet.delimiter))
    if saved is not None and target is None:
        features, found = saved.find(sheet.names, sheet.width, sheet.name, targets=True)
        layout = Layout(sheet.names, features, found or (), options)
    else:
        wanted = [name.strip() for name in target.split(",")] if target else []
        if target is not None and target in (sheet.names or ()):  # a name with a comma in it
            wanted = [target]
        layout = Layout.of(sheet.names, sheet.width, wanted, options, sheet.name)
    return read_csv(sheet, layout.features, layout.targets, labels=LABELS.get(task or "")), layout


LABELS = {"regression": "numbers", "classification": "classes"}
"""What a target holds by the task."""


def read_table_for(model: MLP, file: Path, options: dict[str, Any], *, targets: bool) -> Table:
    """Another table for a model that was trained on one."""
    layout = model.layout
    options = {**(layout.options if layout else {}), **options}
    if is_npz(file):
        return read_npz(file, **only(options, "x_name", "y_name"), targets=targets)
    sheet = open_csv(file, **only(options, "delimiter", "header", "encoding"))
    features, outputs = width_of(model)
    if layout is None:
        layout = Layout(None, tuple(range(features)), tuple(range(features, features + outputs)), {})
    if sheet.width == 1 < features:
        raise ValueError(one_column(sheet.name, sheet.delimiter))
    columns, wanted = layout.find(sheet.names, sheet.width, sheet.name, targets=targets)
    numeric = model.classes is None or model.classes.labels.dtype.kind not in "US"
    return read_csv(sheet, columns, wanted, labels="numbers" if numeric else "text")


def width_of(model: MLP) -> tuple[int, int]:
    """Number of features and of target columns that a fitted model has."""
    assert model.model is not None
    return model.model.sizes[0], 1 if model.classes is not None else model.model.sizes[-1]


def is_npz(file: Path) -> bool:
    """Whether a file is NumPy's by its name."""
    return file.suffix.lower() == ".npz"


def only(options: dict[str, Any], *names: str) -> dict[str, Any]:
    """Those of the options that a reader takes."""
    return {name: options[name] for name in names if name in options}


def one_column(name: str, delimiter: str) -> str:
    """What to say of a file that has but one column."""
    shown = {"\t": "tab"}.get(delimiter, repr(delimiter))
    return f"{name} has only one column with the delimiter {shown}; say which it is with --delimiter"


def labels_or_values(y: np.ndarray[Any, Any], task: str | None) -> tuple[str, np.ndarray[Any, Any]]:
    """Task that y asks for, unless one was said, and y as it takes it: whole numbers become integer labels.

    Those beyond `EXACT` stay floats.
    """
    whole = y.dtype.kind in "biu" or (y.dtype.kind == "f" and bool(np.all(y == np.floor(y))))
    if task is None:
        task = "classification" if y.ndim == 1 and (y.dtype.kind in "US" or (whole and is_few(y))) else "regression"
    if task not in ("classification", "regression"):
        raise ValueError(f"unknown task {task!r}; known: classification, regression")
    if task == "classification" and y.ndim > 1:
        raise ValueError(f"classification takes one target, got {y.shape[1]}")
    if task == "regression" and y.dtype.kind not in "biuf":
        raise ValueError(f"regression takes numbers, but the target holds text such as {str(y.flat[0])!r}")
    if task == "regression":
        return task, y.astype(np.float64)
    return task, y.astype(np.int64) if whole and y.dtype.kind == "f" and np.all(np.abs(y) <= EXACT) else y


def is_few(y: np.ndarray[Any, Any]) -> bool:
    """Whether whole numbers look like class labels."""
    distinct = len(np.unique(y))
    return distinct <= min(FEW, len(y) / 2)


def column_names(names: Sequence[str] | None, count: int, alone: str) -> list[str]:
    """Names of columns of predictions: those of the targets, if they are several."""
    if count == 1:
        return [alone]
    return list(names) if names else [f"{alone}_{number}" for number in range(1, count + 1)]
