"""Options for reading tables and labelled texts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

Delimiter = Annotated[
    str | None, typer.Option(help="Delimiter of a CSV file: a character, or tab. By default it is guessed.")
]
Encoding = Annotated[
    str | None,
    typer.Option(help="Encoding of a file without a byte order mark: utf-8, latin-1 ... [default: utf-8]"),
]


def given_options(**options: Any) -> dict[str, Any]:
    """Options that are not None, which stands for one that was not given."""
    return {name: value for name, value in options.items() if value is not None}
