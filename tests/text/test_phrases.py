from __future__ import annotations

import random
import re

import pytest

from portnn.text import Phrases, Sentences

pytestmark = pytest.mark.host

CORPUS = "new york is new\nnew york is far\nhow far is york\nnew york"


def text(seed: int, delimiter: str = "_") -> list[list[str]]:
    """Sentences in which some words often follow each other, and some contain the delimiter."""
    chance = random.Random(seed)
    words = [*map(str, range(40)), f"3{delimiter}4", delimiter, f"5{delimiter}"]
    sentences = []
    for _ in range(600):
        sentence: list[str] = []
        for _ in range(chance.randrange(9)):
            word = chance.choice(words)
            sentence += [word, "follows"] if word in ("3", "7", f"3{delimiter}4") else [word]
            if word == "9":
                sentence += ["10", "11"]
        sentences.append(sentence)
    return sentences


def test_score_of_a_pair() -> None:
    phrases = Phrases(CORPUS, min_count=1, threshold=1)
    assert phrases.phrases == {"new_york": (3 - 1) / (4 * 4) * 12}
    assert Phrases(CORPUS, min_count=1, threshold=1.5).phrases == {}  # must be above


def test_phrases_are_joined_from_left_to_right() -> None:
    phrases = Phrases([["a", "a"]] * 20 + [["b"]], min_count=1, threshold=0.001, delimiter="+")
    assert phrases.phrases.keys() == {"a+a"}
    given = [["a", "a", "a"], ["a", "b", "a", "a"], ["b"], []]
    joined = phrases.joined(given)
    assert list(joined) == [["a+a", "a"], ["a", "b", "a+a"], ["b"], []]
    assert list(joined) == list(joined)


def test_joined_sentences_report_the_progress_of_their_source() -> None:
    joined = Phrases(CORPUS, min_count=1, threshold=1).joined(CORPUS)
    reported: list[int] = []
    assert [len(sentence) for sentence in joined.read(reported.append)] == [3, 3, 4, 1]
    assert sum(reported) == joined.size == Sentences(CORPUS).size
    assert joined.name == "text"


def test_longer_phrases_come_from_phrases_of_phrases() -> None:
    sentences = [["new", "york", "times"]] * 20 + [[str(n)] for n in range(50)]
    once = Phrases(sentences, min_count=1, threshold=0.5).joined(sentences)
    twice = Phrases(once, min_count=1, threshold=0.5).joined(once)
    assert next(iter(twice)) == ["new_york_times"]


@pytest.mark.gensim_oracle
@pytest.mark.parametrize(("in_words", "delimiter"), [("_", "_"), ("__", "_"), ("_", "__"), ("|", "_")])
@pytest.mark.parametrize(("threshold", "most"), [(0.1, 40_000_000), (1.0, 40_000_000), (0.1, 1000)])
def test_the_same_as_gensim(threshold: float, most: int, in_words: str, delimiter: str) -> None:
    from gensim.models.phrases import Phrases as Other

    sentences = text(1, in_words)
    options = {"min_count": 2, "threshold": threshold, "delimiter": delimiter, "max_vocab_size": most}
    other = Other(sentences, scoring="default", **options)
    phrases = Phrases(sentences, **options)
    for corpus in (sentences, text(2, in_words)):
        assert [list(sentence) for sentence in phrases.joined(corpus)] == [other[sentence] for sentence in corpus]
    theirs = other.find_phrases(sentences)
    assert len(theirs) > 1
    if in_words == "|":  # otherwise two pairs may have the same join
        assert {key: phrases.phrases[key] for key in theirs} == theirs
    assert list(phrases.phrases.values()) == sorted(phrases.phrases.values(), reverse=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_count": 0}, "min_count is 0; expected 1 or more"),
        ({"max_vocab_size": -1}, "max_vocab_size is -1; expected 1 or more"),
        ({"delimiter": ""}, "delimiter is ''; expected a text of at least one character"),
        ({"threshold": float("nan")}, "threshold must be a number, got nan"),
    ],
)
def test_invalid_arguments(options, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Phrases(CORPUS, **options)


def test_corpora_that_cannot_be_read() -> None:
    with pytest.raises(ValueError, match=r"^text: corpus is empty: it has no words$"):
        Phrases(" \n")
    with pytest.raises(TypeError, match=r"^sentences is a list_iterator, which can be read only once"):
        Phrases(iter([["a"]]))
    with pytest.raises(TypeError, match=r"^each sentence must be a list of words, got the str 'a b': split it"):
        Phrases(["a b"])
    with pytest.raises(TypeError, match=r"^sentences is a generator"):
        Phrases(CORPUS).joined(word for word in ())
