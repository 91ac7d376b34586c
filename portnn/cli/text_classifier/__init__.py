"""`portnn text-classifier`: train recurrent classifiers of texts, predict with them, evaluate them."""

from __future__ import annotations

import typer

from portnn.cli.text_classifier import evaluate, predict, train

app = typer.Typer(help="Train recurrent classifiers of texts and ask them.", no_args_is_help=True)
app.command()(train.train)
app.command()(predict.predict)
app.command()(evaluate.evaluate)

__all__ = ["app"]
