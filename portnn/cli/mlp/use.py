"""`portnn mlp predict` and `evaluate`: use a trained network, and measure it."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, TextIO

import numpy as np
import typer

from portnn.cli.checkpoints import Checkpoint, load_model
from portnn.cli.confusion import Confusion, print_confusion
from portnn.cli.evaluations import as_record, in_words
from portnn.cli.mlp.tables import (
    FILE_HELP,
    Decimal,
    Header,
    XName,
    YName,
    read_table_for,
)
from portnn.cli.options import BackendName, Device, Dtype, Json, print_json
from portnn.cli.reading import Delimiter, Encoding, given_options
from portnn.estimators import MLP
from portnn.objectives import OBJECTIVES
from portnn.settings import brief

File = Annotated[Path, typer.Argument(help=FILE_HELP)]


def predict(
    checkpoint: Checkpoint,
    file: File,
    proba: Annotated[bool, typer.Option("--proba", help="Add a column with the probability of each class.")] = False,
    delimiter: Delimiter = None,
    header: Header = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    x_name: XName = None,
    out: Annotated[Path | None, typer.Option(help="CSV file to write; by default predictions are printed.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file in --out.")] = False,
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Predict the target of every row of a table, as CSV.

    Columns of a CSV file with a header are found by name, others by position. Options that training needed to read its
    file, such as --encoding, apply here too. Predictions are written in UTF-8, or in the --encoding given here, with
    decimal points.

    Example: portnn mlp predict flowers new.csv --proba > predicted.csv
    """
    model = load_model(checkpoint, MLP, backend=backend, device=device, dtype=dtype)
    reading = given_options(delimiter=delimiter, header=header, encoding=encoding, decimal=decimal, x_name=x_name)
    if proba and not OBJECTIVES[model.objective].classifies:
        raise ValueError(f"{checkpoint} holds a regression, which has no probabilities for --proba")
    if out is not None and out.exists() and not overwrite:
        raise ValueError(f"{out} already exists: --overwrite it, or name another file")
    table = read_table_for(model, file, reading, targets=False)
    predicted = np.asarray(model.predict(table.x))
    probabilities = np.asarray(model.predict_proba(table.x)) if proba else None
    labels = class_names(model)
    if as_json:
        record = {"predictions": predicted.tolist()}
        if probabilities is not None:
            record |= {"classes": labels, "probabilities": probabilities.tolist()}
        print_json(record)
        return
    columns = predicted[:, None] if predicted.ndim == 1 else predicted
    head = column_names(model.layout and model.layout.target_names, columns.shape[1], "prediction")
    if probabilities is not None:
        head += [f"p_{label}" for label in labels]
    lines = rows_of(columns, probabilities, digits=7 if model.classes is None else None)
    encoding = encoding or "utf-8"
    check_encodable([*head, *labels], encoding)
    if out is None:
        if not sys.stdout.isatty():
            sys.stdout.reconfigure(encoding=encoding)  # type: ignore[union-attr]
        write(sys.stdout, head, lines)
    else:
        with out.open("w", encoding=encoding, newline="") as target:
            write(target, head, lines)
        print(f"{len(columns):,} rows in {out}", file=sys.stderr)


def rows_of(
    columns: np.ndarray[Any, Any], probabilities: np.ndarray[Any, Any] | None, *, digits: int | None
) -> Iterator[list[Any]]:
    """Rows of the output: predictions, to some significant digits or in full, and probabilities to six places."""
    for number, row in enumerate(columns.tolist()):
        shown = row if digits is None else [f"{value:.{digits}g}" for value in row]
        yield shown if probabilities is None else shown + [f"{p:.6f}" for p in probabilities[number]]


def class_names(model: MLP) -> list[str]:
    """Class labels as text; empty for a regression."""
    return [] if model.classes is None else [str(label) for label in model.classes.labels.tolist()]


def column_names(names: Sequence[str] | None, count: int, single: str) -> list[str]:
    """Names of the columns of predictions: a fixed one for a single column, else those of the targets."""
    if count == 1:
        return [single]
    return list(names) if names else [f"{single}_{number}" for number in range(1, count + 1)]


def check_encodable(texts: Iterable[str], encoding: str) -> None:
    """Raise ValueError if an encoding lacks a letter of the names and labels to write."""
    for text in texts:
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            raise ValueError(f"{brief(text)} cannot be written in {encoding}, which --encoding asks for") from None


def write(file: TextIO, head: list[str], lines: Iterator[list[Any]]) -> None:
    """Write a CSV file."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)


def evaluate(
    checkpoint: Checkpoint,
    file: File,
    show_confusion: Confusion = False,
    delimiter: Delimiter = None,
    header: Header = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    x_name: XName = None,
    y_name: YName = None,
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Measure how well a trained network predicts a table: its loss, and its accuracy or R2.

    The loss is the cross-entropy. For a regression it is half the mean squared error, of the standardized target if
    training standardized it. Options that training needed to read its file, such as --encoding, apply here too.

    Example: portnn mlp evaluate flowers test.csv --confusion
    """
    model = load_model(checkpoint, MLP, backend=backend, device=device, dtype=dtype)
    if show_confusion and model.classes is None:
        raise ValueError(f"{checkpoint} holds a regression, which has no classes for --confusion")
    reading = given_options(
        delimiter=delimiter, header=header, encoding=encoding, decimal=decimal, x_name=x_name, y_name=y_name
    )
    table = read_table_for(model, file, reading, targets=True)
    evaluation = model.evaluate(table.x, table.y)
    record = as_record(model.objective, evaluation)
    if show_confusion:
        assert model.classes is not None
        assert table.y is not None
        labels, counts = class_names(model), model.classes.confusion(table.y, np.asarray(model.predict(table.x)))
        record |= {"classes": labels, "confusion": counts.tolist()}
    if as_json:
        print_json(record)
        return
    print(in_words(model.objective, evaluation))
    if show_confusion:
        print_confusion(labels, counts)
