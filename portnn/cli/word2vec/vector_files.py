"""Files of word vectors, as commands take them: safetensors, or the word2vec format, text or binary."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.checkpoints import checkpoint_of
from portnn.cli.word2vec.standard_input import name_of, on_disk
from portnn.settings import Flags, OneOf, Settings, Shown
from portnn.text.compression import is_compressed
from portnn.vectors import KeyedVectors
from portnn.vectors.storage import is_safetensors

VECTORS = "Vectors of any kind: .safetensors, a run's folder, or the word2vec format, text or binary; - for stdin."
VectorFile = Annotated[Path, typer.Argument(help=VECTORS, callback=checkpoint_of)]
Table = Annotated[str, typer.Option("--vectors", help="Table of a trained model: input, output or sum.")]
Topn = Annotated[int, typer.Option("--topn", min=1, help="How many words.")]

FORMATS = {".safetensors": "safetensors", ".txt": "text", ".vec": "text", ".bin": "binary"}
"""Formats by the suffix of a file's name."""


@dataclass(frozen=True, kw_only=True)
class FormSettings(Settings):
    """What a file in the word2vec format does not show by itself."""

    format: Annotated[
        str | None, OneOf(("text", "binary")), "Format of the vectors.", Shown("what their first rows are")
    ] = None
    no_header: Annotated[
        bool, Flags("--no-header", "--with-header"), "The vectors are text without a header, as GloVe's."
    ] = False
    encoding: Annotated[str, "Encoding of the words: utf-8, latin-1 ..."] = "utf-8"
    errors: Annotated[str, OneOf(("strict", "replace")), "Refuse words of another encoding, or keep their bytes."] = (
        "strict"
    )


def load_vectors(
    path: Path,
    given: dict[str, Any],
    table: str,
    *,
    mapped: bool = True,
    backend: str = "numpy",
    device: str | None = None,
    dtype: str | None = None,
) -> KeyedVectors:
    """Load vectors, memory-mapped where possible, so that a large file costs only what is read.

    Parameters
    ----------
    path : Path
        "-" is standard input.
    given : dict
        Options of `FormSettings`.
    table : {"input", "output", "sum"}
        Table of a trained model.
    mapped : bool
        False reads everything, which finds any damage.
    backend, device, dtype : str
    """
    FormSettings(**given)
    form = dict(given)
    if "format" in form:
        form["binary"] = form.pop("format") == "binary"
    with on_disk(path) as file, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        mmap = mapped and file == path and table != "sum" and is_safetensors(file)
        wv = KeyedVectors.load(file, mmap, table, backend=backend, device=device, dtype=dtype, **form)
    for warning in told:
        print(str(warning.message).replace(str(file), name_of(path)), file=sys.stderr)
    return wv


def format_of(path: Path) -> str | None:
    """Format that a file's name asks for, or None. Only the word2vec formats can be compressed."""
    compressed = is_compressed(path)
    format_ = FORMATS.get(Path(path.stem).suffix if compressed else path.suffix)
    return None if compressed and format_ == "safetensors" else format_


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Refuse to replace a file unless told to."""
    if path.exists() and not overwrite:
        raise ValueError(f"{path} already exists: --overwrite it, or name another file")
