"""Texts from any source as ids."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from portnn.text import LEVELS, Corpus, Vocabulary, read_corpus
from portnn.text.sources import open_sources


@pytest.mark.parametrize("level", LEVELS)
def test_ids_in_memory_equal_those_on_disk(level: str, book: Path, cache: Path, text: str) -> None:
    memory = read_corpus(book, level=level)
    disk = read_corpus(book, level=level, memory_limit=0)
    again = read_corpus(book, level=level, memory_limit=0)
    assert not isinstance(memory.ids, np.memmap)
    for each in (disk, again):
        assert isinstance(each.ids, np.memmap)
        assert each.ids.dtype == memory.ids.dtype == np.uint8
        assert each.ids.tolist() == memory.ids.tolist()
        assert each.vocabulary == memory.vocabulary
        assert each.name == memory.name == "book.txt"
        assert len(each) == memory.ids.size
        assert not each.ids.flags.writeable
    assert not memory.ids.flags.writeable
    assert memory.vocabulary == Vocabulary.from_text(text, level)
    assert memory.vocabulary.decode(disk.ids) == text


def test_str_is_the_text_and_bytes_are_decoded(book: Path) -> None:
    assert read_corpus("book.txt").vocabulary.decode(read_corpus("book.txt").ids) == "book.txt"
    windows = "é\r\nb".encode("utf-16")
    content = read_corpus(windows, encoding="utf-16")
    assert content.vocabulary.decode(content.ids) == "é\nb"
    assert read_corpus("a\r\nb").vocabulary.tokens == ("\n", "\r", "a", "b")
    raw = read_corpus(b"\xff\x00\r\n", level="byte")
    assert raw.ids.tolist() == [255, 0, 13, 10]
    assert (raw.name, read_corpus("ab").name) == ("bytes", "text")


@pytest.mark.parametrize(("encoding", "level"), [("gb18030", "char"), ("utf-16", "jieba"), ("gbk", "word")])
def test_files_in_a_given_encoding(encoding: str, level: str, tmp_path: Path) -> None:
    text = "中文 字\r\n文 x\r" * 5
    (tmp_path / "x").write_bytes(text.encode(encoding))
    corpus = read_corpus(tmp_path / "x", encoding=encoding, level=level)
    assert corpus.vocabulary.decode(corpus.ids) == "中文 字\n文 x\n" * 5


def test_level_byte_reads_any_file_unchanged(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfa\r\n\xff\xfe\x00"
    (tmp_path / "x").write_bytes(data)
    assert read_corpus(tmp_path / "x", level="byte").ids.tobytes() == data
    assert read_corpus(tmp_path / "x", level="byte", memory_limit=0, cache_dir=tmp_path).ids.tobytes() == data


@pytest.mark.parametrize("limit", [0, 1 << 20])
def test_files_are_read_in_order_and_words_do_not_span_them(limit: int, tmp_path: Path, cache: Path) -> None:
    paths = [tmp_path / "a.txt", tmp_path / "b.txt", tmp_path / "c.txt"]
    for path, data in zip(paths, [b"\xef\xbb\xbfone two", b"\xef\xbb\xbfthree", b""], strict=True):
        path.write_bytes(data)
    corpus = read_corpus(paths, level="word", memory_limit=limit)
    assert [corpus.vocabulary.decode([i]) for i in corpus.ids] == ["one", " two", "three"]
    assert corpus.name == "a.txt and 2 more"
    assert read_corpus(iter(paths[:1]), level="word").name == "a.txt"  # type: ignore[arg-type]
    turned = read_corpus([paths[1], paths[0]], level="word", memory_limit=limit)
    assert turned.vocabulary.decode(turned.ids) == "threeone two"


@pytest.mark.parametrize(("count", "dtype"), [(256, np.uint8), (257, np.uint16), (70000, np.uint32)])
def test_smallest_dtype(count: int, dtype: type) -> None:
    text = "".join(map(chr, range(0x10000, 0x10000 + count)))
    assert read_corpus(text).ids.dtype == dtype


def test_a_long_text_survives_chunking(tmp_path: Path) -> None:
    text = "".join(np.random.default_rng(0).choice(list("abc é我\n"), 1_300_000))
    (tmp_path / "x").write_bytes(text.encode())
    for source in (text, tmp_path / "x"):
        corpus = read_corpus(source)
        assert corpus.vocabulary.decode(corpus.ids) == text


def test_min_count(book: Path) -> None:
    corpus = read_corpus("aaabbc", min_count=2)
    assert corpus.ids.tolist() == [0, 0, 0, 1, 1, 2]
    assert corpus.vocabulary.unknown_id == 2
    with pytest.raises(ValueError, match=r"^min_count 9 drops every character; the highest .* is 3$"):
        read_corpus("aaabbc", min_count=9)
    with pytest.raises(TypeError, match=r"^min_count is 1\.5; expected a whole number"):
        read_corpus("aaabbc", min_count=1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^min_count is -1; expected 1 or more$"):
        read_corpus("aaabbc", min_count=-1)


@pytest.mark.parametrize("limit", [0, 1 << 20])
def test_a_given_vocabulary_is_used(limit: int, tmp_path: Path, cache: Path) -> None:
    known = Vocabulary("char", ("z", "b", "a"))
    path = tmp_path / "x"
    path.write_text("aaab", encoding="utf-8")
    corpus = read_corpus(path, vocabulary=known, memory_limit=limit)
    assert corpus.ids.tolist() == [2, 2, 2, 1]
    assert corpus.vocabulary == known
    path.write_text("bb", encoding="utf-8")  # one distinct character is enough to evaluate
    assert read_corpus(path, vocabulary=known, memory_limit=limit).ids.tolist() == [1, 1]
    path.write_text("aéb", encoding="utf-8")
    with pytest.raises(ValueError, match=r"has never seen") as caught:
        read_corpus(path, vocabulary=known, memory_limit=limit)
    assert str(caught.value) == f"{path} has characters that the model has never seen: 'é' (U+00E9)"
    lenient = Vocabulary("char", ("a", "b"), unknown=True)
    assert read_corpus(path, vocabulary=lenient, memory_limit=limit).ids.tolist() == [0, 2, 1]


def test_level_comes_from_the_vocabulary() -> None:
    words = Vocabulary.from_text("a b", "word")
    assert read_corpus("a b", vocabulary=words).ids.tolist() == [1, 0]
    assert read_corpus("a b", level="word", vocabulary=words).ids.tolist() == [1, 0]
    with pytest.raises(ValueError, match=r"^level is 'char', but the vocabulary is of level 'word'$"):
        read_corpus("a b", level="char", vocabulary=words)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("limit", [-1, 1 << 20])
def test_empty(level: str, limit: int, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    for source in ("", b"", tmp_path / "x", [tmp_path / "x"]):
        with pytest.raises(ValueError, match=r"^corpus is empty$"):
            read_corpus(source, level=level, memory_limit=limit)
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbf")
    for vocabulary in (None, Vocabulary.from_text("ab", level)):
        if level != "byte":
            with pytest.raises(ValueError, match=r"^corpus is empty$"):
                read_corpus(tmp_path / "x", level=level, vocabulary=vocabulary, memory_limit=limit)


@pytest.mark.parametrize(
    ("level", "text", "what"),
    [
        ("char", "aaa", r"character \('a'\)"),
        ("byte", "aaa", r"byte \(0x61\)"),
        ("word", "ab", r"word \('ab'\)"),
        ("jieba", "\n\n", r"word \('\\n'\)"),
    ],
)
def test_one_distinct_token(level: str, text: str, what: str) -> None:
    with pytest.raises(ValueError, match=f"^corpus has one distinct {what}; there is nothing to learn$"):
        read_corpus(text, level=level)


def test_wrong_sources(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is a folder without files$"):
        read_corpus(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"does not exist$"):
        read_corpus([tmp_path / "no"])
    with pytest.raises(TypeError, match=r"^corpus: the str 'a.txt' is not a path; a sequence holds files"):
        read_corpus(["a.txt"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"^corpus: source is int; expected str, bytes, a path or paths$"):
        read_corpus(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^corpus: the sequence of files is empty$"):
        read_corpus([])
    with pytest.raises(ValueError, match=r"^unknown encoding 'utf-9'"):
        read_corpus("ab", encoding="utf-9")
    with pytest.raises(ValueError, match=r"^level is 'letter'; expected one of"):
        read_corpus("ab", level="letter")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_read_once(tmp_path: Path, cache: Path, text: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # Daemons, so that the tests end even if nobody reads the pipe.
    threading.Thread(target=pipe.write_bytes, args=(text.encode(),), daemon=True).start()
    (source,) = open_sources(pipe)
    assert (source.held, source.stamp) == (text.encode(), None)
    threading.Thread(target=pipe.write_bytes, args=(text.encode(),), daemon=True).start()
    corpus = read_corpus(pipe, memory_limit=0)
    assert corpus.vocabulary.decode(corpus.ids) == text


def test_progress_counts_every_pass(book: Path, cache: Path, text: str) -> None:
    size = book.stat().st_size
    for limit in (0, 1 << 20):
        calls: list[tuple[int, int]] = []
        read_corpus(book, memory_limit=limit, progress=lambda *done: calls.append(done))  # noqa: B023
        assert calls == [(size, 2 * size), (2 * size, 2 * size)]
    calls = []
    read_corpus(book, vocabulary=Vocabulary.from_text(text), progress=lambda *done: calls.append(done))
    assert calls == [(size, size)]


def test_split() -> None:
    corpus = read_corpus("ab" * 50)
    train, held_out = corpus.split()
    assert (train.size, held_out.size) == (95, 5)
    assert np.shares_memory(train, corpus.ids)
    assert np.shares_memory(held_out, corpus.ids)
    assert np.concatenate([train, held_out]).tolist() == corpus.ids.tolist()
    assert [part.size for part in corpus.split(0)] == [100, 0]
    assert [part.size for part in corpus.split(0.29)] == [71, 29]
    for wrong in (-0.1, 1.0, 1.5, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"^held_out must be in \[0, 1\), got "):
            corpus.split(wrong)
    with pytest.raises(ValueError, match=r"^held_out is 0\.999, which leaves none of 100 tokens to train on$"):
        corpus.split(0.999)


def test_release_keeps_the_ids(book: Path, cache: Path) -> None:
    for limit in (0, 1 << 20):
        corpus = read_corpus(book, memory_limit=limit)
        before = corpus.ids.tolist()
        corpus.release()
        assert corpus.ids.tolist() == before


def test_corpus_checks_its_ids() -> None:
    known = Vocabulary.from_text("ab")
    with pytest.raises(TypeError, match=r"^corpus: ids have dtype int64; expected unsigned integers$"):
        Corpus(np.zeros(3, np.int64), known)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^corpus: ids have shape \(2, 2\); expected one axis$"):
        Corpus(np.zeros((2, 2), np.uint8), known)
