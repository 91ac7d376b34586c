from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import portnn.text.cache as cache_module
import portnn.text.corpus as corpus_module
from portnn.text import LEVELS, Corpus, Vocabulary, read_corpus
from portnn.text.sources import open_sources

TEXT = "the cat, the hat\n我来到北京清华大学 the\U0001f600é cat\n" * 3


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_bytes(TEXT.encode())
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Cache folder of the environment; the user's own is out of reach."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("PORTNN_CACHE", str(folder))
    return folder


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one name for each stream that is encoded."""
    streams: list[str] = []
    plain = Vocabulary.encode_stream

    def watched(self: Vocabulary, chunks: Iterable[str], *, noun: str = "text") -> Iterator[Any]:
        streams.append(noun)
        return plain(self, chunks, noun=noun)

    monkeypatch.setattr(Vocabulary, "encode_stream", watched)
    return streams


@pytest.mark.parametrize("level", LEVELS)
def test_in_memory_and_on_disk_are_the_same(level: str, book: Path, cache: Path) -> None:
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
    assert memory.vocabulary == Vocabulary.from_text(TEXT, level)
    assert memory.vocabulary.decode(disk.ids) == TEXT


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
def test_files_by_a_stated_encoding(encoding: str, level: str, tmp_path: Path) -> None:
    text = "中文 字\r\n文 x\r" * 5
    (tmp_path / "x").write_bytes(text.encode(encoding))
    corpus = read_corpus(tmp_path / "x", encoding=encoding, level=level)
    assert corpus.vocabulary.decode(corpus.ids) == "中文 字\n文 x\n" * 5


def test_level_byte_takes_any_file_as_it_is(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfa\r\n\xff\xfe\x00"
    (tmp_path / "x").write_bytes(data)
    assert read_corpus(tmp_path / "x", level="byte").ids.tobytes() == data
    assert read_corpus(tmp_path / "x", level="byte", memory_limit=0, cache_dir=tmp_path).ids.tobytes() == data


@pytest.mark.parametrize("limit", [0, 1 << 20])
def test_files_follow_each_other_and_words_do_not_join(limit: int, tmp_path: Path, cache: Path) -> None:
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


def test_chunks_of_a_long_text_are_whole(tmp_path: Path) -> None:
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
def test_a_given_vocabulary_is_followed(limit: int, tmp_path: Path, cache: Path) -> None:
    known = Vocabulary("char", ("z", "b", "a"))
    path = tmp_path / "x"
    path.write_text("aaab", encoding="utf-8")
    corpus = read_corpus(path, vocabulary=known, memory_limit=limit)
    assert corpus.ids.tolist() == [2, 2, 2, 1]
    assert corpus.vocabulary == known
    path.write_text("bb", encoding="utf-8")  # one distinct character is enough to evaluate
    assert read_corpus(path, vocabulary=known, memory_limit=limit).ids.tolist() == [1, 1]
    path.write_text("aéb", encoding="utf-8")
    with pytest.raises(ValueError, match=r"never saw") as caught:
        read_corpus(path, vocabulary=known, memory_limit=limit)
    assert str(caught.value) == f"{path} has characters the model never saw: 'é' (U+00E9)"
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
    with pytest.raises(IsADirectoryError, match=r"is a folder; give the files in it, such as .*\*\.txt$"):
        read_corpus(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"does not exist$"):
        read_corpus([tmp_path / "no"])
    with pytest.raises(TypeError, match=r"^corpus: 'a.txt' among the files is str; expected pathlib.Path$"):
        read_corpus(["a.txt"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"^corpus: source is int; expected str, bytes, a path or paths$"):
        read_corpus(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^corpus: the sequence of files is empty$"):
        read_corpus([])
    with pytest.raises(ValueError, match=r"^unknown encoding 'utf-9'"):
        read_corpus("ab", encoding="utf-9")
    with pytest.raises(ValueError, match=r"^level is 'letter'; expected one of"):
        read_corpus("ab", level="letter")


def test_wrong_bytes_leave_no_entry(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc\xe9")
    with pytest.raises(ValueError, match=r"byte 0xe9 at offset 3 is not utf-8"):
        read_corpus(path, memory_limit=0)
    assert list(cache.iterdir()) == []


def test_second_read_encodes_nothing(book: Path, cache: Path, encoded: list[str]) -> None:
    read_corpus(book, memory_limit=0)
    assert encoded == [str(book)]
    assert sorted(path.suffix for path in cache.iterdir()) == [".json", ".npy"]
    calls: list[tuple[int, int]] = []
    read_corpus(book, memory_limit=0, progress=lambda *done: calls.append(done))
    assert encoded == [str(book)]
    assert calls == [(2 * book.stat().st_size,) * 2]


def test_relative_and_absolute_paths_are_the_same_file(
    book: Path, cache: Path, encoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_corpus(book, memory_limit=0)
    monkeypatch.chdir(book.parent)
    read_corpus(Path("book.txt"), memory_limit=0)
    assert len(encoded) == 1


@pytest.mark.parametrize("touch_only", [False, True])
def test_a_changed_file_is_encoded_again(touch_only: bool, book: Path, cache: Path, encoded: list[str]) -> None:
    read_corpus(book, memory_limit=0)
    facts = book.stat()
    text = TEXT if touch_only else TEXT.replace("hat", "mat")
    book.write_bytes(text.encode())
    os.utime(book, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1000))
    corpus = read_corpus(book, memory_limit=0)
    assert len(encoded) == 2
    assert corpus.vocabulary.decode(corpus.ids) == text


@pytest.mark.parametrize(
    "other",
    [
        {"level": "word"},
        {"level": "byte"},
        {"encoding": "gb18030"},
        {"min_count": 2},
        {"vocabulary": Vocabulary.from_text(TEXT)},
    ],
    ids=["word", "byte", "encoding", "min_count", "vocabulary"],
)
def test_whatever_changes_the_ids_is_another_entry(
    other: dict[str, Any], tmp_path: Path, cache: Path, encoded: list[str]
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"the cat the hat")
    read_corpus(path, memory_limit=0)
    read_corpus(path, memory_limit=0, **other)
    assert len(encoded) == 2


@pytest.mark.parametrize("damage", ["short", "long", "header", "json", "gone", "facts", "level", "dtype"])
def test_a_damaged_entry_is_made_again(damage: str, book: Path, cache: Path, encoded: list[str]) -> None:
    read_corpus(book, memory_limit=0)
    (ids,) = cache.glob("*.npy")
    (facts,) = cache.glob("*.json")
    data = ids.read_bytes()
    if damage == "short":
        ids.write_bytes(data[:-1])
    elif damage == "long":
        ids.write_bytes(data + b"\0")
    elif damage == "header":
        ids.write_bytes(b"\0" * len(data))
    elif damage == "json":
        facts.write_bytes(facts.read_bytes()[:-5])
    elif damage == "gone":
        ids.unlink()
    elif damage == "facts":
        facts.write_text("[]", encoding="utf-8")
    elif damage == "level":
        facts.write_text(json.dumps({"bytes": len(data), "vocabulary": {"level": "x"}}), encoding="utf-8")
    else:
        np.save(ids, np.zeros(3, np.uint16))
        known = json.loads(facts.read_bytes())["vocabulary"]
        changed = {"bytes": ids.stat().st_size, "vocabulary": known}
        facts.write_text(json.dumps(changed), encoding="utf-8")
    corpus = read_corpus(book, memory_limit=0)
    assert len(encoded) == 2
    assert corpus.vocabulary.decode(corpus.ids) == TEXT
    read_corpus(book, memory_limit=0)
    assert len(encoded) == 2


def test_a_kill_at_any_rename_leaves_nothing_that_is_taken_for_whole(
    book: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, encoded: list[str]
) -> None:
    replace = os.replace
    for allowed in (0, 1):
        done = 0

        def killed(source: str, target: str, allowed: int = allowed) -> None:
            nonlocal done
            if done == allowed:
                raise KeyboardInterrupt
            done += 1
            replace(source, target)

        monkeypatch.setattr(cache_module.os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            read_corpus(book, memory_limit=0)
        assert not [*cache.glob("*.json"), *cache.glob(".*")]
    monkeypatch.setattr(cache_module.os, "replace", replace)
    encoded.clear()
    assert read_corpus(book, memory_limit=0).ids.size == len(TEXT)
    assert encoded


def test_forgotten_temporary_files_are_swept(book: Path, cache: Path) -> None:
    cache.mkdir()
    old, new = cache / ".old.part", cache / ".new.part"
    for path in (old, new):
        path.write_bytes(b"")
    os.utime(old, (0, 0))
    read_corpus(book, memory_limit=0)
    assert (old.exists(), new.exists()) == (False, True)


def test_a_file_that_changes_while_it_is_read(book: Path, cache: Path) -> None:
    def grow(done: int, total: int) -> None:
        if done == total:
            os.utime(book, (1, 1))

    for limit in (0, 1 << 20):
        book.write_bytes(TEXT.encode())
        with pytest.raises(OSError, match=r"book\.txt changed while it was read; read it again$"):
            read_corpus(book, memory_limit=limit, progress=grow)
    assert list(cache.iterdir()) == []


def test_cache_folder_is_the_argument_then_the_environment_then_the_users(
    book: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_corpus(book, memory_limit=0, cache_dir=tmp_path / "mine")
    assert (len(list((tmp_path / "mine").iterdir())), cache.exists()) == (2, False)
    read_corpus(book, memory_limit=0)
    assert len(list(cache.iterdir())) == 2
    monkeypatch.delenv("PORTNN_CACHE")
    monkeypatch.setattr(cache_module.platformdirs, "user_cache_dir", lambda name: str(tmp_path / "user" / name))
    read_corpus(book, memory_limit=0)
    assert len(list((tmp_path / "user" / "portnn").iterdir())) == 2


def test_a_cache_folder_that_cannot_be_written(book: Path, encoded: list[str]) -> None:
    blocked = book / "cache"  # below a file nothing can be made, whoever runs the tests
    with pytest.raises(OSError, match=r"^cannot write to the cache folder") as caught:
        read_corpus(book, memory_limit=0, cache_dir=blocked)
    assert f'"{blocked}"' in str(caught.value)
    assert str(caught.value).endswith("; name another in the environment variable PORTNN_CACHE")
    assert "\n" not in str(caught.value)
    assert encoded == []


def test_a_full_disk_is_told_and_leaves_nothing(book: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache_module.os, "fsync", full)
    with pytest.raises(OSError, match=r"^cannot write .* \(No space left on device\); name another"):
        read_corpus(book, memory_limit=0)
    assert list(cache.iterdir()) == []


def test_small_sources_touch_no_cache(book: Path, cache: Path) -> None:
    read_corpus(book)
    read_corpus(TEXT, memory_limit=0)
    assert not cache.exists()
    assert corpus_module.MEMORY_LIMIT == 64 << 20


def test_a_missing_rjieba_is_told_on_the_way_to_the_cache(
    book: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setitem(sys.modules, "rjieba", None)
    monkeypatch.setattr(importlib.metadata, "version", absent)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "portnn\[chinese\]"$'):
        read_corpus(book, level="jieba", memory_limit=0)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_read_once(tmp_path: Path, cache: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # Daemons: should nobody read the pipe, they wait for ever, and the tests need not.
    threading.Thread(target=pipe.write_bytes, args=(TEXT.encode(),), daemon=True).start()
    (source,) = open_sources(pipe)
    assert (source.held, source.stamp) == (TEXT.encode(), None)
    threading.Thread(target=pipe.write_bytes, args=(TEXT.encode(),), daemon=True).start()
    corpus = read_corpus(pipe, memory_limit=0)
    assert corpus.vocabulary.decode(corpus.ids) == TEXT


def test_progress_counts_every_pass(book: Path, cache: Path) -> None:
    size = book.stat().st_size
    for limit in (0, 1 << 20):
        calls: list[tuple[int, int]] = []
        read_corpus(book, memory_limit=limit, progress=lambda *done: calls.append(done))  # noqa: B023
        assert calls == [(size, 2 * size), (2 * size, 2 * size)]
    calls = []
    read_corpus(book, vocabulary=Vocabulary.from_text(TEXT), progress=lambda *done: calls.append(done))
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
        with pytest.raises(ValueError, match=r"^held_out is .*; expected a fraction, 0 or more and less than 1$"):
            corpus.split(wrong)
    with pytest.raises(ValueError, match=r"^held_out is 0\.999; of 100 tokens that leaves none to train on$"):
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
