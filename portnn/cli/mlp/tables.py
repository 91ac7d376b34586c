"""Options for reading a table from a file, and the table that a command works on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.datasets import spiral
from portnn.estimators import MLP
from portnn.tables import Classes, Layout, Table, Task, is_npz, read_table, read_table_like

FILE_HELP = "CSV or .npz file, or - for standard input; a CSV file may be compressed: .gz, .bz2, .xz."

Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first row of a CSV file names the columns. By default it does if it has text above numbers.",
        show_default=False,
    ),
]
Decimal = Annotated[
    str | None, typer.Option(help="What stands before the fraction of a number in a CSV file: . or , [default: .]")
]
XName = Annotated[str | None, typer.Option(help="Array of an .npz file with the features. [default: X]")]
YName = Annotated[str | None, typer.Option(help="Array of an .npz file with the targets. [default: y]")]

SPIRAL = ("x", "y", "arm")
"""Column names of the spiral as a file."""


def read_training_table(
    file: Path | None,
    target: str | None,
    task: Task | None,
    options: dict[str, Any],
    *,
    saved: Layout | None = None,
    classes: Classes | None = None,
) -> tuple[Table, Layout]:
    """Table to train on, and its layout: the spiral without a file.

    A resumed run uses the columns of its `saved` layout, and its `classes`.
    """
    if file is None:
        if target is not None:
            raise typer.BadParameter("--target names a column, so give a CSV file too")
        return Table(*spiral(), SPIRAL[:2], SPIRAL[2:], "a spiral"), Layout(SPIRAL, (0, 1), (2,), {})
    if target is not None and is_npz(file):
        raise typer.BadParameter("an .npz file has no named columns: use --y-name instead of --target")
    return read_table(file, target, task=task, classes=classes, layout=saved, options=options)


def read_table_for(model: MLP, file: Path, options: dict[str, Any], *, targets: bool) -> Table:
    """A table for a trained model, with or without targets."""
    assert model.model is not None
    layout = model.layout
    if layout is None:  # trained on arrays: the columns of a file are taken in their order
        features, outputs = model.model.sizes[0], 1 if model.classes is not None else model.model.sizes[-1]
        layout = Layout(None, tuple(range(features)), tuple(range(features, features + outputs)), {})
    table = read_table_like(layout, file, targets=targets, labels="numbers", classes=model.classes, options=options)
    say_note(table)
    return table


def say_note(table: Table) -> None:
    """Say on stderr what should be known about how a table was read."""
    if table.note:
        print(f"note: {table.note}", file=sys.stderr)
