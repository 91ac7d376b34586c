"""What the cache of encoded corpora holds, and what is removed from it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

import portnn.text.cache_folder as cache_folder_module
from portnn.text import read_corpus
from portnn.text.cache_folder import cache_limit, cache_use, clear_cache, sweep

pytestmark = pytest.mark.host

DAY = 24 * 3600


@pytest.fixture
def filled(tmp_path: Path, cache: Path) -> Path:
    """A cache of three corpora, of 3000, 2000 and 1000 ids, used 100, 50 and 0 days ago."""
    ages: dict[Path, int] = {}
    for name, size, days in (("old", 3000, 100), ("middle", 2000, 50), ("new", 1000, 0)):
        (tmp_path / name).write_text("ab" * (size // 2))
        read_corpus(tmp_path / name, memory_limit=0)
        ages |= {path: days for path in cache.iterdir() if path not in ages}
    for path, days in ages.items():
        os.utime(path, (time.time() - days * DAY,) * 2)
    return cache


def sizes(folder: Path) -> list[int]:
    return sorted(np.load(path).size for path in folder.glob("*.npy"))


def test_what_was_not_used_for_long_is_removed(filled: Path) -> None:
    (filled / "mine.txt").write_text("kept")
    sweep(filled)
    assert sizes(filled) == [1000, 2000]
    assert len(list(filled.glob("*.json"))) == 2
    assert (filled / "mine.txt").exists()


@pytest.mark.parametrize(("limit", "left"), [(10_000, [1000, 2000]), (4000, [1000, 2000]), (2500, [1000]), (0, [1000])])
def test_what_was_not_used_for_longest_is_removed_while_there_is_too_much(filled, limit, left) -> None:
    """What has just been used stays: a process may be about to open it."""
    sweep(filled, limit)
    assert sizes(filled) == left


def test_writing_a_corpus_sweeps(filled: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PORTNN_CACHE_SIZE", "2K")
    (tmp_path / "fourth").write_text("ab" * 250)
    read_corpus(tmp_path / "fourth", memory_limit=0)
    assert sizes(filled) == [500, 1000]


def test_reading_keeps_an_entry(filled: Path, tmp_path: Path) -> None:
    read_corpus(tmp_path / "old", memory_limit=0)
    sweep(filled, 4500)
    assert sizes(filled) == [1000, 3000]


def test_ids_stay_usable_after_they_are_removed(filled: Path, tmp_path: Path) -> None:
    corpus = read_corpus(tmp_path / "new", memory_limit=0)
    removed = clear_cache()
    if os.name == "posix":
        assert (removed.corpora, cache_use().corpora, cache_use().bytes) == (3, 0, 0)
        assert list(filled.iterdir()) == []
    assert corpus.vocabulary.decode(corpus.ids) == "ab" * 500
    assert read_corpus(tmp_path / "new", memory_limit=0).ids.tolist() == corpus.ids.tolist()


def test_a_file_that_the_system_keeps_stays_a_whole_entry(filled: Path, monkeypatch) -> None:
    def refuse(self: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "unlink", refuse)
    sweep(filled, 0)
    assert clear_cache().corpora == 0
    assert cache_use().corpora == 3
    assert len(list(filled.glob("*.json"))) == 3


def test_an_entry_that_is_being_written_stays(cache: Path) -> None:
    cache.mkdir()
    for name in (".new.part", "corpus-1.npy"):
        (cache / name).write_bytes(b"12345")
    assert cache_use() == (cache, 1, 10)
    sweep(cache, 0)
    clear_cache()
    assert cache_use() == (cache, 1, 10)
    assert cache_use(cache / "none") == (cache / "none", 0, 0)


def test_the_limit_from_the_environment(monkeypatch, cache) -> None:
    monkeypatch.delenv("PORTNN_CACHE_SIZE", raising=False)
    assert cache_limit() == cache_folder_module.KEPT_BYTES
    for written, limit in (("0", 0), ("1000", 1000), ("500M", 500 << 20), (" 20g ", 20 << 30), ("1T", 1 << 40)):
        monkeypatch.setenv("PORTNN_CACHE_SIZE", written)
        assert cache_limit() == limit
    for written in ("much", "G", "-1", "1.5G", "1P"):
        monkeypatch.setenv("PORTNN_CACHE_SIZE", written)
        with pytest.raises(ValueError, match=rf"^PORTNN_CACHE_SIZE is '{written}'; expected bytes, or a size such as"):
            cache_limit()
