from __future__ import annotations

import gc
import hashlib
import os
import random
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import portnn.text.word_ids as word_ids_module
from portnn.text import WordVocabulary, count_words, encode_words

pytestmark = pytest.mark.host


@pytest.fixture
def sentences() -> list[list[str]]:
    chance = random.Random(3)
    return [[f"w{int(chance.paretovariate(0.8))}" for _ in range(chance.randrange(12))] for _ in range(2000)]


@pytest.fixture
def vocabulary(sentences: list[list[str]]) -> WordVocabulary:
    return WordVocabulary.from_counts(count_words(sentences), 5)


def one_by_one(sentences: list[list[str]], vocabulary: WordVocabulary) -> list[list[int]]:
    known = [[vocabulary.index[word] for word in sentence if word in vocabulary.index] for sentence in sentences]
    return [ids for ids in known if ids]


@pytest.mark.parametrize("batch", [1, 50, 1 << 16])
def test_ids_of_known_words_with_a_mark_after_each_sentence(batch, sentences, vocabulary, monkeypatch) -> None:
    monkeypatch.setattr(word_ids_module, "_BATCH", batch)
    expected = one_by_one(sentences, vocabulary)
    assert len(expected) < sum(map(bool, sentences))  # some sentences have only unknown words
    flat = [number for ids in expected for number in (*ids, len(vocabulary))]
    encoded = encode_words(sentences, vocabulary)
    assert encoded.ids.tolist() == flat
    assert encoded.ids.dtype == vocabulary.id_dtype
    assert not encoded.ids.flags.writeable
    assert encoded.sentences == len(expected)
    assert encoded.words == len(flat) - len(expected) == vocabulary.counts.sum()
    assert encoded.longest == max(map(len, expected))
    assert encoded.sha256 == hashlib.sha256(np.array(flat, vocabulary.id_dtype).tobytes()).hexdigest()
    assert encoded.name == "sentences"
    encoded.release()


def test_the_empty_word_and_a_line_ending_are_ordinary_words() -> None:
    vocabulary = WordVocabulary(("\n", "", "a"), np.ones(3, np.int64))
    assert encode_words([["", "a", "x"], ["\n"]], vocabulary).ids.tolist() == [1, 2, 3, 0, 3]


@pytest.mark.parametrize("batch", [50, 1 << 16])
def test_ids_beyond_the_limit_are_mapped(batch, sentences, vocabulary, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(word_ids_module, "_BATCH", batch)
    held = encode_words(sentences, vocabulary, cache_dir=tmp_path / "unused")
    assert not isinstance(held.ids, np.memmap)
    assert not (tmp_path / "unused").exists()
    mapped = encode_words(sentences, vocabulary, memory_limit=1000, cache_dir=tmp_path / "cache")
    assert isinstance(mapped.ids, np.memmap)
    assert not mapped.ids.flags.writeable
    np.testing.assert_array_equal(mapped.ids, held.ids)
    assert (mapped.sha256, mapped.words, mapped.longest) == (held.sha256, held.words, held.longest)
    mapped.release()
    np.testing.assert_array_equal(mapped.ids, held.ids)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc what is open")
def test_file_is_gone_with_the_ids(sentences, vocabulary, tmp_path: Path) -> None:
    def held() -> bool:
        maps = Path("/proc/self/maps").read_text()
        links = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return any(str(tmp_path) in line for line in [maps, *links])

    mapped = encode_words(sentences, vocabulary, memory_limit=0, cache_dir=tmp_path)
    assert held()
    assert list(tmp_path.iterdir()) == []  # nor does a killed process leave a file
    del mapped
    gc.collect()
    assert not held()


def test_file_is_gone_after_an_error(sentences, vocabulary, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"^each sentence must be a list of words"):
        encode_words([*sentences, "text"], vocabulary, memory_limit=0, cache_dir=tmp_path)
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_encoding_keeps_constant_memory(vocabulary, tmp_path: Path) -> None:
    class Many:
        def __iter__(self):
            for _ in range(100_000):
                yield ["w1", "w2", "w3"] * 7

    tracemalloc.start()
    encoded = encode_words(Many(), vocabulary, memory_limit=1 << 18, cache_dir=tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert encoded.words == 2_100_000
    assert peak < 4 << 20


def test_no_known_word(vocabulary) -> None:
    for sentences, name in (([["strange"], []], "sentences"), ("strange\nlines", "text"), ([], "sentences")):
        with pytest.raises(
            ValueError, match=rf"^{name}: no sentence has any of the {len(vocabulary)} words in the vocabulary$"
        ):
            encode_words(sentences, vocabulary)


def test_folder_that_cannot_be_written(sentences, vocabulary, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        OSError, match=r'^cannot write to the cache folder ".*file" \(.*\); set .* PORTNN_CACHE to another folder$'
    ):
        encode_words(sentences, vocabulary, memory_limit=0, cache_dir=tmp_path / "file")
