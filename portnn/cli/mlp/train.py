"""`portnn mlp train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.declared_options import with_options
from portnn.cli.mlp.report import report
from portnn.cli.mlp.tables import Delimiter, Encoding, Header, XName, YName, given_options, read_training_table
from portnn.cli.options import BackendName, Device, Dtype, Json
from portnn.cli.runs import Out, Overwrite, Resume, choose, recipe_help
from portnn.estimators import MLP
from portnn.objectives import OBJECTIVES
from portnn.tables import MAX_CLASSES, Layout, infer_task, task_for, task_named
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
            f"with at most {MAX_CLASSES} distinct values that occur twice or more on average."
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
    """Train a feed-forward network on a table and report what it learned.

    Example: portnn mlp train flowers.csv --target species --recipe table --out flowers
    """
    reading = given_options(delimiter=delimiter, header=header, encoding=encoding, x_name=x_name, y_name=y_name)
    folder = RunFolder(out)
    recipe = recipe or (None if file else "table")
    chosen = choose(MLP, given, folder, recipe=recipe, resume=resume, overwrite=overwrite)
    settings = chosen.model
    saved = chosen.saved and chosen.saved["layout"]
    wanted = task_named(task) if task else task_for(settings["objective"]) if "objective" in settings else None
    table, layout = read_training_table(file, target, wanted, reading, saved=Layout.from_json(saved) if saved else None)
    assert table.y is not None
    wanted = wanted or infer_task(table.y)
    y = wanted.targets(table.y)
    settings.setdefault("objective", wanted.objective)
    if OBJECTIVES[settings["objective"]].standardizes:
        settings.setdefault("standardize_y", settings.get("standardize", False))
    place = {"backend": backend, "device": device, "dtype": dtype or settings.get("dtype", "float32")}
    model = MLP(**{**settings, **place})
    model.layout = layout
    print(f"{_described(model)} on {model.backend}: {wanted.name}, {table.name}", file=sys.stderr)
    model.fit(table.x, y, **chosen.run, out=out, resume=resume, overwrite=overwrite)
    report(model, table._replace(y=y), folder, chosen.run, file=None if file is None else str(file), as_json=as_json)


def _described(model: MLP) -> str:
    sizes = model.settings.hidden_layer_sizes
    if not sizes:
        return "a linear model"
    return f"{model.settings.activation} layers of {', '.join(map(str, sizes))} units"
