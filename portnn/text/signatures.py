"""What the first bytes of a file say: how it is compressed, in which encoding it is, or that it is no text at all."""

from __future__ import annotations

import codecs

LENGTH = 10
"""Number of bytes that are enough to tell."""

_COMPRESSED = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\0": ".xz"}
_BZIP2_BLOCK = b"1AY&SY"

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before that of UTF-16, with which it begins
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}

_NO_TEXT = {
    b"PK\x03\x04": "a zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"\x04\x22\x4d\x18": "compressed with lz4",
    b"%PDF-": "a PDF",
}


def compression_of(head: bytes) -> str | None:
    """Suffix of the kind of compression, .gz, .bz2 or .xz; None for other data."""
    suffix = _matching(head, _COMPRESSED)
    return None if suffix == ".bz2" and head[4:10] != _BZIP2_BLOCK else suffix


def encoding_of(head: bytes) -> str | None:
    """Encoding whose byte order mark comes first, or None."""
    return _matching(head, _MARKS)


def kind_of(head: bytes) -> str | None:
    """What a file is that holds no plain text, or None if that is not known."""
    suffix = compression_of(head)
    return _matching(head, _NO_TEXT) if suffix is None else f"compressed as a {suffix} file"


def _matching(head: bytes, known: dict[bytes, str]) -> str | None:
    return next((meaning for start, meaning in known.items() if head.startswith(start)), None)
