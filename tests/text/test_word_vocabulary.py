from __future__ import annotations

import gzip
import os
import random
import re
import subprocess
import sys
import tracemalloc
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from portnn.text import Sentences, WordVocabulary, count_words, encode_words

pytestmark = pytest.mark.host

CORPUS = "the film is the film\nthe gem\n\nis it"


def test_counts_of_a_corpus() -> None:
    counted = count_words(CORPUS)
    assert counted.counts == {"the": 3, "film": 2, "is": 2, "gem": 1, "it": 1}
    assert (counted.words, counted.sentences) == (9, 3)
    assert count_words([["the", "film"]] * 20_000).counts == {"the": 20_000, "film": 20_000}


def test_most_frequent_first_and_ties_by_code_point() -> None:
    vocabulary = WordVocabulary.from_counts(count_words(CORPUS), min_count=1)
    assert vocabulary.words == ("the", "film", "is", "gem", "it")
    assert vocabulary.counts.tolist() == [3, 2, 2, 1, 1]
    assert vocabulary.counts.dtype == np.int64
    assert vocabulary.dropped == 0
    assert vocabulary.index == {word: number for number, word in enumerate(vocabulary.words)}
    assert WordVocabulary.from_counts({"b": 1, "Z": 1, "a": 1, "\U0001f600": 1, "é": 1}, 1).words == (
        *("Z", "a", "b", "é", "\U0001f600"),
    )


def test_words_that_are_rare_or_too_many_are_dropped() -> None:
    counts = count_words(CORPUS)
    assert WordVocabulary.from_counts(counts, 2).words == ("the", "film", "is")
    assert WordVocabulary.from_counts(counts, 2).dropped == 2
    capped = WordVocabulary.from_counts(counts.counts, 1, max_vocab_size=2)
    assert (capped.words, capped.dropped) == (("the", "film"), 4)


def test_id_dtype_has_room_for_the_mark() -> None:
    def dtype(count: int) -> np.dtype:
        return WordVocabulary(tuple(map(str, range(count))), np.ones(count, np.int64)).id_dtype

    assert [dtype(n) for n in (255, 256, 65535, 65536)] == [np.uint8, np.uint16, np.uint16, np.uint32]


def given_up(sentences: list[list[str]], most: int) -> dict[str, int]:
    """The rule word by word: after a sentence that makes the table too large, the rarest words are dropped."""
    counts: Counter[str] = Counter()
    least = 1
    for sentence in sentences:
        for word in sentence:
            counts[word] += 1
        if len(counts) > most:
            for word in [word for word in counts if counts[word] < least]:
                del counts[word]
            least += 1
    return dict(counts)


def test_the_rarest_words_are_dropped_when_memory_holds_too_many() -> None:
    chance = random.Random(1)
    sentences = [[str(int(chance.paretovariate(0.5))) for _ in range(8)] for _ in range(3000)]
    counted = count_words(sentences, max_vocab_size=200)
    assert counted.counts == given_up(sentences, 200)
    assert len(counted.counts) < 300 < len(count_words(sentences).counts)
    assert counted.words == 24_000
    vocabulary = WordVocabulary.from_counts(counted, 5)
    assert vocabulary.dropped == 24_000 - vocabulary.counts.sum()


@pytest.mark.gensim_oracle
@pytest.mark.parametrize("most", [None, 150])
def test_the_vocabulary_is_that_of_gensim(most: int | None) -> None:
    from gensim.models import Word2Vec

    chance = random.Random(2)
    sentences = [[str(int(chance.paretovariate(0.5))) for _ in range(8)] for _ in range(3000)]
    other = Word2Vec(min_count=5, max_vocab_size=most)
    other.build_vocab(sentences)
    vocabulary = WordVocabulary.from_counts(count_words(sentences, most), 5)
    assert dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)) == {
        word: other.wv.get_vecattr(word, "count") for word in other.wv.index_to_key
    }


def test_counting_keeps_only_the_counts() -> None:
    class Long:
        def __iter__(self):
            for number in range(20_000):
                yield [f"word{number % 100 + k}" for k in range(10)]

    tracemalloc.start()
    assert count_words(Long()).words == 200_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20  # all words take 11 MB


def test_the_same_in_every_process(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt.gz"
    path.write_bytes(gzip.compress(" ".join(f"w{n * n % 997} x{n % 7}" for n in range(5000)).encode()))
    program = (
        "import sys, pathlib, hashlib; from portnn.text import *; s = Sentences(pathlib.Path(sys.argv[1]));"
        "v = WordVocabulary.from_counts(count_words(s), 2); p = Phrases(s, min_count=1, threshold=1);"
        "print(hashlib.sha256(repr(v.words).encode()).hexdigest(), encode_words(s, v).sha256, list(p.phrases)[:50])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program, str(path)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(said) == 1
    vocabulary = WordVocabulary.from_counts(count_words(Sentences(path)), 2)
    assert encode_words(Sentences(path), vocabulary).sha256 in said.pop()


REFUSED = [
    ({}, {}, "corpus is empty: it has no words"),
    (
        {"a": 3, "b": 3, "c": 1},
        {},
        "min_count 5 drops all 3 words; the highest min_count that keeps any is 3, with 2 words",
    ),
    ({"a": 4, "b": 3}, {}, "min_count 5 drops all 2 words; the highest min_count that keeps any is 4, with 1 word"),
    ({"a": 9}, {}, "one distinct word ('a'); there is nothing to learn"),
    ({"a": 9, "b": 1}, {}, "one distinct word ('a') is left of 2; there is nothing to learn"),
    ({"a": 9, "b": 9}, {"max_vocab_size": 1}, "one distinct word ('a') is left of 2; there is nothing to learn"),
    ({"a": 9, "b": 9}, {"min_count": 0}, "min_count is 0; expected 1 or more"),
    ({"a": 9, "b": 9}, {"min_count": -3}, "min_count is -3; expected 1 or more"),
    ({"a": 9, "b": 9}, {"min_count": 1.5}, "min_count is 1.5; expected a whole number, 1 or more"),
    ({"a": 9, "b": 9}, {"max_vocab_size": 0}, "max_vocab_size is 0; expected 1 or more"),
    ({"a": 9, "b": 9}, {"max_vocab_size": "2"}, "max_vocab_size is '2'; expected a whole number, 1 or more"),
]


@pytest.mark.parametrize(("counts", "options", "message"), REFUSED)
def test_counts_that_do_not_form_a_vocabulary(counts, options, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}$"):
        WordVocabulary.from_counts(counts, **options)


@pytest.mark.parametrize("corpus", ["", " \n\t", [], [[], []]])
def test_empty_corpus(corpus) -> None:
    with pytest.raises(ValueError, match=r"^corpus is empty: it has no words$"):
        WordVocabulary.from_counts(count_words(corpus))


def test_count_words_checks_arguments_before_it_reads() -> None:
    with pytest.raises(ValueError, match=r"^max_vocab_size is -1; expected 1 or more$"):
        count_words(["not read"], max_vocab_size=-1)
    with pytest.raises(TypeError, match=r"^sentences is a list_iterator, which can be read only once"):
        count_words(iter([["a"]]))


def test_a_vocabulary_is_consistent() -> None:
    with pytest.raises(ValueError, match=r"^vocabulary: counts have shape \(2,\); expected \(1,\)$"):
        WordVocabulary(("a",), np.ones(2, np.int64))
    with pytest.raises(ValueError, match=r"^vocabulary: word 'b' occurs more than once$"):
        WordVocabulary(("a", "b", "b"), np.ones(3, np.int64))
