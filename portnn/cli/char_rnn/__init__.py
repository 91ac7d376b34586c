"""`portnn char-rnn`: train, sample from and evaluate character RNNs."""

from __future__ import annotations

import typer

from portnn.cli.char_rnn import train, use

app = typer.Typer(help="Train character RNNs on text and sample from them.", no_args_is_help=True)
app.command()(train.train)
app.command()(use.sample)
app.command()(use.evaluate)

__all__ = ["app"]
