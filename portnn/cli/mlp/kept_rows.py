"""Rows for a test at the end of a run, which neither train nor choose a checkpoint: `portnn mlp train --test`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.tables import Classes, Layout, Table, Task, as_labels, kept_for_test, read_table_like

Test = Annotated[
    str | None,
    typer.Option(
        "--test",
        help="Measure the best checkpoint on rows that neither train nor choose it: a file like the one trained on, or "
        "a fraction of its rows, such as 0.2.",
        metavar="FILE|<float>",
    ),
]


def fraction_or_file(test: str | None, saved: Layout | None) -> tuple[float, Path | None]:
    """Fraction of the table that is kept for the test, and the file to test on; a resumed run keeps its fraction.

    Raises
    ------
    ValueError
        If the fraction is out of range, or not that of the run to resume.
    """
    kept = 0.0 if saved is None else saved.test
    try:
        fraction = float(test or "none")
    except ValueError:
        return kept, Path(test) if test else None
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"--test must be a file or a fraction between 0 and 1, got {test}")
    if saved is not None and fraction != kept:
        raise ValueError(f"cannot resume: the run keeps {kept} of the rows for a test, not {fraction}")
    return fraction, None


def divided(table: Table, fraction: float, seed: int) -> tuple[Table, Table | None]:
    """Rows to train and to choose with, and those kept for the test."""
    assert table.y is not None
    if not fraction:
        return table, None
    others, kept = kept_for_test(len(table.x), fraction, seed=seed)
    return tuple(table._replace(x=table.x[ids], y=table.y[ids]) for ids in (others, kept))  # type: ignore[return-value]


def read_test(
    file: Path, table: Table, layout: Layout, task: Task, classes: Classes | None, options: dict[str, Any]
) -> Table:
    """Read a file to test on; everything that could fail at the end of the run fails here.

    Raises
    ------
    OSError
        If the file does not exist or is a folder.
    ValueError
        If it cannot be read, or does not fit the table trained on.
    """
    test = read_table_like(layout, file, targets=True, labels=task.labels, classes=classes, options=options)
    assert test.y is not None
    assert table.y is not None
    if test.x.shape[1] != table.x.shape[1]:
        raise ValueError(f"{test.name} has {test.x.shape[1]} features, but {table.name} has {table.x.shape[1]}")
    y = task.targets(test.y)
    if classes is not None:
        classes.encode(as_labels(y))
    elif y.shape[1:] != table.y.shape[1:]:
        raise ValueError(f"{test.name} has targets of shape {y.shape}, but {table.name} {table.y.shape}")
    return test._replace(y=y)
