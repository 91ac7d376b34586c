"""Files of word vectors, as commands take them: safetensors, or the word2vec format, text or binary."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.cli.checkpoints import checkpoint_of
from portnn.settings import Flags, OneOf, Settings, Shown
from portnn.text.compression import is_compressed
from portnn.text.standard_input import STDIN, read_standard_input
from portnn.vectors import KeyedVectors
from portnn.vectors.storage import is_safetensors

VectorFile = Annotated[
    Path,
    typer.Argument(
        help="Vectors of any kind: .safetensors, a run's folder, or the word2vec format, text or binary; - is standard "
        "input.",
        callback=checkpoint_of,
    ),
]
Table = Annotated[str, typer.Option("--vectors", help="Table of a trained model: input, output or sum.")]
Topn = Annotated[int, typer.Option("--topn", help="How many words.")]

FORMATS = {".safetensors": "safetensors", ".txt": "text", ".vec": "text", ".bin": "binary"}
"""Formats by the suffix of a file's name."""


@dataclass(frozen=True, kw_only=True)
class FormSettings(Settings):
    """What a file in the word2vec format does not say of itself."""

    format: Annotated[
        str | None,
        OneOf(("text", "binary")),
        Shown("what the file shows"),
        "Whether a file in the word2vec format is text or binary.",
    ] = None
    no_header: Annotated[
        bool, Flags("--no-header", "--with-header"), "The file has no first line with its size, as GloVe's have none."
    ] = False
    encoding: Annotated[str, "Encoding of the words."] = "utf-8"
    errors: Annotated[
        str,
        OneOf(("strict", "replace")),
        "Words that are not in the encoding: refused, or kept under names that stand for their bytes.",
    ] = "strict"


def load_vectors(
    path: Path,
    table: str,
    given: dict[str, Any],
    *,
    mmap: bool = True,
    backend: str = "numpy",
    device: str | None = None,
    dtype: str | None = None,
) -> KeyedVectors:
    """Load vectors, memory-mapped where possible, so that a large file costs only what is read.

    `given` are the settings of `FormSettings` on the command line. What is odd about the words is said on stderr.
    """
    chosen = FormSettings(**given)
    form: dict[str, Any] = {name: given[name] for name in ("no_header", "encoding", "errors") if name in given}
    if chosen.format is not None:
        form["binary"] = chosen.format == "binary"
    with readable(path) as file, warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always", UserWarning)
        mmap = mmap and table != "sum" and is_safetensors(file)
        wv = KeyedVectors.load(file, mmap, table, backend=backend, device=device, dtype=dtype, **form)
    for remark in remarks:
        print(remark.message, file=sys.stderr)
    return wv


@contextlib.contextmanager
def readable(path: Path) -> Iterator[Path]:
    """A file that can be read more than once: for "-", one with what is piped into the process."""
    if str(path) != STDIN:
        yield path
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = Path(folder, "standard input")
        file.write_bytes(read_standard_input())
        yield file


def check_read_once(*paths: Path) -> None:
    """Refuse to read standard input twice."""
    if sum(str(path) == STDIN for path in paths) > 1:
        raise ValueError(f'"{STDIN}", standard input, can be read only once')


def format_of(path: Path) -> str | None:
    """Format that a file's name asks for, or None. Only the word2vec formats can be compressed."""
    compressed = is_compressed(path)
    format_ = FORMATS.get(Path(path.stem).suffix if compressed else path.suffix)
    return None if compressed and format_ == "safetensors" else format_


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Refuse to replace a file unless told to."""
    if path.exists() and not overwrite:
        raise ValueError(f"{path} already exists: --overwrite it, or name another file")
