"""Options for reading files of texts and labels."""

from __future__ import annotations

from typing import Annotated

import typer

from portnn.tables.labelled_texts import FORMATS

FILES = (
    "Files of texts and labels, read one after the other: TSV (text, tab, label), CSV, JSON lines, or a folder of "
    "classes (pos/*.txt, neg/*.txt); .gz, .bz2 and .xz too; - is standard input."
)

TextColumn = Annotated[
    str | None,
    typer.Option(
        "--text", help="Column of the texts: its name, or its number from 1. [default: as its name or cells say]"
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        "--label", help="Column of the labels: its name, or its number from 1. [default: as its name or cells say]"
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format", help=f"Format of the files: {', '.join(FORMATS)}. [default: as their name or first line says]"
    ),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first line names the columns. [default: as it looks]",
        show_default=False,
    ),
]
