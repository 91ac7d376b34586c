"""Bytes of a file to text, in pieces, by a given encoding.

The locale plays no part: the same file gives the same text on every machine.
"""

from __future__ import annotations

import codecs
import io
import os
import stat
from collections.abc import Iterable, Iterator

PathLike = os.PathLike[str] | str

CHUNK_BYTES = 1 << 20
_SUGGESTED = ("utf-8", "latin-1", "gb18030")


def canonical_encoding(encoding: str) -> str:
    """Python's canonical name of an encoding, the same for all its spellings.

    Parameters
    ----------
    encoding : str
        Any spelling that Python knows, such as ``"UTF8"``.

    Returns
    -------
    str
        The canonical name, such as ``"utf-8"``.

    Raises
    ------
    ValueError
        If no text encoding has that name.

    Examples
    --------
    >>> canonical_encoding("Latin1")
    'iso8859-1'
    """
    try:
        # Encoding an empty text rejects bytes-to-bytes codecs such as "hex", which codecs.lookup accepts.
        "".encode(encoding)
        return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise ValueError(f"unknown encoding {encoding!r}; known encodings include utf-8, latin-1 and gb18030") from None


def check_file(path: PathLike) -> os.stat_result:
    """Check that a file can be read as a corpus.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    os.stat_result
        Its status.

    Raises
    ------
    IsADirectoryError
        If it is a folder.
    FileNotFoundError
        If the file does not exist.
    """
    name = os.fspath(path)
    try:
        facts = os.stat(name)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f'corpus "{name}" does not exist') from None
    if stat.S_ISDIR(facts.st_mode):
        pattern = os.path.join(name, "*.txt")
        raise IsADirectoryError(f'corpus "{name}" is a folder; give the files in it, such as {pattern}')
    return facts


def read_bytes(path: PathLike, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Bytes of a file, unchanged, in pieces.

    Parameters
    ----------
    path : path
        The file.
    chunk_bytes : int
        Maximum size of a piece.

    Returns
    -------
    iterator of bytes
        The pieces, none of them empty. The file is open only while they are read.

    Raises
    ------
    IsADirectoryError, FileNotFoundError
        At the call, if `path` is a folder or does not exist.
    ValueError
        If `chunk_bytes` is less than 1.
    """
    if chunk_bytes < 1:
        raise ValueError(f"chunk_bytes is {chunk_bytes}; expected 1 or more")
    check_file(path)
    return _pieces(path, chunk_bytes)


def _pieces(path: PathLike, chunk_bytes: int) -> Iterator[bytes]:
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(chunk_bytes):
            yield chunk


def read_text(path: PathLike, encoding: str = "utf-8", chunk_bytes: int = CHUNK_BYTES) -> Iterator[str]:
    r"""Text of a file, in pieces.

    A leading byte order mark is dropped; Windows and old Mac line endings become ``"\n"``.

    Parameters
    ----------
    path : path
        The file.
    encoding : str
        Encoding of the bytes.
    chunk_bytes : int
        Maximum number of bytes read at a time.

    Returns
    -------
    iterator of str
        The pieces, none of them empty, cut at arbitrary positions.

    Raises
    ------
    IsADirectoryError, FileNotFoundError
        At the call, if `path` is a folder or does not exist.
    ValueError
        At the call, if the encoding is unknown; while reading, if bytes are not in the encoding: the message gives the
        offset of the first one from the start of the file.
    """
    canonical_encoding(encoding)
    return decode_chunks(read_bytes(path, chunk_bytes), encoding, name=os.fspath(path))


def decode_chunks(
    chunks: Iterable[bytes], encoding: str = "utf-8", *, name: str = "bytes", as_bytes: bool = True
) -> Iterator[str]:
    r"""Decode a stream of bytes, which may be cut inside a character or a line ending.

    Parameters
    ----------
    chunks : iterable of bytes
        The stream.
    encoding : str
        Encoding of the bytes.
    name : str
        Name of the stream in error messages.
    as_bytes : bool
        Whether an error message may suggest reading the stream as bytes instead.

    Yields
    ------
    str
        The next piece of text, never empty.

    Raises
    ------
    ValueError
        If the encoding is unknown or bytes are not in the encoding.

    Examples
    --------
    >>> "".join(decode_chunks([b"\xc3", b"\xa9\r", b"\n"]))
    'é\n'
    """
    canonical_encoding(encoding)
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)("strict"), translate=True)
    taken = 0
    at_start = True
    for chunk in _then_end(chunks):
        taken += len(chunk)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            # error.object holds the bytes kept from earlier chunks and those of this one, so it ends at the last byte
            # taken, wherever the chunks were cut.
            offset = taken - len(error.object) + error.start
            raise ValueError(_not_in_encoding(name, error.object[error.start], offset, encoding, as_bytes)) from None
        except UnicodeError:
            # Python's utf-16 and utf-32 streams require a mark, where bytes.decode guesses the byte order.
            raise ValueError(
                f"{name}: {encoding} without a byte order mark; choose {encoding}-le or {encoding}-be"
            ) from None
        if at_start and text:
            text = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
            at_start = False
        if text:
            yield text


def _then_end(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks that are not empty, and then an empty one that tells a decoder of the end."""
    for chunk in chunks:
        if chunk:
            yield chunk
    yield b""


def _not_in_encoding(name: str, byte: int, offset: int, encoding: str, as_bytes: bool) -> str:
    tried = canonical_encoding(encoding)
    others = [other for other in _SUGGESTED if canonical_encoding(other) != tried]
    bytes_too = ", or read the file as bytes with --level byte" if as_bytes else ""
    return (
        f"{name}: byte 0x{byte:02x} at offset {offset} is not {encoding}; choose another --encoding "
        f"(such as {others[-2]} or {others[-1]}){bytes_too}"
    )
