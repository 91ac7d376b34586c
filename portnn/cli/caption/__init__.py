"""`portnn caption`: train captioners of images, let them speak, measure what they say."""

from __future__ import annotations

import typer

from portnn.cli.caption import evaluate, generate, train

app = typer.Typer(help="Train captioners of images and let them speak.", no_args_is_help=True)
app.command()(train.train)
app.command()(generate.generate)
app.command()(evaluate.evaluate)

__all__ = ["app"]
