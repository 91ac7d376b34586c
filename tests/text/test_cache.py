"""The cache of encoded corpora: valid, damaged and unwritable entries."""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import portnn.text.cache as cache_module
import portnn.text.cache_folder as cache_folder_module
import portnn.text.corpus as corpus_module
from portnn.text import Vocabulary, read_corpus


def test_undecodable_bytes_leave_no_entry(tmp_path: Path, cache: Path) -> None:
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
def test_a_changed_file_is_encoded_again(
    touch_only: bool, book: Path, cache: Path, encoded: list[str], text: str
) -> None:
    read_corpus(book, memory_limit=0)
    facts = book.stat()
    changed = text if touch_only else text.replace("hat", "mat")
    book.write_bytes(changed.encode())
    os.utime(book, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1000))
    corpus = read_corpus(book, memory_limit=0)
    assert len(encoded) == 2
    assert corpus.vocabulary.decode(corpus.ids) == changed


@pytest.mark.parametrize(
    "other",
    [
        {"level": "word"},
        {"level": "byte"},
        {"encoding": "gb18030"},
        {"min_count": 2},
        {"vocabulary": Vocabulary.from_text("the cat hat")},
    ],
    ids=["word", "byte", "encoding", "min_count", "vocabulary"],
)
def test_options_that_change_the_ids_make_another_entry(
    other: dict[str, Any], tmp_path: Path, cache: Path, encoded: list[str]
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"the cat the hat")
    read_corpus(path, memory_limit=0)
    read_corpus(path, memory_limit=0, **other)
    assert len(encoded) == 2


@pytest.mark.parametrize("damage", ["short", "long", "header", "json", "gone", "facts", "level", "dtype"])
def test_a_damaged_entry_is_rebuilt(damage: str, book: Path, cache: Path, encoded: list[str], text: str) -> None:
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
    assert corpus.vocabulary.decode(corpus.ids) == text
    read_corpus(book, memory_limit=0)
    assert len(encoded) == 2


def test_a_kill_at_any_rename_leaves_no_valid_entry(
    book: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, encoded: list[str], text: str
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
    assert read_corpus(book, memory_limit=0).ids.size == len(text)
    assert encoded


def test_abandoned_temporary_files_are_removed(book: Path, cache: Path) -> None:
    cache.mkdir()
    old, new = cache / ".old.part", cache / ".new.part"
    for path in (old, new):
        path.write_bytes(b"")
    os.utime(old, (0, 0))
    read_corpus(book, memory_limit=0)
    assert (old.exists(), new.exists()) == (False, True)


def test_a_file_that_changes_while_it_is_read(book: Path, cache: Path, text: str) -> None:
    def grow(done: int, total: int) -> None:
        if done == total:
            os.utime(book, (1, 1))

    for limit in (0, 1 << 20):
        book.write_bytes(text.encode())
        with pytest.raises(OSError, match=r"book\.txt changed while it was read; read it again$"):
            read_corpus(book, memory_limit=limit, progress=grow)
    assert list(cache.iterdir()) == []


def test_cache_folder_from_the_argument_the_environment_or_the_user(
    book: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_corpus(book, memory_limit=0, cache_dir=tmp_path / "mine")
    assert (len(list((tmp_path / "mine").iterdir())), cache.exists()) == (2, False)
    read_corpus(book, memory_limit=0)
    assert len(list(cache.iterdir())) == 2
    monkeypatch.delenv("PORTNN_CACHE")
    monkeypatch.setattr(cache_folder_module.platformdirs, "user_cache_dir", lambda name: str(tmp_path / "user" / name))
    read_corpus(book, memory_limit=0)
    assert len(list((tmp_path / "user" / "portnn").iterdir())) == 2


def test_a_cache_folder_that_cannot_be_written(book: Path, encoded: list[str]) -> None:
    blocked = book / "cache"  # nothing can be created below a file, not even by root
    with pytest.raises(OSError, match=r"^cannot write to the cache folder") as caught:
        read_corpus(book, memory_limit=0, cache_dir=blocked)
    assert f'"{blocked}"' in str(caught.value)
    assert str(caught.value).endswith("; set the environment variable PORTNN_CACHE to another folder")
    assert "\n" not in str(caught.value)
    assert encoded == []


def test_a_full_disk_is_reported_and_leaves_no_entry(book: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache_module.os, "fsync", full)
    with pytest.raises(OSError, match=r"^cannot write .* \(No space left on device\); set the environment variable"):
        read_corpus(book, memory_limit=0)
    assert list(cache.iterdir()) == []


def test_small_sources_do_not_use_the_cache(book: Path, cache: Path, text: str) -> None:
    read_corpus(book)
    read_corpus(text, memory_limit=0)
    assert not cache.exists()
    assert corpus_module.MEMORY_LIMIT == 64 << 20


def test_a_missing_rjieba_is_reported_before_the_cache_is_used(
    book: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setitem(sys.modules, "rjieba", None)
    monkeypatch.setattr(importlib.metadata, "version", absent)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "portnn\[chinese\]"$'):
        read_corpus(book, level="jieba", memory_limit=0)
