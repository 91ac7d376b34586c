"""Captions in files of text, and what is said about lines that are none."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
from itertools import islice

import pytest

from portnn.images import CaptionFile
from portnn.images.caption_files import SAMPLE

pytestmark = pytest.mark.host

TEXT = "2\ta dog in the snow\n\n0\ttwo cats\n   \n2\tein Hündchen\n"
READ = [(1, 2, "a dog in the snow"), (3, 0, "two cats"), (5, 2, "ein Hündchen")]


@pytest.fixture
def write(tmp_path):
    """Write a file of captions."""

    def written(content, name="captions.tsv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


def said(path, **options) -> str:
    """What is said about a file, after its name."""
    with pytest.raises(ValueError, match=r"captions\.tsv") as caught:
        list(CaptionFile(path, **options).read())
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    return message.removeprefix(str(path)).removeprefix(": ").strip()


def test_lines_rows_and_captions(write) -> None:
    path = write(TEXT)
    captions = CaptionFile(path)
    assert list(captions.read()) == READ
    assert list(captions.read()) == READ
    assert (captions.name, captions.size) == (str(path), len(TEXT.encode()))
    assert captions.place(3) == f"{path}: line 3"
    assert repr(captions) == f"CaptionFile({str(path)!r})"
    assert list(CaptionFile(str(path)).read()) == READ


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_and_a_last_line_without_one(write, end) -> None:
    assert list(CaptionFile(write(TEXT.replace("\n", end).removesuffix(end))).read()) == READ


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_takes_precedence(write, encoding) -> None:
    assert list(CaptionFile(write(TEXT.encode(encoding))).read()) == READ
    assert list(CaptionFile(write(TEXT.encode(encoding)), encoding="latin-1").read()) == READ


def test_encodings(write) -> None:
    path = write(TEXT.encode("latin-1"))
    assert list(CaptionFile(path, encoding="Latin1").read()) == READ
    assert said(path).startswith("line 5: byte 0xfc is not utf-8; if it is text, state its --encoding")
    assert said(write("0\ta dog\n".encode("utf-16-le"))).startswith("has NUL characters, so it is no text in utf-8")
    with pytest.raises(ValueError, match="unknown encoding 'utf-9'"):
        CaptionFile(path, encoding="utf-9")


@pytest.mark.parametrize(("suffix", "module"), [(".gz", gzip), (".bz2", bz2), (".xz", lzma)])
@pytest.mark.parametrize("named", [True, False])
def test_compressed_files(write, suffix, module, named) -> None:
    data = module.compress(TEXT.encode())
    captions = CaptionFile(write(data, f"captions.tsv{suffix if named else ''}"))
    done = []
    assert list(captions.read(done.append)) == READ
    assert sum(done) == captions.size == len(data)
    assert "damaged" in said(write(data[:-8], f"captions.tsv{suffix}"))


def test_standard_input_is_read_as_often_as_needed(monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    captions = CaptionFile("-")
    assert [list(captions.read()) for _ in range(2)] == [READ, READ]
    assert captions.place(3) == "standard input: line 3"
    assert captions.size == len(TEXT.encode())


def test_captions_are_read_a_little_at_a_time(write) -> None:
    count, caption = 3000, 300 * "a dog "
    captions = CaptionFile(write("".join(f"{row}\t{caption}\n" for row in range(count))))
    done = []
    reading = captions.read(done.append)
    assert list(islice(reading, 2)) == [(1, 0, caption.strip()), (2, 1, caption.strip())]
    assert 0 < sum(done) < captions.size / 2
    assert sum(1 for _ in reading) == count - 2
    assert sum(done) == captions.size
    assert len(done) > 2


def test_spaces_and_quotes(write) -> None:
    text = '0\t  a dog \n 1 \ta "good" dog\n2\t"a ""good"" dog"\n3\t"good" and "bad"\n007\t7\n'
    assert [(row, caption) for _, row, caption in CaptionFile(write(text)).read()] == [
        (0, "a dog"),
        (1, 'a "good" dog'),
        (2, 'a "good" dog'),
        (3, '"good" and "bad"'),
        (7, "7"),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 a dog", "has no tab; a line is the number of a row of the features, a tab, the caption"),
        ("dog.jpg\ta dog", "begins with 'dog.jpg', which is not the number of a row; rows of the features are"),
        ("1.0\ta dog", "begins with '1.0', which is not the number of a row; rows of the features are numbered from 0"),
        ("1_0\ta dog", "begins with '1_0', which"),
        ("٣\ta dog", "begins with '٣', which"),
        ("\ta dog", "begins with '', which"),
        ("9" * 5000 + "\ta dog", "begins with '9999"),
        ("-1\ta dog", "is of row -1; rows of the features are numbered from 0"),
        ("1\t", "has no words"),
        ("1\t \u3000", "has no words"),
        ('1\t""', "has no words"),
        ("1\ta dog\tdog.jpg", "has 2 tabs; a line is the number of a row of the features, a tab, the caption"),
    ],
)
def test_lines_that_are_no_captions(write, line, message) -> None:
    assert said(write(f"0\ta cat\n\n{line}\n1\ta cat\n")).startswith(f"line 3 {message}")


def test_a_fault_far_down_is_found_when_it_is_reached(write) -> None:
    far = SAMPLE + 50
    captions = CaptionFile(write("0\ta cat\n" * (far - 1) + "1\t\n"))
    with pytest.raises(ValueError, match=rf"captions\.tsv: line {far} has no words$"):
        list(captions.read())


@pytest.mark.parametrize("content", [b"", b"\n\r\n  \n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_empty_files(write, content) -> None:
    assert said(write(content)).startswith("is empty; a line is the number of a row of the features, a tab")


def test_files_that_are_not_there_or_change(tmp_path, write) -> None:
    with pytest.raises(FileNotFoundError, match=r"captions\.tsv"):
        CaptionFile(tmp_path / "captions.tsv")
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        CaptionFile(tmp_path)
    with pytest.raises(TypeError, match="path must be a path, got 3"):
        CaptionFile(3)
    path = write(TEXT)
    captions = CaptionFile(path)
    os.truncate(path, 4)
    with pytest.raises(OSError, match="changed since it was opened"):
        list(captions.read())
