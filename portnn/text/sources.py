"""Sources of a corpus: text or bytes in memory, one file, several files, folders, what is piped into the process."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias, TypeVar

from portnn.settings import brief
from portnn.text.compression import compression, read_compressed
from portnn.text.encodings import CHUNK_BYTES, check_file, decode_chunks, read_bytes
from portnn.text.paths import files_in, quoted, refuse_path
from portnn.text.signatures import LENGTH
from portnn.text.standard_input import STDIN, read_standard_input
from portnn.text.tokenizers import Chunk

AnyChunk = TypeVar("AnyChunk", str, bytes, Chunk)

Progress: TypeAlias = Callable[[int, int], object]
"""Called with the bytes done and the total bytes."""

SourceLike: TypeAlias = str | bytes | os.PathLike[str] | Sequence[os.PathLike[str]]
"""A text itself, its bytes, a file or folder, or several of these to read in order; the path "-" is standard input."""


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
    span : tuple of (int, int), optional
        Where to start and stop reading, in the units of `size`, if not all is to be read; not in a compressed file.
    """

    name: str
    size: int
    held: Chunk | None
    stamp: tuple[str, int, int] | None
    span: tuple[int, int] | None = None

    @property
    def length(self) -> int:
        """How much of it is read, in the units of `size`."""
        return self.size if self.span is None else self.span[1] - self.span[0]

    def chunks(
        self, level: str, encoding: str, advance: Callable[[int], object], *, as_bytes: bool = True
    ) -> Iterator[Chunk]:
        """Pieces of the content, as bytes or text as `level` needs them; `advance` is called with what is read.

        A compressed file is decompressed if its suffix says so and, except at level byte, if its first bytes do.
        `as_bytes`: whether a message may suggest that level.
        """
        if isinstance(self.held, str):
            return _watched(slices(self.held if self.span is None else self.held[slice(*self.span)]), advance)
        raw = self._bytes(level != "byte", advance)
        return raw if level == "byte" else decode_chunks(raw, encoding, name=self.name, as_bytes=as_bytes)

    def changed(self) -> bool:
        """Whether the file has changed since the source was made."""
        return self.stamp is not None and self.stamp != _stamp(self.name, check_file(self.name))

    def _bytes(self, by_content: bool, advance: Callable[[int], object]) -> Iterator[bytes]:
        with self._open() as file:
            kind = compression(self.name, file.read(LENGTH) if by_content else b"")
            start, stop = (0, None) if self.span is None else self.span
            file.seek(start)
            if kind is not None:
                yield from read_compressed(self.name, file, kind, advance)
                return
            while chunk := file.read(CHUNK_BYTES if stop is None else min(CHUNK_BYTES, stop - file.tell())):
                advance(len(chunk))
                yield chunk

    def _open(self) -> IO[bytes]:
        if isinstance(self.held, bytes):
            return io.BytesIO(self.held)  # shares the bytes
        check_file(self.name)
        return open(self.name, "rb", buffering=0)


def open_sources(source: SourceLike) -> list[Source]:
    """Open a text or the files of a corpus.

    Parameters
    ----------
    source : str, bytes, path or sequence of paths
        A str is the text itself, bytes are the content of a file; paths name files and folders. A folder stands for
        all files in it and in its subfolders, in the order of their names, except those whose name starts with a dot.
        The path "-" is standard input.

    Returns
    -------
    list of Source
        At least one. A pipe, which can be read only once, has been read into memory.

    Raises
    ------
    TypeError
        If `source` is something else.
    ValueError
        If a text is the name of a file or folder, the sequence is empty, or a folder has no files.
    FileNotFoundError
        If a path does not exist.
    """
    if isinstance(source, str | bytes):
        refuse_path(source)
        return [Source("text" if isinstance(source, str) else "bytes", len(source), source, None)]
    if isinstance(source, os.PathLike):
        return _opened(source)
    if not isinstance(source, Iterable):
        raise TypeError(f"corpus: source is {type(source).__name__}; expected str, bytes, a path or paths")
    paths = list(source)
    for path in paths:
        if not isinstance(path, os.PathLike):
            what = f"the {type(path).__name__} {quoted(path)}" if isinstance(path, str | bytes) else brief(path)
            raise TypeError(f"corpus: {what} is not a path; a sequence holds files, each as pathlib.Path")
    if not paths:
        raise ValueError("corpus: the sequence of files is empty")
    if sum(os.fspath(path) == STDIN for path in paths) > 1:
        raise ValueError(f'corpus: "{STDIN}", standard input, can be read only once')
    return [opened for path in paths for opened in _opened(path)]


def name_of(source: SourceLike, opened: Sequence[Source]) -> str:
    """Name of a corpus: that of its folder, or of its first file and how many more there are."""
    path = source[0] if isinstance(source, list | tuple) and len(source) == 1 else source
    if isinstance(path, os.PathLike) and os.path.isdir(path):
        return Path(path).resolve().name
    more = len(opened) - 1
    return os.path.basename(opened[0].name) + (f" and {more} more" if more else "")


def _opened(path: os.PathLike[str]) -> list[Source]:
    if os.fspath(path) == STDIN:
        content = read_standard_input()
        return [Source("standard input", len(content), content, None)]
    return [_file(file) for file in files_in(Path(path))] if os.path.isdir(path) else [_file(path)]


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
