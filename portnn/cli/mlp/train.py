"""`portnn mlp train`."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.mlp.report import report
from portnn.cli.mlp.tables import Delimiter, Encoding, Header, XName, YName, read_training_table
from portnn.cli.options import BackendName, Device, Dtype, Json
from portnn.cli.runs import saved_facts
from portnn.estimators import MLP
from portnn.objectives import OBJECTIVES
from portnn.tables import MAX_CLASSES, READING_OPTIONS, Layout, infer_task, task_for, task_named
from portnn.training import RunFolder

DEFAULTS: dict[str, Any] = {
    "hidden": "50,50",
    "activation": "relu",
    "l2": 0.0,
    "dropout": 0.0,
    "class_weight": None,
    "standardize": True,
    "optimizer": "adam",
    "learning_rate": 3e-3,
    "schedule": "constant",
    "batch_size": 32,
    "held_out": 0.1,
    "patience": 10,
    "evaluate_every": None,
    "checkpoint_every": None,
    "dtype": "float32",
    "seed": 0,
}
"""Settings of a run that neither an option nor the run to resume says."""

MODEL = ("activation", "l2", "dropout", "class_weight", "standardize", "seed", "dtype")
"""Those of `MLP`, beside its layers; the others are of its `fit`."""

EPOCHS = 200
"""Length of a run where none is said; patience mostly ends it earlier."""

MEASURE = 50
"""Steps between measurements of the held-out loss, at the least: a small table's epoch is shorter than a blink."""


def _option(text: str, name: str) -> Any:
    default = DEFAULTS[name]
    return typer.Option(help=text if default is None else f"{text} [default: {default}]", show_default=False)


