"""Content of a CSV file: its bytes, from a plain or compressed file or a pipe, and the text that they encode."""

from __future__ import annotations

import io
import os
from typing import BinaryIO, TypeAlias

from portnn.text.compression import open_bytes
from portnn.text.signatures import LENGTH, compression_of, encoding_of

Source: TypeAlias = str | os.PathLike[str] | BinaryIO
"""A path, or an open binary file."""

COMPRESSED = (".gz", ".bz2", ".xz")


def name_of(source: Source) -> str:
    """Name of a source for messages."""
    return os.fspath(source) if isinstance(source, str | os.PathLike) else str(getattr(source, "name", "the file"))


def read_content(source: Source) -> bytes:
    """Content of a file; what its suffix or its first bytes call compressed is decompressed."""
    name = name_of(source)
    if isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:
            data = file.read()
    else:
        data = source.read()
    suffix = os.path.splitext(name)[1].lower()
    kind = suffix if suffix in COMPRESSED else compression_of(data[:LENGTH])
    if kind is None:
        return data
    with open_bytes(name, like=f"file{kind}", raw=io.BytesIO(data)) as plain:
        return plain.read()


def marked_encoding(data: bytes, stated: str) -> str:
    """Encoding that a byte order mark stands for, or else the one stated."""
    return encoding_of(data[:LENGTH]) or stated


def open_text(data: bytes, encoding: str) -> io.TextIOWrapper:
    """Text of some bytes, with its own line ends and without a byte order mark."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding, newline="")
    if encoding_of(data[:LENGTH]) == encoding:
        text.read(1)
    return text


def not_in_encoding(name: str, data: bytes, encoding: str) -> str:
    """Message for a file that is not in an encoding: the place of the first fault, and what to do."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fault = f"line {line}: byte 0x{data[error.start]:02x} is not {encoding}"
    except UnicodeError as error:
        fault = str(error)
    else:  # a stream needs the mark that `decode` can do without
        return f"{name} has no byte order mark; state --encoding {encoding}-le or {encoding}-be"
    return f"{name}: {fault}; if it is a CSV file, state its --encoding (such as latin-1)"
