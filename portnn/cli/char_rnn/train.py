"""`portnn char-rnn train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.char_rnn.report import SampleCallback, report
from portnn.cli.options import BackendName, Device, Dtype, Json
from portnn.cli.runs import saved_facts
from portnn.datasets import python_documentation
from portnn.estimators import CharRNN, recipe
from portnn.ops import CELLS
from portnn.training import RunFolder, automatic_workers, can_share

DEFAULTS: dict[str, Any] = {
    "level": "char",
    "encoding": "utf-8",
    "min_count": 1,
    "cell": "gru",
    "hidden_size": 128,
    "num_layers": 1,
    "dropout": 0.0,
    "init_scale": None,
    "seq_length": 64,
    "batch_size": 16,
    "optimizer": "adam",
    "learning_rate": 8e-3,
    "schedule": "constant",
    "clip_norm": 5.0,
    "clip_value": None,
    "smoothing": None,
    "workers": None,
    "held_out": 0.05,
    "evaluate_every": 250,
    "checkpoint_every": 250,
    "dtype": "float32",
    "seed": 0,
}
"""Settings of a run that neither an option, a recipe nor the run to resume says."""

MODEL = ("cell", "hidden_size", "num_layers", "dropout", "level", "min_count", "init_scale", "seed", "dtype")
"""Those of `CharRNN`; the others are of its `fit`."""

STEPS = 2500
"""Length of a run where none is said."""


def _option(text: str, name: str) -> Any:
    default = DEFAULTS[name]
    return typer.Option(help=text if default is None else f"{text} [default: {default}]", show_default=False)


def train(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Text files, read one after the other.", show_default="the documentation that ships with Python"
        ),
    ] = None,
    level: Annotated[
        str | None, _option("Token: char, byte (any file), word or jieba (Chinese words).", "level")
    ] = None,
    encoding: Annotated[str | None, _option("Of the files: utf-8, gb18030, latin-1 ...", "encoding")] = None,
    min_count: Annotated[
        int | None, _option("Tokens that occur less often become one unknown token.", "min_count")
    ] = None,
    cell: Annotated[str | None, _option("lstm, gru or rnn.", "cell")] = None,
    hidden_size: Annotated[int | None, _option("Units of each layer.", "hidden_size")] = None,
    num_layers: Annotated[int | None, _option("Recurrent layers.", "num_layers")] = None,
    seq_length: Annotated[int | None, _option("Tokens of a chunk.", "seq_length")] = None,
    batch_size: Annotated[int | None, _option("Parallel streams.", "batch_size")] = None,
    dropout: Annotated[float | None, _option("Rate at which each layer's output is dropped.", "dropout")] = None,
    optimizer: Annotated[
        str | None, _option("sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw.", "optimizer")
    ] = None,
    learning_rate: Annotated[float | None, _option("Step size.", "learning_rate")] = None,
    schedule: Annotated[
        str | None, _option("constant, linear, exponential or cosine over the run.", "schedule")
    ] = None,
    clip_norm: Annotated[float | None, _option("Limit of the gradients' norm; 0 for none.", "clip_norm")] = None,
    clip_value: Annotated[float | None, _option("Limit of each gradient; 0 for none.", "clip_value")] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that share each batch, on NumPy. [default: one a core, if each has enough to do]"),
    ] = None,
    epochs: Annotated[float | None, typer.Option(help="Length of the run in passes over the text.")] = None,
    steps: Annotated[
        int | None,
        typer.Option(help=f"Length of the run in steps, with --resume too: the total. [default: {STEPS}]"),
    ] = None,
    held_out: Annotated[
        float | None, _option("Last fraction of the text, measured and not trained on.", "held_out")
    ] = None,
    sample_every: Annotated[int, typer.Option(help="Show a sample every so many steps; 0 for never.", min=0)] = 500,
    evaluate_every: Annotated[
        int | None, _option("Measure the held-out loss every so many steps.", "evaluate_every")
    ] = None,
    checkpoint_every: Annotated[int | None, _option("Save every so many steps.", "checkpoint_every")] = None,
    recipe_name: Annotated[str | None, typer.Option("--recipe", help="Settings under one name: min-char-rnn.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, with its settings.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in --out.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, metrics and the loss curve.")] = Path("portnn-out"),
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    seed: Annotated[int | None, _option("Seed of all random numbers.", "seed")] = None,
    as_json: Json = False,
) -> None:
    """Train a character RNN and say what it learned.

    Example: portnn char-rnn train book.txt --cell gru --hidden-size 256 --epochs 5 --out book
    """
    given = {name: value for name, value in locals().items() if name in DEFAULTS and value is not None}
    given |= {name: None for name in ("clip_norm", "clip_value") if given.get(name) == 0}
    if steps is not None and epochs is not None:
        raise typer.BadParameter("give --steps or --epochs, not both")
    if resume and overwrite:
        raise typer.BadParameter("--resume goes on with a run, --overwrite replaces it: give one of them")
    folder = RunFolder(out)
    saved = saved_settings(folder) if resume else {}
    settings = {**DEFAULTS, **(recipe(recipe_name) if recipe_name else {}), **saved, **given}
    if steps is None and epochs is None:
        steps = settings.get("steps", STEPS)
    model = CharRNN(**{name: settings[name] for name in MODEL}, backend=backend, device=device)
    if settings["workers"] is None or not ("workers" in given or can_share(model.backend)):
        width = len(CELLS[settings["cell"]].gates) * settings["hidden_size"]
        settings["workers"] = automatic_workers(settings["batch_size"], width, model.backend)
    cell, size = settings["cell"], settings["hidden_size"]
    described = ", ".join(map(str, files)) if files else "the documentation that ships with Python"
    print(f"{cell} of {size} units on {model.backend}: {described}", file=sys.stderr)
    model.fit(
        files or python_documentation(),
        **{name: settings[name] for name in DEFAULTS if name not in MODEL},
        steps=steps,
        epochs=epochs,
        out=out,
        resume=resume,
        overwrite=overwrite,
        callbacks=[SampleCallback(model, sample_every)] if sample_every else [],
    )
    report(model, folder, as_json)


def saved_settings(folder: RunFolder) -> dict[str, Any]:
    """Settings of the run to resume; none, where it has not come to its first checkpoint."""
    facts = saved_facts(folder, "CharRNN")
    if facts is None:
        return {}
    return {**facts["model"], **facts["corpus"], **facts["fit"], "dtype": facts["dtype"]}
