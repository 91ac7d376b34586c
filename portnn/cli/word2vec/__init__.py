"""`portnn word2vec`: learn word vectors, ask them, measure them, convert them and draw them."""

from __future__ import annotations

import typer

from portnn.cli.word2vec.ask import analogy, similar
from portnn.cli.word2vec.evaluate import evaluate
from portnn.cli.word2vec.export import export
from portnn.cli.word2vec.plot import plot
from portnn.cli.word2vec.train import train

app = typer.Typer(help="Learn word vectors from text, and use them.", no_args_is_help=True)
app.command()(train)
app.command()(similar)
app.command(context_settings={"ignore_unknown_options": True})(analogy)  # an expression may begin with a minus
app.command()(evaluate)
app.command()(export)
app.command()(plot)

__all__ = ["app"]
