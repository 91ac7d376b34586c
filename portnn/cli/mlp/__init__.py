"""`portnn mlp`: train feed-forward networks on tables, predict with them, evaluate them."""

from __future__ import annotations

import typer

from portnn.cli.mlp.train import train
from portnn.cli.mlp.use import evaluate, predict

app = typer.Typer(help="Train feed-forward networks on tables and predict with them.", no_args_is_help=True)
app.command()(train)
app.command()(predict)
app.command()(evaluate)

__all__ = ["app"]
