"""Vectors that the words of a `TextClassifier` start with, trained or frozen."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn
from portnn.models.sequence_classifier import TABLE

from .negations import QUICK, SIGNS, TEXTS, network, tables


@pytest.fixture
def vectors():
    words = ["good", "bad", "not", "other"]
    return portnn.KeyedVectors(words, np.random.default_rng(2).normal(size=(4, 5)), counts=[4, 3, 2, 1])


def still(model):
    """The vectors of words that were given, and those of others."""
    names = ("good", "bad", "not", "film", "zzz")
    table, index = tables(model)[TABLE], model.vocabulary.index
    return {name: table[index.get(name, len(table) - 1)] for name in names}


@pytest.mark.host
@pytest.mark.parametrize("form", ["KeyedVectors", "Word2Vec", "text", "binary", "own"])
def test_words_start_with_their_vectors_and_frozen_keep_them(form, vectors, tmp_path):
    given = vectors
    if form == "Word2Vec":
        given = portnn.Word2Vec(vector_size=5, min_count=1, seed=1).fit([text.split() for text in TEXTS], **NO_BAR)
        vectors = given.wv
    elif form == "own":
        given = tmp_path / "vectors.safetensors"
        vectors.save(given)
    elif form != "KeyedVectors":
        given = tmp_path / "vectors.w2v"
        vectors.save_word2vec_format(given, binary=form == "binary")
    tolerance = {"rtol": 1e-6, "atol": 1e-7}  # files of word2vec hold float32
    one = network(frozen_embedding=True).fit(TEXTS, SIGNS, vectors=given, **QUICK)
    for word in ("good", "bad", "not"):
        assert_allclose(still(one)[word], np.asarray(vectors[word]), **tolerance)
    rest = still(one)["film"]
    assert rest.any()
    trained = network().fit(TEXTS, SIGNS, vectors=given, **QUICK)
    for word in ("good", "bad", "not", "film", "zzz"):
        assert not np.array_equal(still(trained)[word], still(one)[word])
    assert np.abs(still(trained)["good"] - still(one)["good"]).max() < 0.5


NO_BAR = {"progress": False, "epochs": 1}


@pytest.mark.host
@pytest.mark.parametrize("changes", [{}, {"optimizer": "adamw"}, {"optimizer": "sgd"}, {"workers": 2}])
def test_frozen_vectors_stay_bit_for_bit(changes, vectors):
    """Weight decay moves no frozen vector, nor do workers."""
    model = network(frozen_embedding=True)
    first = network(frozen_embedding=True).fit(TEXTS, SIGNS, vectors=vectors, **{**QUICK, "epochs": None, "steps": 1})
    model.fit(TEXTS, SIGNS, vectors=vectors, **QUICK, **changes)
    assert tables(model)[TABLE].tobytes() == tables(first)[TABLE].tobytes()
    before = tables(model)
    model.fit(TEXTS, SIGNS, **QUICK, **changes)
    assert tables(model)[TABLE].tobytes() == before[TABLE].tobytes()
    assert tables(model)["output.weight"].tobytes() != before["output.weight"].tobytes()


@pytest.mark.host
def test_words_with_vectors_stay_however_rare(vectors):
    texts = [*TEXTS, "other unheard"]
    model = network(min_count=2).fit(texts, [*SIGNS, "+"], vectors=vectors, **QUICK)
    assert "other" in model.vocabulary.index
    assert "unheard" not in model.vocabulary.index


@pytest.mark.host
@pytest.mark.parametrize(
    ("settings", "vectors", "error", "message"),
    [
        ({"embedding_size": 4}, "good", ValueError, "^the vectors have 5 entries, but embedding_size is 4$"),
        ({"embedding_size": None}, "good", ValueError, "^the vectors have 5 entries, but embedding_size is None"),
        ({}, "strange", ValueError, "^none of the 9 words has a vector; is it the same language"),
        ({}, np.ones((9, 5)), TypeError, "^vectors is ndarray, expected KeyedVectors, a Word2Vec, or a path$"),
        ({}, "no such file.txt", OSError, "no such file"),
    ],
)
def test_vectors_that_do_not_fit(settings, vectors, error, message):
    given = vectors
    if isinstance(vectors, str) and " " not in vectors:
        given = portnn.KeyedVectors([vectors], np.ones((1, 5)))
    with pytest.raises(error, match=message):
        network(**settings).fit(TEXTS, SIGNS, vectors=given, **QUICK)
