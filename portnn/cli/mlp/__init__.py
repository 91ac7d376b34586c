"""`portnn mlp`: train feed-forward networks on tables, predict with them, evaluate them."""

from __future__ import annotations

import typer

from portnn.cli.mlp import train, use

app = typer.Typer(help="Train feed-forward networks on tables and predict with them.", no_args_is_help=True)
app.command()(train.train)
app.command()(use.predict)
app.command()(use.evaluate)

__all__ = ["app"]
