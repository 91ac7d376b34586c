"""Where a text comes from: what is taken for a file, compressed and marked files, folders, standard input."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import os
import sys
from pathlib import Path

import pytest

import portnn
from portnn.text import LEVELS, Phrases, Sentences, as_sentences, count_words, encode_words, read_corpus
from portnn.text.sources import open_sources

pytestmark = pytest.mark.host

TEXT = "the café, a film\nto be or not to be\n" * 40
COMPRESSED = [(".gz", gzip.compress), (".bz2", bz2.compress), (".XZ", lzma.compress)]
MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


def text_of(source, **options) -> str:
    corpus = read_corpus(source, **options)
    return corpus.vocabulary.decode(corpus.ids)


@pytest.fixture
def piped(monkeypatch):
    """Let standard input hold bytes."""

    def put(data: bytes, *, terminal: bool = False) -> None:
        stream = io.BytesIO(data)
        stream.isatty = lambda: terminal  # type: ignore[method-assign]
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))

    return put


@pytest.fixture
def small():
    model = portnn.CharRNN("gru", 4)
    return model.fit(TEXT, steps=1, batch_size=2, seq_length=9, progress=False)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_text_that_names_a_file_is_refused_wherever_text_goes(kind, tmp_path, monkeypatch, small) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "book.txt"
    path.write_text("a film") if kind == "file" else path.mkdir()
    words = portnn.Word2Vec(vector_size=2, min_count=1, sample=0).fit([["a", "b"]] * 9, steps=1, progress=False)
    vocabulary = words.vocabulary
    for take in (
        read_corpus,
        Sentences,
        count_words,
        Phrases,
        small.evaluate,
        lambda text: small.fit(text, steps=1, progress=False),
        lambda text: encode_words(text, vocabulary),
        lambda text: words.fit(text, steps=1, progress=False),
        words.evaluate,
        lambda text: Phrases("a b", min_count=1).joined(text),
    ):
        for text in ("book.txt", str(path), os.path.join(".", "book.txt")):
            with pytest.raises(ValueError, match=rf"^source is the text '.*', which names a {kind}; give pathlib.Path"):
                take(text)
    for data in (b"book.txt", os.fsencode(path)):
        with pytest.raises(ValueError, match=rf"^source is the text b'.*', which names a {kind}; give pathlib.Path"):
            read_corpus(data)
    with pytest.raises(TypeError, match=r"^corpus: the str 'book.txt' is not a path; a sequence holds files"):
        small.evaluate(["book.txt"])


@pytest.mark.parametrize("text", ["x y" * 100_000, "a\0b", "a\ud800b", "book.txt\n", "~nobody/x", "\n" * 5000 + "a"])
def test_a_text_that_cannot_be_a_name_is_a_text(text) -> None:
    assert text_of(text) == text


def test_no_message_holds_the_text(small) -> None:
    long = "to be or not " * 20_000
    for take, source in (
        (small.evaluate, [long]),
        (read_corpus, [long]),
        (read_corpus, [long.encode()]),
        (lambda s: list(Sentences(s)), [long]),
        (count_words, [long]),
        (count_words, [[long, 3]]),
        (count_words, [[[long]]]),
        (lambda s: read_corpus("abab", level=s), long),
        (lambda s: read_corpus("abab", encoding=s), long),
        (lambda s: read_corpus("abab", min_count=s), long),
        (lambda s: Sentences("a b", level=s), long),
        (lambda s: Phrases("a b", delimiter=s), [long]),
        (lambda s: Phrases("a b", threshold=s), long),
        (lambda s: count_words("a b", s), long),
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            take(source)
        assert len(str(caught.value)) < 400, str(caught.value)[:1000]
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("suffix", "compress"), COMPRESSED)
def test_compressed_files_are_read_as_what_they_hold(suffix, compress, tmp_path, small) -> None:
    plain = tmp_path / "book.txt"
    plain.write_text(TEXT, encoding="utf-8")
    named, unnamed = tmp_path / f"book{suffix}", tmp_path / "book"
    for path in (named, unnamed):
        path.write_bytes(compress(TEXT.encode()))
    for level in LEVELS:
        expected = read_corpus(plain, level=level).ids.tolist()
        assert read_corpus(named, level=level).ids.tolist() == expected
        assert read_corpus(named, level=level, memory_limit=0, cache_dir=tmp_path / level).ids.tolist() == expected
        if level != "byte":
            for source in (unnamed, unnamed.read_bytes()):
                assert read_corpus(source, level=level).ids.tolist() == expected
    assert read_corpus(unnamed, level="byte").ids.tobytes() == unnamed.read_bytes()
    assert small.evaluate(named) == small.evaluate(plain)
    assert list(Sentences(unnamed)) == list(Sentences(named)) == list(Sentences(TEXT))
    done: list[int] = []
    read_corpus(named, progress=lambda count, total: done.append(count / total))
    assert done == sorted(done)
    assert done[-1] == 1
    for level in ("char", "byte"):
        named.write_bytes(compress(TEXT.encode())[:-9])
        with pytest.raises(ValueError, match=rf"book{suffix}: damaged {suffix.lower()} file"):
            read_corpus(named, level=level)


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("given", ["utf-8", "latin-1", "gb18030", "utf-16"])
def test_a_byte_order_mark_decides(mark, given, tmp_path) -> None:
    data = MARKS[mark] + TEXT.encode(mark)
    path = tmp_path / "book"
    path.write_bytes(data)
    for source in (data, path):
        assert text_of(source, encoding=given) == TEXT
    assert list(Sentences(path, encoding=given)) == list(Sentences(TEXT))
    path.write_bytes(gzip.compress(data))
    assert text_of(path, encoding=given) == TEXT
    assert read_corpus(data, level="byte").ids.tobytes() == data


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (b"PK\x03\x04\xff\xff" + b"x" * 9, "the file is a zip archive: unpack it, or export its text"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 9, "the file is compressed with zstd: unpack it, or export its text"),
        (b"%PDF-1.4 \xff", "the file is a PDF: unpack it, or export its text"),
        (
            "né à".encode("utf-16-le"),
            "it has zero bytes, as utf-16-le does; choose that with --encoding if it is a text",
        ),
        (
            "né à".encode("utf-16-be"),
            "it has zero bytes, as utf-16-be does; choose that with --encoding if it is a text",
        ),
        (codecs.BOM_UTF16_LE + b"a\0\0\xdcb\0", "it begins with the mark of utf-16-le, so it is damaged"),
        (codecs.BOM_UTF8 + b"a\xe9b", "it begins with the mark of utf-8, so it is damaged"),
        (b"caf\xe9", "choose another --encoding (such as latin-1 or gb18030)"),
    ],
)
def test_latin_1_is_advised_only_where_it_can_help(data, advice, tmp_path) -> None:
    (tmp_path / "book").write_bytes(data)
    with pytest.raises(ValueError, match="is not utf-") as caught:
        read_corpus(tmp_path / "book")
    assert advice in str(caught.value)
    assert ("latin-1" in str(caught.value)) == advice.startswith("choose")


def test_a_folder_is_a_corpus(tmp_path, small) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "z.txt").write_text("to be\n")
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"not\n"))
    (tmp_path / "a.txt").write_text("or\n")
    (tmp_path / ".hidden").write_text("?\n")
    files = [tmp_path / "a.txt", tmp_path / "b" / "z.txt", tmp_path / "c.txt.gz"]
    for source in (tmp_path, [tmp_path], files):
        assert text_of(source) == "or\nto be\nnot\n"
        assert small.evaluate(source) == small.evaluate("or\nto be\nnot\n")
        assert list(Sentences(source)) == [["or"], ["to", "be"], ["not"]]
    assert read_corpus(tmp_path).name == Sentences([tmp_path]).name == tmp_path.name
    assert text_of([tmp_path / "b", tmp_path / "a.txt"]) == "to be\nor\n"
    (tmp_path / "d").mkdir()
    with pytest.raises(ValueError, match=r'^corpus ".*d" is a folder without files$'):
        small.evaluate(tmp_path / "d")


def test_standard_input(piped, small, capsys, tmp_path) -> None:
    for data in (TEXT.encode(), gzip.compress(TEXT.encode()), codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be")):
        piped(data)
        assert text_of(Path("-")) == TEXT
        piped(data)
        assert list(Sentences(Path("-"))) == list(Sentences(TEXT))
        piped(data)
        assert small.evaluate([Path("-")]) == small.evaluate(TEXT)
    piped(b"one")
    (tmp_path / "a.txt").write_text("two")
    assert text_of([tmp_path / "a.txt", Path("-")]) == "twoone"
    assert capsys.readouterr().err == ""
    piped(b"", terminal=True)
    with pytest.raises(ValueError, match=r"^corpus is empty$"):
        read_corpus(Path("-"))
    assert capsys.readouterr().err.startswith("reading what you type; Ctrl-")
    with pytest.raises(ValueError, match=r'^corpus: "-", standard input, can be read only once$'):
        read_corpus([Path("-"), Path("-")])


@pytest.mark.parametrize("stdin", [None, io.StringIO("text")])
def test_a_process_without_standard_input(stdin, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(OSError, match=r"^this process has no standard input to read$"):
        read_corpus(Path("-"))


def test_the_same_standard_input_continues_a_run(piped, tmp_path) -> None:
    settings = {"batch_size": 2, "seq_length": 9, "progress": False, "out": tmp_path / "run"}
    for steps in (2, 4):
        piped(TEXT.encode())
        model = portnn.CharRNN("gru", 4).fit(Path("-"), steps=steps, resume=True, **settings)
    assert model.history.step == 4
    piped(TEXT[::-1].encode())
    with pytest.raises(portnn.CheckpointError, match=r"^cannot resume: standard input is not the text trained on"):
        portnn.CharRNN("gru", 4).fit(Path("-"), steps=6, resume=True, **settings)


def test_sources_are_named(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("a")
    assert [source.name for source in open_sources(tmp_path / "a.txt")] == [str(tmp_path / "a.txt")]


def test_messages_do_not_hold_the_text():
    text = "once upon a time " * 10
    for refused in ([text], [text, Path("book.txt")]):
        with pytest.raises(TypeError, match=r"^corpus: the str of length 170 is not a path; a sequence holds files"):
            open_sources(refused)
    with pytest.raises(
        TypeError, match=r"^each sentence must be a list of words, got the str of length 170: split it$"
    ):
        list(as_sentences([text]).read())
