"""`portnn word2vec export`: word vectors from one file format to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.declared_options import with_options
from portnn.cli.options import Json, print_json
from portnn.cli.word2vec.vector_files import (
    FORMATS,
    FormSettings,
    Table,
    VectorFile,
    format_of,
    load_vectors,
    refuse_existing,
)
from portnn.settings import brief


@with_options(FormSettings)
def export(
    file: VectorFile,
    out: Annotated[
        Path,
        typer.Argument(
            help=".txt or .vec for word2vec's text, .bin for its binary format (.gz, .bz2 or .xz may follow), or "
            ".safetensors."
        ),
    ],
    table: Table = "input",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    as_json: Json = False,
    *,
    given: dict[str, Any],
) -> None:
    """Write vectors in the format that the file's name asks for.

    Example: portnn word2vec export vectors.safetensors vectors.txt
    """
    kind = format_of(out)
    if kind is None:
        suffixes = ", ".join(FORMATS)
        raise ValueError(f"{out}: no format has the suffix {brief(''.join(out.suffixes))}; known: {suffixes}")
    if out.exists() and file.exists() and out.samefile(file):
        raise ValueError(f"{out} is the file to export; name another")
    refuse_existing(out, overwrite)
    wv = load_vectors(file, given, table, mapped=False)
    if kind == "safetensors":
        wv.save(out)
    else:
        wv.save_word2vec_format(out, binary=kind == "binary")
    if as_json:
        print_json({"file": str(out), "format": kind, "words": len(wv), "vector_size": wv.vector_size})
    else:
        print(f"{out}: {len(wv):,} words of {wv.vector_size} values, {kind}")
