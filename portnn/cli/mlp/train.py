"""`portnn mlp train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.declared_options import with_options
from portnn.cli.mlp.kept_rows import Test, divided, fraction_or_file, read_test
from portnn.cli.mlp.report import report, write_csv
from portnn.cli.mlp.tables import (
    FILE_HELP,
    Decimal,
    Header,
    XName,
    YName,
    read_training_table,
    say_note,
)
from portnn.cli.options import BackendName, Device, Dtype, Json
from portnn.cli.reading import Delimiter, Encoding, given_options
from portnn.cli.runs import Out, Overwrite, Resume, choose, recipe_help
from portnn.estimators import MLP
from portnn.objectives import OBJECTIVES
from portnn.tables import MAX_CLASSES, Classes, Layout, Targets, infer_task, task_for, task_named
from portnn.training import RunFolder


@with_options(MLP.SETTINGS, MLP.RUN)
def train(
    file: Annotated[
        Path | None,
        typer.Argument(help=FILE_HELP, show_default="a spiral of 300 points, 3 classes, by the recipe table"),
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
            help="classification or regression. Without it: classification, if the target is text or codes such as "
            "007, or whole numbers "
            f"with at most {MAX_CLASSES} distinct values that occur twice or more on average."
        ),
    ] = None,
    delimiter: Delimiter = None,
    header: Header = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    x_name: XName = None,
    y_name: YName = None,
    test: Test = None,
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
    reading = given_options(
        delimiter=delimiter, header=header, encoding=encoding, decimal=decimal, x_name=x_name, y_name=y_name
    )
    folder = RunFolder(out)
    recipe = recipe or (None if file else "table")
    chosen = choose(MLP, given, folder, recipe=recipe, resume=resume, overwrite=overwrite)
    settings = chosen.model
    saved, classes = _saved(chosen.saved)
    fraction, test_file = fraction_or_file(test, saved)
    wanted = task_named(task) if task else task_for(settings["objective"]) if "objective" in settings else None
    table, layout = read_training_table(file, target, wanted, reading, saved=saved, classes=classes)
    say_note(table)
    assert table.y is not None
    wanted = wanted or infer_task(table.y)
    table = table._replace(y=wanted.targets(table.y))
    settings.setdefault("objective", wanted.objective)
    if OBJECTIVES[settings["objective"]].standardizes:
        settings.setdefault("standardize_y", settings.get("standardize", False))
    place = {"backend": backend, "device": device, "dtype": dtype or settings.get("dtype", "float32")}
    model = MLP(**{**settings, **place})
    classes = classes or Targets.of(model.objective, table.y).classes
    others, kept = divided(table, fraction, model.settings.seed)
    if kept is not None:  # the rows kept may hold labels that the others lack
        model.initialize(others.x, others.y, classes and classes.labels, held_out=chosen.run.get("held_out", 0.0))
    if test_file is not None:
        kept = read_test(test_file, table, layout, wanted, classes, reading)
        say_note(kept)
    model.layout = layout._replace(test=fraction)
    print(f"{_described(model)} on {model.backend}: {wanted.name}, {table.name}", file=sys.stderr)
    model.fit(others.x, others.y, **chosen.run, out=out, resume=resume, overwrite=overwrite)
    report(
        model, others, kept, folder, chosen.run, file=file or write_csv(table, folder), test=test_file, as_json=as_json
    )


def _saved(facts: dict[str, Any] | None) -> tuple[Layout | None, Classes | None]:
    """Layout and classes of the run to resume, if it has any."""
    if facts is None:
        return None, None
    return facts["layout"] and Layout.from_json(facts["layout"]), Targets.from_json(facts["targets"]).classes


def _described(model: MLP) -> str:
    sizes = model.settings.hidden_layer_sizes
    if not sizes:
        return "a linear model"
    return f"{model.settings.activation} layers of {', '.join(map(str, sizes))} units"
