"""Bytes of a file to text, in pieces, by a given encoding.

The locale plays no part: the same file gives the same text on every machine.
"""

from __future__ import annotations

import codecs
import io
import os
import stat
from collections.abc import Iterable, Iterator
from itertools import chain

from portnn.settings import brief
from portnn.text.signatures import encoding_of, kind_of

PathLike = os.PathLike[str] | str

CHUNK_BYTES = 1 << 20
_MARK = 4  # bytes of the longest byte order mark
_SEEN = 1000
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
        raise ValueError(
            f"unknown encoding {brief(encoding)}; known encodings include utf-8, latin-1 and gb18030"
        ) from None


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

    If the file begins with the byte order mark of UTF-8, UTF-16 or UTF-32, that is its encoding, and the mark is
    dropped; Windows and old Mac line endings become ``"\n"``.

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

    If it begins with the byte order mark of UTF-8, UTF-16 or UTF-32, that is its encoding.

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
    head, chunks = _headed(chunks)
    marked = encoding_of(head)
    if marked is not None and canonical_encoding(encoding) not in (marked, f"{marked}-sig"):
        encoding = marked
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
            fault = f"{name}: byte 0x{error.object[error.start]:02x} at offset {offset} is not {encoding}"
            raise ValueError(f"{fault}; {_advice(head, encoding, as_bytes)}") from None
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


def _headed(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes of a stream, and the whole stream."""
    rest = iter(chunks)
    head = b""
    for chunk in rest:
        head += chunk
        if len(head) >= _MARK:
            break
    return head[:_SEEN], chain((head,), rest)


def _advice(head: bytes, encoding: str, as_bytes: bool) -> str:
    """What to do about bytes that are not in the encoding."""
    if encoding_of(head) in (encoding, canonical_encoding(encoding)):
        return f"it begins with the mark of {encoding}, so it is damaged or goes on in another encoding"
    kind = kind_of(head)
    if kind is not None:
        return f"the file is {kind}: unpack it, or export its text"
    if b"\0" in head:
        wide = "utf-16-be" if head.find(b"\0") % 2 == 0 else "utf-16-le"
        return f"it has zero bytes, as {wide} does; choose that with --encoding if it is a text"
    tried = canonical_encoding(encoding)
    others = [other for other in _SUGGESTED if canonical_encoding(other) != tried]
    bytes_too = ", or read the file as bytes with --level byte" if as_bytes else ""
    return f"choose another --encoding (such as {others[-2]} or {others[-1]}){bytes_too}"
