"""Checkpoints: safetensors files with one JSON string of metadata, written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import textwrap
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors

FORMAT_VERSION = 2
"""Version 1 is that of portnn 0.1; `portnn.estimators.version_1` upgrades its facts."""

DTYPES = {
    "bool": "BOOL",
    **{f"uint{bits}": f"U{bits}" for bits in (8, 16, 32, 64)},
    **{f"int{bits}": f"I{bits}" for bits in (8, 16, 32, 64)},
    **{f"float{bits}": f"F{bits}" for bits in (16, 32, 64)},
}
"""safetensors' names of NumPy's dtypes."""

Arrays = dict[str, np.ndarray[Any, Any]]


class CheckpointError(ValueError):
    """A file is damaged or not a checkpoint of the kind expected. The message is one line and names the file."""


def save_checkpoint(path: str | os.PathLike[str], arrays: Arrays, facts: dict[str, Any]) -> None:
    """Write a checkpoint so that `path` holds either what it held before or all of the new one.

    Parameters
    ----------
    path : path-like
        It is written under a temporary name beside `path`, flushed to the disk, and renamed.
    arrays : dict of str to numpy array
    facts : dict
        Plain JSON types. A format version and a digest of everything are added.

    Raises
    ------
    TypeError
        If an array is of a dtype that the format does not have, or facts are not of JSON's types.
    OSError
        If the file cannot be written; the message is one line and names it.
    """
    path = Path(path)
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    for name, array in arrays.items():
        if array.dtype.name not in DTYPES:
            raise TypeError(f"cannot save {name} of dtype {array.dtype}; expected {', '.join(DTYPES)}")
    arrays = {name: array.astype(array.dtype.newbyteorder("<"), copy=False) for name, array in arrays.items()}
    facts = {"version": FORMAT_VERSION, **facts}
    facts["digest"] = _digest(arrays, facts)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("wb") as file:
                _write(file, arrays, {"portnn": json.dumps(facts)})
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise OSError(error.errno, f"cannot write checkpoint {path}: {error.strerror or error}") from error


def check_facts(facts: Any, name: str = "the checkpoint") -> None:
    """Refuse what a checkpoint could not record, before any work is done.

    Raises
    ------
    TypeError
        If something in the facts is not of JSON's types; the message says where.
    """
    if isinstance(facts, dict):
        for key, value in facts.items():
            if not isinstance(key, str):
                raise TypeError(f"{name} cannot record a key of type {type(key).__name__}")
            check_facts(value, f"{name}: {key}" if name == "the checkpoint" else f"{name}.{key}")
    elif isinstance(facts, list | tuple):
        for value in facts if not all(type(value) is str for value in facts) else ():
            check_facts(value, name)
    elif not isinstance(facts, str | int | float | None):
        raise TypeError(f"{name} is of type {type(facts).__name__}, which no checkpoint can record")


def load_checkpoint(path: str | os.PathLike[str]) -> tuple[Arrays, dict[str, Any]]:
    """Read a checkpoint onto the host and check it against its digest.

    Returns
    -------
    arrays : dict of str to numpy array
    facts : dict

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CheckpointError
        If the file is not a checkpoint, is damaged, or has a version that this portnn does not read.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no checkpoint at {path}")
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder, expected a checkpoint such as {path / 'last.safetensors'}")
    try:
        with safetensors.safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            facts = json.loads(metadata["portnn"]) if "portnn" in metadata else None
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (safetensors.SafetensorError, ValueError, TypeError, KeyError, RecursionError) as error:
        why = textwrap.shorten(str(error), 80, placeholder=" ...")  # it can hold all of the header
        raise CheckpointError(f"{path} is not a safetensors file, or is truncated or damaged: {why}") from error
    if not isinstance(facts, dict):
        raise CheckpointError(f"{path} is a safetensors file that portnn did not write")
    check_version(path, facts)
    digest = facts.pop("digest", None)
    if digest != _digest(arrays, facts):
        raise CheckpointError(f"{path} is damaged: its content does not match its digest")
    return arrays, facts


def check_version(path: Path, facts: dict[str, Any]) -> None:
    """Raise CheckpointError unless this portnn reads the format version of a checkpoint."""
    version = facts.get("version")
    if version not in range(1, FORMAT_VERSION + 1):
        raise CheckpointError(
            f"{path} has checkpoint format version {version!r}; this portnn reads versions 1 to {FORMAT_VERSION}"
        )


def _write(file: BinaryIO, arrays: Arrays, metadata: dict[str, str]) -> None:
    """Write a safetensors file piece by piece.

    The library's own function builds the whole file in memory, or writes to a file whose name it chooses, which a
    killed process would leave behind.
    """
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))  # so that every array is aligned
    header: dict[str, Any] = {"__metadata__": metadata}
    place = 0
    for name in order:
        array = arrays[name]
        end = place + array.nbytes
        header[name] = {"dtype": DTYPES[array.dtype.name], "shape": array.shape, "data_offsets": (place, end)}
        place = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for name in order:
        file.write(_buffer(arrays[name]))


def _buffer(array: np.ndarray[Any, Any]) -> memoryview:
    """Bytes of an array, copied only if it is not contiguous: tables can be larger than half the memory."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _digest(arrays: Arrays, facts: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(_buffer(array))
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    # The rename has to reach the disk, too. Not every system lets a folder be opened.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
