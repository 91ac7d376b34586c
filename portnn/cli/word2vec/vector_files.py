"""Files of word vectors, as commands take them: safetensors, or the word2vec format, text or binary."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portnn.cli.checkpoints import checkpoint_of
from portnn.text.compression import is_compressed
from portnn.vectors import KeyedVectors
from portnn.vectors.storage import is_safetensors

VectorFile = Annotated[
    Path,
    typer.Argument(
        help="Vectors of any kind: .safetensors, a run's folder, or the word2vec format, text or binary.",
        callback=checkpoint_of,
    ),
]
Table = Annotated[str, typer.Option("--vectors", help="Table of a trained model: input, output or sum.")]
Topn = Annotated[int, typer.Option("--topn", help="How many words.")]

FORMATS = {".safetensors": "safetensors", ".txt": "text", ".vec": "text", ".bin": "binary"}
"""Formats by the suffix of a file's name."""


def load_vectors(
    path: Path, table: str, *, backend: str = "numpy", device: str | None = None, dtype: str | None = None
) -> KeyedVectors:
    """Load vectors, memory-mapped where possible, so that a large file costs only what is read."""
    mmap = table != "sum" and is_safetensors(path)
    return KeyedVectors.load(path, mmap, table, backend=backend, device=device, dtype=dtype)


def format_of(path: Path) -> str | None:
    """Format that a file's name asks for, or None. Only the word2vec formats can be compressed."""
    compressed = is_compressed(path)
    format_ = FORMATS.get(Path(path.stem).suffix if compressed else path.suffix)
    return None if compressed and format_ == "safetensors" else format_


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Refuse to replace a file unless told to."""
    if path.exists() and not overwrite:
        raise ValueError(f"{path} already exists: --overwrite it, or name another file")
