"""Content of a file of text: its bytes, plain or compressed, as often as they are needed, and the text they encode."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, TypeAlias

from portnn.settings import brief_fields
from portnn.text.compression import compression, open_bytes
from portnn.text.encodings import CHUNK_BYTES
from portnn.text.signatures import LENGTH, encoding_of, kind_of
from portnn.text.standard_input import STDIN, read_standard_input

Source: TypeAlias = str | os.PathLike[str] | BinaryIO
"""A path, or an open binary file."""

Advance: TypeAlias = Callable[[int], object]
"""Called with the number of bytes read since the last call."""


def opened(source: Source) -> Source:
    """Open what is piped into the process, which can be read only once; other sources are returned as they are."""
    if not isinstance(source, str | os.PathLike) or os.fspath(source) != STDIN:
        return source
    content = io.BytesIO(read_standard_input())
    content.name = "standard input"
    return content


def name_of(source: Source) -> str:
    """Name of a source for messages."""
    return os.fspath(source) if isinstance(source, str | os.PathLike) else str(getattr(source, "name", "the file"))


@dataclass(frozen=True)
class Content:
    """Bytes of a file, which are read from the beginning every time; those of a pipe are held in memory.

    Attributes
    ----------
    name : str
        Name in messages; the path of a file that is not held.
    size : int
        Number of bytes before any decompression.
    held : bytes or None
        What can be read only once.
    stamp : tuple of int or None
        Size and modification time of a file that is not held.
    kind : str or None
        Suffix of its kind of compression.
    head : bytes
        The first bytes after decompression.
    """

    name: str
    size: int
    held: bytes | None
    stamp: tuple[int, int] | None
    kind: str | None
    head: bytes = b""

    def __repr__(self) -> str:
        return brief_fields(self)

    @classmethod
    def of(cls, source: Source) -> Content:
        """Content of a path or of an open binary file; its suffix or its first bytes say whether it is compressed.

        Raises
        ------
        OSError
            If the file does not exist or is a folder.
        ValueError
            If it is compressed and damaged at its beginning.
        """
        name = name_of(source)
        if not isinstance(source, str | os.PathLike):
            return cls._held(name, source.read())
        with open(name, "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                return cls._held(name, file.read())
            return cls(name, facts.st_size, None, stamp_of(facts), compression(name, file.read(LENGTH)))._headed()

    @classmethod
    def _held(cls, name: str, data: bytes) -> Content:
        return cls(name, len(data), data, None, compression(name, data[:LENGTH]))._headed()

    def _headed(self) -> Content:
        with self.open() as file:
            head = file.read(LENGTH)
        return Content(self.name, self.size, self.held, self.stamp, self.kind, head)

    def encoding(self, stated: str) -> str:
        """Encoding that a byte order mark stands for, or else the one stated."""
        return encoding_of(self.head) or stated

    @contextlib.contextmanager
    def open(self, advance: Advance | None = None) -> Iterator[IO[bytes]]:
        """Bytes from the beginning, decompressed; `advance` is called with the bytes read before decompression.

        Raises
        ------
        OSError
            If the file cannot be read, or has changed.
        ValueError
            Inside the block, if the data is damaged.
        """
        with io.BytesIO(self.held) if self.held is not None else open(self.name, "rb", buffering=0) as raw:
            if self.stamp is not None and stamp_of(os.fstat(raw.fileno())) != self.stamp:
                raise OSError(f"{self.name} changed since it was opened; read it again")
            watched = io.BufferedReader(_Watched(raw, advance or _ignore), CHUNK_BYTES)
            with (
                contextlib.nullcontext(watched)
                if self.kind is None
                else open_bytes(self.name, like=self.kind, raw=watched)
            ) as file:
                yield file

    @contextlib.contextmanager
    def text(self, encoding: str, advance: Advance | None = None) -> Iterator[io.TextIOWrapper]:
        """Text from the beginning, with its own line ends and without a byte order mark.

        Raises
        ------
        OSError
            As `open` does.
        ValueError
            Inside the block, if the bytes are not in the encoding or damaged.
        """
        try:
            with self.open(advance) as file, io.TextIOWrapper(file, encoding, newline="") as text:
                if encoding_of(self.head) == encoding:
                    text.read(1)
                yield text
        except UnicodeError:
            raise ValueError(self._not_in_encoding(encoding)) from None

    def check_text(self, lines: Iterable[str], encoding: str) -> None:
        """Raise ValueError if there are NUL characters in some lines, as in a binary file."""
        if any("\0" in line for line in lines):
            raise ValueError(
                f"{self.name} has NUL characters, so it is no text in {encoding}; UTF-16 needs --encoding utf-16-le"
            )

    def _not_in_encoding(self, encoding: str) -> str:
        """Message for a file that is not in an encoding: the place of the first fault, and what to do."""
        kind = kind_of(self.head)
        if kind is not None:
            return f"{self.name} is {kind}, not text"
        decoder = codecs.getincrementaldecoder(encoding)()
        line = 1
        with self.open() as file:
            try:
                for chunk in iter(lambda: file.read(CHUNK_BYTES), b""):
                    line += decoder.decode(chunk).count("\n")
                decoder.decode(b"", final=True)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].decode(encoding, "replace").count("\n")
                fault = f"line {line}: byte 0x{error.object[error.start]:02x} is not {encoding}"
            except UnicodeError:  # a stream needs the mark that `decode` can do without
                return f"{self.name} has no byte order mark; state --encoding {encoding}-le or {encoding}-be"
        return f"{self.name}: {fault}; if it is text, state its --encoding (such as latin-1)"


class _Watched(io.RawIOBase):
    """A file that reports what is read from it."""

    def __init__(self, raw: Any, advance: Advance) -> None:
        self._raw, self._advance = raw, advance

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return int(self._raw.seek(offset, whence))

    def readinto(self, buffer: Any) -> int:
        count = int(self._raw.readinto(buffer))
        self._advance(count)
        return count


def stamp_of(facts: os.stat_result) -> tuple[int, int]:
    """What changes when a file is written."""
    return facts.st_size, facts.st_mtime_ns


def _ignore(count: int) -> None:
    """Report progress to nobody."""
