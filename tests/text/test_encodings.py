from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

import pytest

from portnn.text import decode_chunks, read_bytes, read_text

SAMPLE = "né 我\U0001f600\r\nold\rmac\r\r\n\U00020000end\r"
PLAIN = "né 我\U0001f600\nold\nmac\n\n\U00020000end\n"
LATIN = "caf\xe9\r\n\xff\rx"
UNICODE = ["utf-8", "UTF8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7"]


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """All ways to cut the bytes in two, and single bytes."""
    for place in range(len(data) + 1):
        yield [data[:place], data[place:]]
    yield [bytes((value,)) for value in data]


@pytest.mark.parametrize("encoding", UNICODE)
def test_text_is_the_same_wherever_the_bytes_are_cut(encoding: str) -> None:
    for chunks in cuts(SAMPLE.encode(encoding)):
        assert "".join(decode_chunks(chunks, encoding)) == PLAIN


@pytest.mark.parametrize(("encoding", "text"), [("latin-1", LATIN), ("gbk", "中文\r\n字"), ("cp1252", "\u20ac\r\n")])
def test_national_encodings(encoding: str, text: str) -> None:
    for chunks in cuts(text.encode(encoding)):
        assert "".join(decode_chunks(chunks, encoding)) == text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16-be", "utf-16", "utf-32"])
def test_leading_byte_order_mark_is_dropped_and_others_are_kept(encoding: str) -> None:
    mark = "" if encoding in ("utf-16", "utf-32") else "\ufeff"  # the codec itself writes one
    for chunks in cuts((mark + "a\ufeffb").encode(encoding)):
        assert "".join(decode_chunks(chunks, encoding)) == "a\ufeffb"


def test_mark_alone_is_an_empty_text() -> None:
    assert list(decode_chunks([codecs.BOM_UTF8])) == []


BAD = [
    ("utf-8", "ab é我".encode() + b"\xe9x"),
    ("utf-8", "我".encode()[:2]),
    ("utf-8", b"abc\xf0\x9f\x98"),
    ("utf-8", b"\xef\xbb\xbfab\xff"),
    ("utf-8-sig", b"\xef\xbb\xbfab\xffcd"),
    ("utf-8", b"a\r\n\xed\xa0\x80z"),
    ("gb18030", "中文a".encode("gb18030") + b"\xff\x20bc"),
    ("gb18030", "中\U0001f600".encode("gb18030")[:-1]),
    ("gbk", "中文".encode("gbk") + b"\x81"),
    ("utf-16-le", "ab\U0001f600".encode("utf-16-le")[:-1]),
    ("utf-16-le", "ab".encode("utf-16-le") + b"\x00\xdcxy"),
    ("ascii", b"abc\r\n\xc3"),
]


@pytest.mark.parametrize(("encoding", "data"), BAD)
def test_an_invalid_byte_is_reported_with_its_offset_wherever_the_bytes_are_cut(encoding: str, data: bytes) -> None:
    with pytest.raises(UnicodeDecodeError) as whole:
        data.decode(encoding.removesuffix("-sig"))
    start = whole.value.start
    for chunks in cuts(data):
        with pytest.raises(ValueError, match=r"is not") as caught:
            list(decode_chunks(chunks, encoding, name="corpus.txt"))
        expected = f"corpus.txt: byte 0x{data[start]:02x} at offset {start} is not {encoding}; "
        assert str(caught.value).startswith(expected)


def test_the_message_suggests_encodings(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"x" * 1234 + b"\xe9t\xe9")
    with pytest.raises(ValueError, match=r"offset") as caught:
        list(read_text(path, chunk_bytes=100))
    assert str(caught.value) == (
        f"{path}: byte 0xe9 at offset 1234 is not utf-8; choose another --encoding (such as latin-1 or "
        "gb18030), or read the file as bytes with --level byte"
    )
    with pytest.raises(ValueError, match=r"\(such as utf-8 or latin-1\)"):
        list(decode_chunks([b"\xff\xff"], "GB18030"))


def test_text_before_an_invalid_byte_is_returned() -> None:
    stream = decode_chunks([b"good", b"\xff"])
    assert next(stream) == "good"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_missing_mark_is_not_guessed(encoding: str) -> None:
    with pytest.raises(ValueError, match=f"^bytes: {encoding} without .*; choose {encoding}-le or {encoding}-be$"):
        list(decode_chunks(["abcd".encode(encoding + "-le")], encoding))


@pytest.mark.parametrize("encoding", ["utf-9", "hex", "rot13", "", "locale", "a\0b"])
def test_an_unknown_encoding_raises_at_the_call(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"^unknown encoding") as caught:
        read_text(path, encoding)
    assert repr(encoding) in str(caught.value)


@pytest.mark.parametrize("size", [1, 2, 3, 1 << 20])
def test_files_are_read_in_chunks(tmp_path: Path, size: int) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(SAMPLE.encode())
    assert "".join(read_text(path, chunk_bytes=size)) == PLAIN
    pieces = list(read_bytes(path, size))
    assert b"".join(pieces) == SAMPLE.encode()
    assert max(map(len, pieces)) <= size
    assert "".join(read_text(str(path), chunk_bytes=size)) == PLAIN


def test_the_locale_plays_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locale.getpreferredencoding", lambda *_: pytest.fail("asked the locale"))
    (tmp_path / "x").write_bytes("é".encode())
    assert list(read_text(tmp_path / "x")) == ["é"]


@pytest.mark.parametrize("read", [read_text, read_bytes])
def test_a_folder_or_missing_file_raises_at_the_call(read, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(IsADirectoryError) as folder:
        read(tmp_path)
    assert str(folder.value) == (f'corpus "{tmp_path}" is a folder; give the files in it, such as {tmp_path / "*.txt"}')
    with pytest.raises(FileNotFoundError) as missing:
        read(tmp_path / "no.txt")
    assert str(missing.value) == f'corpus "{tmp_path / "no.txt"}" does not exist'
    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"does not exist$"):
        read(tmp_path / "f" / "x")


def test_chunk_size_is_checked(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"a")
    with pytest.raises(ValueError, match=r"^chunk_bytes is 0; expected 1 or more$"):
        read_bytes(tmp_path / "x", 0)
