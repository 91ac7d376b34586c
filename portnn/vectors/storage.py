"""Word vectors in safetensors files, in the layout that models of word vectors use, too."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from portnn.checkpoints.checkpoint import DTYPES, CheckpointError, check_version, load_checkpoint, save_checkpoint
from portnn.settings import brief
from portnn.vectors.packed_words import pack_words, unpack_words

Host = np.ndarray[Any, Any]
Stored = tuple[list[str], Host, Host | None]
"""Words, their vectors (n, d) and, if known, their counts (n,) int64."""

ESTIMATOR = "KeyedVectors"
LONGEST_HEADER = 100_000_000
"""Limit that safetensors sets on the bytes of its header."""

TABLES = ("input", "output", "sum")
NUMPY_DTYPES = {theirs: np.dtype(ours).newbyteorder("<") for ours, theirs in DTYPES.items()}


def vocabulary_arrays(words: Sequence[str], counts: Host | None) -> dict[str, Host]:
    """Arrays of a vocabulary in a checkpoint: "vocabulary.bytes", ".lengths" and, with counts, ".counts"."""
    data, lengths = pack_words(words)
    arrays = {"vocabulary.bytes": data, "vocabulary.lengths": lengths}
    return arrays if counts is None else {**arrays, "vocabulary.counts": np.asarray(counts, dtype=np.int64)}


def save_vectors(path: str | os.PathLike[str], words: Sequence[str], vectors: Host, counts: Host | None) -> None:
    """Write words and vectors (n, d) as a checkpoint with one table."""
    arrays = {"params.input": vectors, **vocabulary_arrays(words, counts)}
    save_checkpoint(path, arrays, {"estimator": ESTIMATOR, "dtype": vectors.dtype.name})


def is_safetensors(path: str | os.PathLike[str]) -> bool:
    """Whether a file starts like a safetensors file: the length of a JSON object in eight bytes, then the object.

    Text whose ninth byte is a brace reads as a length beyond any header. A length beyond the end of the file is that of
    a safetensors file that was cut. Only a regular file can be looked into and then read from its start.
    """
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return False  # a pipe that is opened twice loses what was written
    with open(path, "rb") as file:
        start = file.read(9)
    return start[8:] == b"{" and int.from_bytes(start[:8], "little") <= LONGEST_HEADER


def load_vectors(path: str | os.PathLike[str], *, table: str = "input", mmap: bool = False) -> Stored:
    """Read words and vectors from a checkpoint written by `save_vectors` or by a model of word vectors.

    Parameters
    ----------
    path : path-like
    table : {"input", "output", "sum"}
        Vectors to read; only models have output vectors.
    mmap : bool
        Map the table from the file, read-only, instead of reading it. Version and length of the file are checked; the
        digest is not, since that would read everything.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    CheckpointError
        If the file is damaged, of another version, or holds no word vectors.
    ValueError
        If `table` is unknown, or is a sum, which cannot be mapped.
    """
    if table not in TABLES:
        raise ValueError(f"vectors={brief(table)} is not a table of word vectors, expected one of {', '.join(TABLES)}")
    if mmap and table == "sum":
        raise ValueError("vectors='sum' must be computed, so it cannot be mapped; leave out mmap=True")
    path = Path(path)
    arrays, facts = _mapped(path) if mmap else load_checkpoint(path)
    wanted = ["params.input", "params.output"] if table == "sum" else [f"params.{table}"]
    missing = [name for name in (*wanted, "vocabulary.bytes", "vocabulary.lengths") if name not in arrays]
    if missing:
        kind = facts.get("estimator", "an unknown model")
        if missing[0] == "params.output" and "params.input" in arrays:
            raise CheckpointError(f"{path} holds {kind} without output vectors; take vectors='input'")
        raise CheckpointError(f"{path} holds {kind}, which has no word vectors")
    vectors = arrays[wanted[0]] if table != "sum" else arrays["params.input"] + arrays["params.output"]
    try:
        words = unpack_words(arrays["vocabulary.bytes"], arrays["vocabulary.lengths"])
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error
    if vectors.ndim != 2 or len(words) != len(vectors):
        raise CheckpointError(f"{path} is damaged: {len(words)} words, but vectors of shape {vectors.shape}")
    return words, vectors, arrays.get("vocabulary.counts")


def _mapped(path: Path) -> tuple[dict[str, Host], dict[str, Any]]:
    """Arrays of a checkpoint, mapped from the file, and its metadata."""
    if not path.exists():
        raise FileNotFoundError(f"no checkpoint at {path}")
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            size = os.fstat(file.fileno()).st_size
            header = json.loads(file.read(length)) if length <= size - 8 else None
        facts = json.loads(header.pop("__metadata__")["portnn"])  # type: ignore[union-attr]
        arrays = {
            name: _map(path, NUMPY_DTYPES[entry["dtype"]], tuple(entry["shape"]), 8 + length, entry["data_offsets"])
            for name, entry in header.items()  # type: ignore[union-attr]
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} is not a portnn checkpoint, or is truncated or damaged") from error
    check_version(path, facts)
    return arrays, facts


def _map(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], start: int, offsets: tuple[int, int]) -> Host:
    """Map one array of a file; ValueError if its bytes do not fit its shape."""
    if 0 in shape:
        return np.empty(shape, dtype)
    first, end = offsets
    if end - first != np.prod(shape) * dtype.itemsize:
        raise ValueError(f"{end - first} bytes for shape {shape}")
    return np.memmap(path, dtype=dtype, mode="r", offset=start + first, shape=shape)
