"""Sources of a corpus: text or bytes in memory, one file, several files."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from portnn.text.encodings import CHUNK_BYTES, check_file, decode_chunks, read_bytes
from portnn.text.tokenizers import Chunk

AnyChunk = TypeVar("AnyChunk", str, bytes, Chunk)

Progress: TypeAlias = Callable[[int, int], object]
"""Called with the bytes done and the total bytes."""

SourceLike: TypeAlias = str | bytes | os.PathLike[str] | Sequence[os.PathLike[str]]
"""A text itself, its bytes, a file, or files to read in order."""


@dataclass(frozen=True)
class Source:
    """A stream that can be read more than once.

    Parameters
    ----------
    name : str
        Name in error messages.
    size : int
        Size in bytes; for a text in memory, in characters.
    held : str, bytes or None
        The content, if it is in memory.
    stamp : tuple of (str, int, int) or None
        Absolute path, size and modification time in ns of a regular file.
    """

    name: str
    size: int
    held: Chunk | None
    stamp: tuple[str, int, int] | None

    def chunks(self, level: str, encoding: str, advance: Callable[[int], object]) -> Iterator[Chunk]:
        """Pieces of the content, as bytes or text as `level` needs them; `advance` is called for each."""
        if isinstance(self.held, str):
            return _watched(slices(self.held), advance)
        raw = _watched(read_bytes(self.name) if self.held is None else slices(self.held), advance)
        return raw if level == "byte" else decode_chunks(raw, encoding, name=self.name)

    def changed(self) -> bool:
        """Whether the file has changed since the source was made."""
        return self.stamp is not None and self.stamp != _stamp(self.name, check_file(self.name))


def open_sources(source: SourceLike) -> list[Source]:
    """Open a text or the files of a corpus.

    Parameters
    ----------
    source : str, bytes, path or sequence of paths
        A str is the text itself; paths name files.

    Returns
    -------
    list of Source
        At least one. A pipe, which can be read only once, has been read into memory.

    Raises
    ------
    TypeError
        If `source` is something else.
    ValueError
        If the sequence is empty.
    IsADirectoryError, FileNotFoundError
        If a path is a folder or does not exist.
    """
    if isinstance(source, str):
        return [Source("text", len(source), source, None)]
    if isinstance(source, bytes):
        return [Source("bytes", len(source), source, None)]
    if isinstance(source, os.PathLike):
        return [_file(source)]
    if not isinstance(source, Iterable):
        raise TypeError(f"corpus: source is {type(source).__name__}; expected str, bytes, a path or paths")
    paths = list(source)
    for path in paths:
        if not isinstance(path, os.PathLike):
            kind = type(path).__name__
            raise TypeError(f"corpus: the file {path!r} is {kind}; expected pathlib.Path")
    if not paths:
        raise ValueError("corpus: the sequence of files is empty")
    return [_file(path) for path in paths]


def _file(path: os.PathLike[str]) -> Source:
    name = os.fspath(path)
    facts = check_file(path)
    if stat.S_ISREG(facts.st_mode):
        return Source(name, facts.st_size, None, _stamp(name, facts))
    content = b"".join(read_bytes(path))
    return Source(name, len(content), content, None)


def _stamp(name: str, facts: os.stat_result) -> tuple[str, int, int]:
    return os.path.abspath(name), facts.st_size, facts.st_mtime_ns


def slices(held: AnyChunk) -> Iterator[AnyChunk]:
    """Cut content in memory into chunks, so that the result for each stays small."""
    return (held[start : start + CHUNK_BYTES] for start in range(0, len(held), CHUNK_BYTES))


def _watched(chunks: Iterable[AnyChunk], advance: Callable[[int], object]) -> Iterator[AnyChunk]:
    for chunk in chunks:
        advance(len(chunk))
        yield chunk
