"""`portnn char-rnn train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.char_rnn.report import SampleCallback, report
from portnn.cli.declared_options import with_options
from portnn.cli.options import BackendName, Device, Dtype, Json
from portnn.cli.runs import Out, Overwrite, Resume, choose, recipe_help
from portnn.datasets import python_documentation
from portnn.estimators import CharRNN
from portnn.training import RunFolder


@with_options(CharRNN.SETTINGS, CharRNN.RUN)
def train(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Text files and folders, read one after the other; .gz, .bz2 and .xz too; - is standard input.",
            show_default="the documentation that ships with Python, by the recipe quick",
        ),
    ] = None,
    *,
    given: dict[str, Any],
    sample_every: Annotated[int, typer.Option(help="Steps between samples; 0 for none.", min=0)] = 500,
    recipe: Annotated[str | None, typer.Option(help=recipe_help(CharRNN))] = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    out: Out = Path("portnn-out"),
    backend: BackendName = "numpy",
    device: Device = None,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Train a character RNN and report what it learned.

    Example: portnn char-rnn train book.txt --cell gru --hidden-size 256 --epochs 5 --out book
    """
    folder = RunFolder(out)
    recipe = recipe or (None if files else "quick")
    chosen = choose(CharRNN, given, folder, recipe=recipe, resume=resume, overwrite=overwrite)
    place = {"backend": backend, "device": device, **({} if dtype is None else {"dtype": dtype})}
    model = CharRNN(**{**chosen.model, **place})
    described = ", ".join(map(str, files)) if files else "the documentation that ships with Python"
    settings = model.settings
    print(f"{settings.cell} of {settings.hidden_size} units on {model.backend}: {described}", file=sys.stderr)
    callbacks = [SampleCallback(model, sample_every)] if sample_every else []
    source = files or python_documentation()
    model.fit(source, **chosen.run, out=out, resume=resume, overwrite=overwrite, callbacks=callbacks)
    report(model, folder, as_json)
