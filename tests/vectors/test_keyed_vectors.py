"""Words, keys and queries, valid and invalid."""

from __future__ import annotations

import copy

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
        (["a"], np.ones((1, 2), dtype=complex), None, TypeError, "vectors has dtype complex128, expected real numbers"),
        (["a"], np.array([["x"]]), None, TypeError, "vectors has dtype <U1, expected real numbers"),
        (["a"], np.array([["2020", "NaT"]], "M8[D]"), None, TypeError, r"vectors has dtype datetime64\[D\], expected"),
        (["a"], np.array([[1, 2]], "m8[s]"), None, TypeError, r"vectors has dtype timedelta64\[s\], expected"),
        (["a"], np.array([[1, None]]), None, TypeError, "vectors has dtype object and holds a NoneType"),
        (["a"], [[1, None]], None, TypeError, "vectors has dtype object and holds a NoneType"),
        (["a"], [["1", "2"]], None, TypeError, "vectors has dtype <U1, expected real numbers"),
        (["a"], [[1j, 2]], None, TypeError, "vectors has dtype complex128, expected real numbers"),
        (["a"], [list(np.array(["2020", "NaT"], "M8[D]"))], None, TypeError, "vectors has dtype datetime64"),
        (["a", "b"], [[1, 2], [3]], None, ValueError, "vectors: the rows have different lengths"),
        (["a"], np.ma.array([[1.0, 2]], mask=[[0, 1]]), None, ValueError, "vectors has masked entries"),
        (["a"], np.ones((1, 2)), [2.5], TypeError, "counts has dtype float64, expected whole numbers"),
        (["a"], np.ones((1, 2)), ["3"], TypeError, "counts has dtype <U1, expected whole numbers"),
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
        (lambda wv: wv.most_similar("film", topn=-1), ValueError, "topn must be 0 or a positive whole number, got -1"),
        (
            lambda wv: wv.most_similar("film", topn=2.5),
            ValueError,
            "topn must be 0 or a positive whole number, got 2.5",
        ),
        (lambda wv: wv.most_similar("film", topn="3"), TypeError, "topn must be 0 or a positive whole number, got '3'"),
        (lambda wv: wv.most_similar_cosmul("film", topn=True), ValueError, "topn must be .* whole number, got True"),
        (lambda wv: wv.most_similar("film", restrict_vocab=0), ValueError, "restrict_vocab must be a positive whole"),
        (
            lambda wv: wv.most_similar("film", topn=None, restrict_vocab="3"),
            TypeError,
            "restrict_vocab must be a positive whole number, got '3'",
        ),
        (lambda wv: wv.most_similar(b"film"), TypeError, "a query is bytes, expected words, rows or vectors"),
        (lambda wv: wv[b"film"], TypeError, "a key is bytes, expected a word or its row"),
        (lambda wv: wv.most_similar(np.ones(2, complex)), TypeError, "the given vector has dtype complex128"),
        (lambda wv: wv.most_similar(np.array([1, None])), TypeError, "a key is NoneType, expected a word"),
        (
            lambda wv: wv.most_similar(np.array(["2020", "NaT"], "M8[D]")),
            TypeError,
            r"the given vector has dtype datetime64\[D\], expected real numbers",
        ),
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


LAYOUTS = {
    "big-endian": lambda table: table.astype(table.dtype.newbyteorder(">")),
    "column by column": np.asfortranarray,
    "every other": lambda table: np.repeat(np.repeat(table, 2, axis=0), 3, axis=1)[::2, ::3],
    "backwards": lambda table: np.ascontiguousarray(table[::-1, ::-1])[::-1, ::-1],
    "big-endian, column by column": lambda table: np.asfortranarray(table.astype(table.dtype.newbyteorder(">"))),
    "matrix": np.asmatrix,
}


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32"])
def test_the_layout_in_memory_does_not_matter(tmp_path, layout, dtype):
    table = np.arange(12).reshape(4, 3).astype(dtype)
    odd = LAYOUTS[layout](table)
    odd.flags.writeable = False
    wv, expected = KeyedVectors("abcd", odd), KeyedVectors("abcd", table)
    assert wv.vectors.dtype == expected.vectors.dtype == np.dtype("float64" if dtype == "float64" else "float32")
    assert np.array_equal(wv.vectors, table)
    assert type(wv.vectors) is np.ndarray
    assert wv.most_similar("b") == expected.most_similar("b")
    assert wv.most_similar(odd[1, :].ravel() if layout != "matrix" else table[1]) == wv.most_similar(table[1])
    wv.save(tmp_path / "odd")
    assert np.array_equal(KeyedVectors.load(tmp_path / "odd").vectors, table)
    for binary in (False, True):
        wv.save_word2vec_format(tmp_path / "odd", binary=binary)
        assert np.array_equal(KeyedVectors.load(tmp_path / "odd").vectors, table)


def test_counts_of_any_layout():
    for counts in (np.array([3, 2], ">i8"), np.array([3, 0, 2])[::2], (3, 2), np.array([3, 2], np.uint8)):
        found = KeyedVectors("ab", np.ones((2, 1)), counts).counts
        assert (found.dtype, found.tolist()) == (np.dtype("int64"), [3, 2])


@pytest.mark.parametrize("number", [np.int64, np.uint8, np.array])
def test_whole_numbers_of_any_kind(wv, number):
    assert wv.most_similar("film", topn=number(2), restrict_vocab=number(4)) == wv.most_similar("film", (), 2, 4)
    assert wv.most_similar(number(1)) == wv.most_similar([number(1)]) == wv.most_similar("film")
    assert np.array_equal(wv[number(1)], TABLE[1])


def test_all_similarities(wv):
    for found, expected in (
        (wv.most_similar("the", topn=None), TABLE @ TABLE[0]),
        (wv.most_similar("the", topn=None, restrict_vocab=2), (TABLE @ TABLE[0])[:2]),
        (wv.most_similar("movie", "the", topn=None), TABLE @ np.array([-1, 1]) / 2**0.5),
        (wv.most_similar_cosmul("the", topn=None), (1 + TABLE @ TABLE[0]) / 2 / (1 + 1e-6)),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    assert wv.most_similar("the", topn=0) == wv.most_similar_cosmul("the", topn=0) == []


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


@pytest.mark.torch_oracle
def test_vectors_that_require_gradients_are_vectors_like_any_other():
    import torch

    weight = torch.nn.Embedding(5, 2).weight
    wv = KeyedVectors(WORDS, weight)
    assert not wv.vectors.requires_grad
    assert not wv["film"].requires_grad
    assert wv.most_similar("film") == KeyedVectors(WORDS, weight.detach()).most_similar("film")
    assert [word for word, _ in wv.most_similar(weight[1, :], topn=1)] == ["film"]
    assert copy.deepcopy(wv).vectors.tolist() == weight.tolist()
    assert KeyedVectors(WORDS, list(weight)).vectors.tolist() == weight.tolist()
