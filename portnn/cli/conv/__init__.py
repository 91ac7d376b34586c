"""`portnn conv`: train convolutional networks on images, classify others, compute features of them."""

from __future__ import annotations

import typer

app = typer.Typer(help="Train convolutional networks on images and ask them.", no_args_is_help=True)

__all__ = ["app"]
