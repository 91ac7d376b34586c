"""`portnn word2vec`: learn word vectors, query, evaluate, convert and draw them."""

from __future__ import annotations

import typer

from portnn.cli.word2vec import ask, evaluate, export, plot, train

app = typer.Typer(help="Learn word vectors from text, and use them.", no_args_is_help=True)
app.command()(train.train)
app.command()(ask.similar)
app.command(context_settings={"ignore_unknown_options": True})(ask.analogy)  # an expression may begin with a minus
app.command()(evaluate.evaluate)
app.command()(export.export)
app.command()(plot.plot)

__all__ = ["app"]
