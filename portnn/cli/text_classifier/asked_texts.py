"""Texts to answer: those of standard input as they come, or those typed at a prompt."""

from __future__ import annotations

import codecs
import contextlib
import sys
from collections.abc import Iterator

from portnn.text.encodings import canonical_encoding

PROMPT = "> "
CHUNK = 1 << 16
"""Bytes that are read at a time, if there are so many."""


def piped(encoding: str) -> Iterator[list[str]]:
    """Lines of standard input, as many at a time as have come; a byte order mark of UTF-8 is left out.

    Raises
    ------
    OSError
        If this process has no standard input.
    ValueError
        If the encoding is unknown, or a line is not in it.
    """
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise OSError("this process has no standard input to read")
    encoding = canonical_encoding(encoding)
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)()
    rest, number = "", 1
    while True:
        chunk = stream.read1(CHUNK)
        try:
            rest += decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            before = rest + error.object[: error.start].decode(encoding, "replace")
            raise ValueError(
                f"standard input, line {number + before.count(chr(10))}: byte 0x{error.object[error.start]:02x} is not "
                f"{encoding}; state its --encoding (such as latin-1)"
            ) from None
        *lines, rest = rest.split("\n")
        if not chunk and rest:
            lines.append(rest)
        number += len(lines)
        if lines:
            yield [line.removesuffix("\r") for line in lines]
        if not chunk:
            return


def typed() -> Iterator[str]:
    """Lines typed at a prompt, until Ctrl-D.

    Raises
    ------
    KeyboardInterrupt
        At Ctrl-C, once the line has ended.
    """
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 (lets `input` edit a line, and remember earlier ones)
    sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        while True:
            yield _line()
    except EOFError:
        print(file=sys.stderr)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        raise


def _line() -> str:
    if sys.stdout.isatty():
        return input(PROMPT)
    # Answers go elsewhere, the prompt does not.
    print(PROMPT, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.removesuffix("\n")
