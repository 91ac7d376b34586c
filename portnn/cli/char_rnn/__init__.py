"""`portnn char-rnn`: train, sample from and evaluate character RNNs."""

from __future__ import annotations

import typer

from portnn.cli.char_rnn.train import train
from portnn.cli.char_rnn.use import evaluate, sample

app = typer.Typer(help="Train character RNNs on text and sample from them.", no_args_is_help=True)
app.command()(train)
app.command()(sample)
app.command()(evaluate)

__all__ = ["app"]