def train(
    file: Annotated[
        Path | None, typer.Argument(help="CSV or .npz file.", show_default="a spiral of 300 points, 3 classes")
    ] = None,
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
    hidden: Annotated[str | None, _option("Units of each hidden layer; none for a linear model.", "hidden")] = None,
    activation: Annotated[str | None, _option("relu, tanh, sigmoid, rbf or identity.", "activation")] = None,
    l2: Annotated[float | None, _option("Half of this times the squared weights is added to the loss.", "l2")] = None,
    dropout: Annotated[float | None, _option("Rate at which hidden units are dropped.", "dropout")] = None,
    class_weight: Annotated[
        str | None, _option("balanced: all classes count the same, however rare.", "class_weight")
    ] = None,
    standardize: Annotated[
        bool | None,
        typer.Option(
            "--standardize/--no-standardize",
            help="Bring every column, and what a regression predicts, to mean 0 and standard deviation 1. "
            "[default: standardize]",
            show_default=False,
        ),
    ] = None,
    optimizer: Annotated[
        str | None, _option("sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw.", "optimizer")
    ] = None,
    learning_rate: Annotated[float | None, _option("Step size.", "learning_rate")] = None,
    schedule: Annotated[
        str | None, _option("constant, linear, exponential or cosine over the run.", "schedule")
    ] = None,
    batch_size: Annotated[int | None, _option("Rows of a mini-batch.", "batch_size")] = None,
    epochs: Annotated[
        float | None,
        typer.Option(help=f"Length of the run in passes over the rows, with --resume too: in all. [default: {EPOCHS}]"),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Length of the run in steps, with --resume too: the total.")] = None,
    held_out: Annotated[
        float | None, _option("Fraction of the rows, drawn by the seed, measured and not trained on.", "held_out")
    ] = None,
    patience: Annotated[
        int | None,
        _option("Stop after so many measurements in a row without a lower held-out loss; 0 for never.", "patience"),
    ] = None,
    evaluate_every: Annotated[
        int | None,
        typer.Option(
            help=f"Measure the held-out loss every so many steps. [default: whole epochs, {MEASURE} steps or more]"
        ),
    ] = None,
    checkpoint_every: Annotated[
        int | None, typer.Option(help="Save every so many steps. [default: as --evaluate-every]")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, with its settings.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in --out.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, metrics and the loss curve.")] = Path("portnn-out"),
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    seed: Annotated[int | None, _option("Seed of all random numbers.", "seed")] = None,
    as_json: Json = False,
) -> None:
    """Train a feed-forward network on a table and say what it learned.

    Example: portnn mlp train flowers.csv --target species --hidden 50,50 --out flowers
    """
    options = locals()
    given = {name: options[name] for name in DEFAULTS if options[name] is not None}
    reading = {name: options[name] for name in READING_OPTIONS if options[name] is not None}
    if steps is not None and epochs is not None:
        raise typer.BadParameter("give --steps or --epochs, not both")
    if resume and overwrite:
        raise typer.BadParameter("--resume goes on with a run, --overwrite replaces it: give one of them")
    folder = RunFolder(out)
    saved = saved_settings(folder) if resume else {}
    settings = {**DEFAULTS, **saved, **given}
    sizes = layer_sizes(settings["hidden"])
    if folder.holds_run and not (resume or overwrite):
        raise ValueError(f"{out} holds a run already: --resume it, --overwrite it, or name another folder with --out")
    task = task or saved.get("task")
    known = None if task is None else task_named(task)
    table, layout = read_training_table(file, target, known, reading, saved=saved.get("layout"))
    assert table.y is not None
    chosen = known or infer_task(table.y)
    y = chosen.targets(table.y)
    if steps is None and epochs is None:
        steps = saved.get("steps")
        epochs = EPOCHS if steps is None else None
    settings["evaluate_every"] = settings["evaluate_every"] or measuring_steps(len(y), epochs, **settings)
    model = MLP(
        sizes,
        objective=chosen.objective,
        standardize_y=OBJECTIVES[chosen.objective].standardizes and settings["standardize"],
        **{name: settings[name] for name in MODEL},
        backend=backend,
        device=device,
    )
    model.layout = layout
    print(f"{describe(sizes, settings)} on {model.backend}: {chosen.name}, {table.name}", file=sys.stderr)
    model.fit(
        table.x,
        y,
        **{name: settings[name] for name in DEFAULTS if name not in (*MODEL, "hidden", "patience")},
        patience=settings["patience"] or None,
        steps=steps,
        epochs=epochs,
        out=out,
        resume=resume,
        overwrite=overwrite,
    )
    report(
        model,
        table._replace(y=y),
        folder,
        settings["held_out"],
        patience=settings["patience"],
        file=None if file is None else str(file),
        as_json=as_json,
    )


def layer_sizes(hidden: str | tuple[int, ...]) -> tuple[int, ...]:
    """Units of each hidden layer, out of an option such as 50,50."""
    if not isinstance(hidden, str):
        return hidden
    if hidden.strip().lower() == "none":
        return ()
    try:
        return tuple(int(size) for size in hidden.split(","))
    except ValueError:
        raise typer.BadParameter(f"--hidden takes numbers of units such as 50,50, or none, got {hidden!r}") from None


def measuring_steps(rows: int, epochs: float | None, *, held_out: float, batch_size: int, **_: Any) -> int | None:
    """Steps between measurements: whole epochs, `MEASURE` steps or more, and not many hundred times in a run.

    None where the settings make no sense, which is for `MLP.fit` to say.
    """
    if batch_size < 1 or not 0.0 <= held_out < 1.0 or not 0.0 <= (epochs or 0.0) < math.inf:
        return None
    batches = math.ceil((rows - round(rows * held_out)) / batch_size)
    return batches * max(math.ceil(MEASURE / batches), math.ceil((epochs or 0.0) / EPOCHS)) if batches else None


def describe(sizes: tuple[int, ...], settings: dict[str, Any]) -> str:
    """The network in words."""
    if not sizes:
        return "a linear model"
    return f"{settings['activation']} layers of {', '.join(map(str, sizes))} units"


def saved_settings(folder: RunFolder) -> dict[str, Any]:
    """Settings of the run to resume; none, where it has not come to its first checkpoint."""
    facts = saved_facts(folder, "MLP")
    if facts is None:
        return {}
    network, layout, weights = facts["model"], facts["layout"], facts["settings"]["class_weight"]
    return {
        **facts["settings"],
        "class_weight": dict(weights) if isinstance(weights, list) else weights,  # JSON has no keys but strings
        **{name: network[name] for name in ("activation", "l2", "dropout")},
        **facts["fit"],
        "patience": facts["fit"]["patience"] or 0,
        "hidden": tuple(network["sizes"][1:-1]),
        "task": task_for(network["objective"]).name,
        "layout": layout and Layout.from_json(layout),
        "dtype": facts["dtype"],
    }
