"""`portnn conv`: train convolutional networks on images, classify others, compute features of them."""

from __future__ import annotations

import typer

from portnn.cli.conv import evaluate, features, predict, train

app = typer.Typer(help="Train convolutional networks on images and ask them.", no_args_is_help=True)
app.command()(train.train)
app.command()(predict.predict)
app.command()(evaluate.evaluate)
app.command()(features.features)

__all__ = ["app"]
