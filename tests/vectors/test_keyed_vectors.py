"""Words, keys and queries, valid and invalid."""

from __future__ import annotations

import numpy as np
import pytest

from portnn import KeyedVectors
from portnn.vectors import UnknownWordError

pytestmark = pytest.mark.host

WORDS = ["the", "film", "films", "movie", "Berlin"]
TABLE = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1], [-1, 0]], dtype=np.float32)


@pytest.fixture
def wv():
    return KeyedVectors(WORDS, TABLE)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("flim", "'flim' is not in the vocabulary; similar words: film, films"),
        ("berlin", "'berlin' is not in the vocabulary; similar words: Berlin"),
        ("BERLIN", "'BERLIN' is not in the vocabulary; similar words: Berlin"),
        ("zzzzzz", "'zzzzzz' is not in the vocabulary"),
        ("", "'' is not in the vocabulary"),
        ("two\nlines", r"'two\nlines' is not in the vocabulary"),
    ],
)
def test_an_unknown_word(wv, word, message):
    for ask in (
        wv.__getitem__,
        wv.get_vector,
        wv.most_similar,
        wv.most_similar_cosmul,
        lambda key: wv[["film", key]],
        lambda key: wv.similarity("film", key),
        lambda key: wv.doesnt_match(["film", key]),
    ):
        with pytest.raises(UnknownWordError) as caught:
            ask(word)
        assert str(caught.value) == message
    assert issubclass(UnknownWordError, KeyError)
    assert issubclass(UnknownWordError, ValueError)


@pytest.mark.parametrize(
    ("keys", "vectors", "counts", "error", "message"),
    [
        (["a", "b", "a"], np.ones((3, 2)), None, ValueError, "keys: 'a' occurs more than once"),
        (["a", 2], np.ones((2, 2)), None, TypeError, "keys: 2 is int, expected str"),
        (["a"], np.ones((2, 2)), None, ValueError, r"vectors has shape \(2, 2\), expected \(1, d\)"),
        (["a"], np.ones(2), None, ValueError, r"vectors has shape \(2,\), expected \(1, d\)"),
        (["a"], np.ones((1, 0)), None, ValueError, r"vectors has shape \(1, 0\), expected \(1, d\)"),
        ([], np.ones((0, 3)), None, ValueError, r"vectors has shape \(0, 3\), expected"),
        (["a"], np.ones((1, 2), dtype=complex), None, TypeError, "vectors has dtype complex128, expected float32"),
        (["a"], np.array([["x"]]), None, TypeError, "vectors has dtype <U1, expected float32"),
        (["a"], np.ones((1, 2)), [1, 2], ValueError, r"counts has shape \(2,\), expected \(1,\)"),
    ],
)
def test_invalid_vectors(keys, vectors, counts, error, message):
    with pytest.raises(error, match=message):
        KeyedVectors(keys, vectors, counts)


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda wv: wv[9], IndexError, r"row 9 is not in 0\.\.4"),
        (lambda wv: wv[-1], IndexError, r"row -1 is not in 0\.\.4"),
        (lambda wv: wv[[]], ValueError, "the list of words is empty"),
        (lambda wv: wv[[1.5]], TypeError, "a key is float, expected a word or its row"),
        (lambda wv: wv.most_similar(), ValueError, "neither a positive nor a negative word was given"),
        (lambda wv: wv.most_similar_cosmul([], "film"), ValueError, "no positive word was given"),
        (lambda wv: wv.most_similar_cosmul([("film", 2.0)]), ValueError, r"takes no weights, got \('film', 2.0\)"),
        (lambda wv: wv.most_similar("film", topn=0), ValueError, "topn must be at least 1, got 0"),
        (lambda wv: wv.most_similar("film", restrict_vocab=0), ValueError, "restrict_vocab must be at least 1, got 0"),
        (lambda wv: wv.most_similar(np.ones(3)), ValueError, r"the given vector has shape \(3,\), expected \(2,\)"),
        (lambda wv: wv.most_similar(np.array([1, np.nan])), ValueError, "the given vector contains NaN or infinity"),
        (lambda wv: wv.doesnt_match([]), ValueError, "doesnt_match: the list of words is empty"),
        (lambda wv: wv.doesnt_match("film"), TypeError, "doesnt_match takes a list of words, got the str 'film'"),
        (
            lambda wv: wv.most_similar([("film", "x")]),
            ValueError,
            r"\('film', 'x'\) is not a pair of a word and its weight",
        ),
        (lambda wv: wv.most_similar([("film", 1, 2)]), ValueError, "is not a pair of a word and its weight"),
        (lambda wv: wv.most_similar([("film", np.nan)]), ValueError, "is not a pair of a word and its weight"),
        (lambda wv: wv.most_similar(5.0), TypeError, "a query is float, expected words, rows or vectors"),
    ],
)
def test_invalid_queries(wv, ask, error, message):
    with pytest.raises(error, match=message) as caught:
        ask(wv)
    assert "\n" not in str(caught.value)


def test_the_basics(wv):
    assert "film" in wv
    assert "flim" not in wv
    assert 3 not in wv
    assert (len(wv), wv.vector_size) == (5, 2)
    assert repr(wv) == "KeyedVectors(5 words of 2 values, numpy (cpu, float32))"
    assert wv.distance("the", "movie") == pytest.approx(1)
    assert wv.rank("the", "film") == 1
    assert wv.rank("the", "Berlin") == 4
    assert wv.doesnt_match(["film", "films", "movie", "Berlin"]) == "Berlin"


def test_lists_and_whole_numbers_become_single_precision():
    for table in ([[1, 2]], np.array([[1, 2]]), np.ones((1, 2), np.float16)):
        assert KeyedVectors(["a"], table).vectors.dtype == np.float32
    assert KeyedVectors(["a"], np.ones((1, 2))).vectors.dtype == np.float64


def test_words_and_rows_of_numpy(wv):
    expected = wv.most_similar(["film", "the"])
    for query in (
        np.array(["film", "the"]),
        np.array(["film", "the"], dtype=object),
        [np.str_("film"), np.int64(0)],
        ("film", "the"),
    ):
        assert wv.most_similar(query) == expected
    assert wv.most_similar(np.int64(1)) == wv.most_similar(np.str_("film")) == wv.most_similar("film")
    assert wv.most_similar_cosmul(np.str_("film")) == wv.most_similar_cosmul("film")
    assert wv.doesnt_match(np.array(["film", "films", "Berlin"])) == "Berlin"
    assert np.array_equal(wv[np.array(["film"])], TABLE[1:2])


def test_query_words_are_left_out(wv):
    assert [word for word, _ in wv.most_similar(["film", "films"], ["Berlin"])] == ["the", "movie"]
    assert [word for word, _ in wv.most_similar("film", restrict_vocab=2)] == ["the"]
