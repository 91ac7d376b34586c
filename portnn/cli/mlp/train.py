"""`portnn mlp train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.declared_options import with_options
from portnn.cli.mlp.report import report
from portnn.cli.mlp.tables import (
    FEW,
    READING,
    Delimiter,
    Encoding,
    Header,
    XName,
    YName,
    labels_or_values,
    read_training_table,
)
from portnn.cli.options import BackendName, Device, Dtype, Json
from portnn.cli.runs import Out, Overwrite, Resume, choose, recipe_help
from portnn.estimators import MLP
from portnn.tables import Layout
from portnn.training import RunFolder


@with_options(MLP.SETTINGS, MLP.RUN)
def train(
    file: Annotated[
        Path | None,
        typer.Argument(help="CSV or .npz file.", show_default="a spiral of 300 points, 3 classes, by the recipe table"),
    ] = None,
    *,
    given: dict[str, Any],
    target: Annotated[
        str | None,
        typer.Option(
            help="Column to predict, by its name or its number from 1; several for regression: a,b. [default: the last]"
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="classification or regression. Without it: classification, if the target is text, or whole numbers "
            f"with at most {FEW} distinct values that occur twice or more on average."
        ),
    ] = None,
    delimiter: Delimiter = None,
    header: Header = None,
    encoding: Encoding = None,
    x_name: XName = None,
    y_name: YName = None,
    recipe: Annotated[str | None, typer.Option(help=recipe_help(MLP))] = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    out: Out = Path("portnn-out"),
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Train a feed-forward network on a table and say what it learned.

    Example: portnn mlp train flowers.csv --target species --recipe table --out flowers
    """
    reading = {name: value for name, value in _written(locals()).items() if name in READING}
    folder = RunFolder(out)
    recipe = recipe or (None if file else "table")
    chosen = choose(MLP, given, folder, recipe=recipe, resume=resume, overwrite=overwrite)
    layout = chosen.saved and chosen.saved["layout"] and Layout.from_json(chosen.saved["layout"])
    task = task or _task_of(chosen.model)
    table, layout = read_training_table(file, target, task, reading, saved=layout)
    assert table.y is not None
    task, y = labels_or_values(table.y, task)
    if task == "regression":
        standardize = chosen.model.get("standardize", False)
        chosen.model.update({"objective": "squared_error", "standardize_y": standardize} | chosen.model)
    place = {"backend": backend, "device": device, "dtype": dtype or chosen.model.get("dtype", "float32")}
    model = MLP(**{**chosen.model, **place})
    model.layout = layout
    print(f"{_described(model)} on {model.backend}: {task}, {table.name}", file=sys.stderr)
    model.fit(table.x, y, **chosen.run, out=out, resume=resume, overwrite=overwrite)
    report(model, table._replace(y=y), folder, chosen.run, file=None if file is None else str(file), as_json=as_json)


def _written(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _task_of(settings: dict[str, Any]) -> str | None:
    """Task that an objective is for, where one was given."""
    objective = settings.get("objective")
    return objective and ("regression" if objective == "squared_error" else "classification")


def _described(model: MLP) -> str:
    sizes = model.settings.hidden_layer_sizes
    if not sizes:
        return "a linear model"
    return f"{model.settings.activation} layers of {', '.join(map(str, sizes))} units"
