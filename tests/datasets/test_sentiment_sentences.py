"""Sentences of the grammar of negation: their labels by an independent reading, and what a learner may rely on."""

from __future__ import annotations

import numpy as np
import pytest

import portnn
from portnn.datasets import Sentences, sentiment_sentences

pytestmark = pytest.mark.host

POLARITY = {"good": 1, "happy": 1, "great": 1, "bad": -1, "sad": -1, "awful": -1}
SEEDS = (*range(20), 232)  # with 232, the first draw leaves a word of the test part untrained


def reading(text: str) -> int:
    """Label by going through the words: the last adjective decides, turned around by a `not` in the same half."""
    negated, verdict = False, 0
    for word in text.split():
        if word == "but":
            negated = False
        elif word == "not":
            negated = True
        elif word in POLARITY:
            verdict = -POLARITY[word] if negated else POLARITY[word]
    assert verdict
    return int(verdict > 0)


def words(sentences: Sentences) -> set[str]:
    return {word for text in sentences.texts for word in text.split()}


def same(one: Sentences, other: Sentences) -> bool:
    return one.texts == other.texts and np.array_equal(one.labels, other.labels)


@pytest.mark.parametrize(
    ("text", "label"),
    [("not bad at all", 1), ("she is not very good today", 0), ("bad but great", 1), ("bad but not sad then", 1)],
)
def test_the_reading_is_that_of_a_person(text, label) -> None:
    assert reading(text) == label


@pytest.mark.parametrize("seed", SEEDS)
def test_labels_follow_from_the_grammar(seed) -> None:
    for part in sentiment_sentences(seed):
        assert part.labels.dtype == np.int64
        assert part.labels.tolist() == [reading(text) for text in part.texts]


@pytest.mark.parametrize("seed", SEEDS)
def test_parts_have_their_sizes_and_half_of_each_is_positive(seed) -> None:
    for part, size in zip(sentiment_sentences(seed), (112, 40), strict=True):
        assert len(part.texts) == len(part.labels) == size
        assert part.labels.sum() == size // 2


@pytest.mark.parametrize("seed", SEEDS)
def test_no_sentence_comes_twice_and_every_test_word_was_trained_on(seed) -> None:
    train, test = sentiment_sentences(seed)
    assert len({*train.texts, *test.texts}) == len(train.texts) + len(test.texts)
    assert words(test) <= words(train)
    assert 18 <= len(words(train)) <= 30
    assert {len(text.split()) for text in train.texts + test.texts} == {2, 3, 4, 5, 6, 7}


def test_sentences_of_one_form_are_spread_over_their_part() -> None:
    for part in sentiment_sentences():
        middle = len(part.texts) // 2
        assert all(any("but" in text for text in half) for half in (part.texts[:middle], part.texts[middle:]))


def test_a_seed_gives_its_sentences_and_none_gives_new_ones() -> None:
    assert all(map(same, sentiment_sentences(4), sentiment_sentences(4)))
    for others in (sentiment_sentences(5), sentiment_sentences(None)):
        assert not any(map(same, sentiment_sentences(4), others))


def test_the_default_sentences_stay_those_of_earlier_versions() -> None:
    train, test = sentiment_sentences()
    assert list(zip(train.texts, train.labels.tolist(), strict=True))[:2] == [
        ("they are so sad", 0),
        ("she is really great today", 1),
    ]
    assert list(zip(test.texts, test.labels.tolist(), strict=True))[-2:] == [
        ("she was so great yesterday", 1),
        ("they are very good now", 1),
    ]


def test_words_without_their_order_do_not_tell_the_class() -> None:
    train, test = sentiment_sentences()
    vocabulary = sorted(words(train))
    counts = [
        np.asarray([[text.split().count(word) for word in vocabulary] for text in part.texts], np.float64)
        for part in (train, test)
    ]
    model = portnn.LogisticRegression().fit(counts[0], train.labels, steps=1000, progress=False)
    scores = [model.score(X, part.labels) for X, part in zip(counts, (train, test), strict=True)]
    assert scores == pytest.approx([0.54, 0.52], abs=0.05)  # some probabilities are 0.5 up to rounding


def test_a_negative_seed_is_named() -> None:
    with pytest.raises(ValueError, match="seed"):
        sentiment_sentences(-1)
