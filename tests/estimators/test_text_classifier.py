"""`TextClassifier`: what it learns, how its answers agree, and what they are made of."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn
from portnn.backends import to_host
from portnn.models.sequence_classifier import TABLE

from .negations import LEARNING, QUICK, SIGNS, TEXTS, network, tables


@pytest.fixture(scope="module")
def learned():
    return network(cell="gru", bidirectional=True).fit(TEXTS, SIGNS, **LEARNING)


@pytest.mark.parametrize("cell", ["lstm", *(pytest.param(cell, marks=pytest.mark.host) for cell in ("rnn", "gru"))])
def test_it_learns_what_not_means(backend32, cell):
    model = network(backend32, cell=cell, dtype="float32").fit(TEXTS, SIGNS, **{**LEARNING, "epochs": 40})
    assert model.score(TEXTS, SIGNS) == 1.0
    assert model.predict(["not good", "bad", "good", "not bad"]).tolist() == ["-", "-", "+", "+"]
    assert to_host(model.params[TABLE]).dtype == np.float32


def test_every_library_trains_to_the_same_parameters(backend):
    """In float64; a library that compiles pads to other lengths."""
    settings = {"cell": "lstm", "bidirectional": True, "num_layers": 2, "dropout": 0.2, "pooling": "max"}
    here, there = (network(each, **settings).fit(TEXTS, SIGNS, **QUICK) for each in ("numpy", backend))
    for name, array in tables(there).items():
        assert array.dtype == np.float64
        assert_allclose(array, tables(here)[name], rtol=1e-8, atol=1e-10, err_msg=name)
    assert_allclose(there.predict_proba(TEXTS), here.predict_proba(TEXTS), rtol=1e-8)
    assert_allclose(there.evaluate(TEXTS, SIGNS), here.evaluate(TEXTS, SIGNS), rtol=1e-8)
    ours, right = there.explain(TEXTS[0]), here.explain(TEXTS[0])
    assert_allclose(ours.contributions, right.contributions, rtol=1e-6, atol=1e-9)
    assert_allclose(ours.probabilities, right.probabilities, rtol=1e-8)


@pytest.mark.host
def test_answers_agree_with_one_another(learned):
    outputs, probabilities = learned.outputs(TEXTS), learned.predict_proba(TEXTS)
    assert outputs.shape == probabilities.shape == (60, 2)
    assert learned.labels.names == ["+", "-"]
    assert_allclose(probabilities, np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True), rtol=1e-12)
    assert_allclose(np.log(probabilities), learned.predict_log_proba(TEXTS), rtol=1e-9)
    assert learned.predict(TEXTS).tolist() == [learned.labels.names[k] for k in probabilities.argmax(axis=1)]
    right = [probabilities[row, learned.labels.names.index(sign)] for row, sign in enumerate(SIGNS)]
    evaluation = learned.evaluate(TEXTS, SIGNS)
    assert evaluation.loss == pytest.approx(-np.mean(np.log(right)), rel=1e-12)
    assert evaluation.score == learned.score(TEXTS, SIGNS) == np.mean(learned.predict(TEXTS) == np.asarray(SIGNS))
    assert evaluation.rows == 60
    weights = np.arange(60.0)
    weighted = learned.evaluate(TEXTS, SIGNS, weights)
    assert weighted.loss == pytest.approx(-np.average(np.log(right), weights=weights), rel=1e-12)


@pytest.mark.host
def test_a_text_is_answered_as_in_any_company(learned):
    texts = [*TEXTS, "", "good " * 300, "zzz"]
    together = learned.outputs(texts)
    assert_allclose(together, np.concatenate([learned.outputs([text]) for text in texts]), rtol=0.0, atol=1e-12)
    order = np.random.default_rng(1).permutation(len(texts))
    assert_allclose(learned.outputs([texts[k] for k in order]), together[order], rtol=0.0, atol=1e-12)


@pytest.mark.host
def test_more_texts_than_are_computed_at_a_time(learned, monkeypatch):
    right = learned.outputs(TEXTS)
    evaluations = [learned.evaluate(TEXTS, SIGNS, weights) for weights in (None, np.arange(60.0))]
    monkeypatch.setattr("portnn.estimators.sequence_evaluation.CHUNK", 7)
    monkeypatch.setattr("portnn.estimators.sequence_evaluation.PIECE", 17)
    monkeypatch.setattr("portnn.estimators.sequence_evaluation.TOKENS", 11)
    assert_allclose(learned.outputs(TEXTS), right, rtol=0.0, atol=1e-12)
    for weights, evaluation in zip((None, np.arange(60.0)), evaluations, strict=True):
        assert learned.evaluate(TEXTS, SIGNS, weights) == pytest.approx(evaluation, rel=1e-12)
    ends = np.where(np.arange(60) < 17, 0.0, 1.0)  # a piece without weight
    assert learned.evaluate(TEXTS, SIGNS, ends) == (
        *(pytest.approx(value, rel=1e-12) for value in learned.evaluate(TEXTS[17:], SIGNS[17:])[:2]),
        60,
    )


@pytest.mark.host
@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
@pytest.mark.parametrize("embedding_size", [5, None])
def test_a_words_part_is_the_slope_along_its_vector(pooling, embedding_size):
    """Central differences of the logit as one occurrence of a word grows, others of the same word left alone."""
    settings = {"bidirectional": True, "pooling": pooling, "embedding_size": embedding_size, "num_layers": 2}
    model = network(cell="lstm", **settings).fit(TEXTS, SIGNS, **QUICK)
    text = "not good film not bad zzz"
    explanation = model.explain(text, "-")
    assert explanation.tokens == ("not", "good", "film", "not", "bad", "zzz")
    assert explanation.known == (True,) * 5 + (False,)
    assert (explanation.label, explanation.labels) == ("-", ["+", "-"])
    index, unknown = model.vocabulary.index, len(model.vocabulary)
    ids = np.asarray([index.get(word, unknown) for word in explanation.tokens])
    vectors = tables(model)[TABLE] if embedding_size else np.eye(unknown + 1)
    batch = portnn.models.SequenceBatch(ids[:, None], None, np.zeros(1, np.int64))

    def logit(scale):
        x = (vectors[ids] * scale[:, None])[:, None, :]
        return model.model.outputs_of(model.params, batch, x=x, xp=np)[0][0, 1]

    for place in range(6):
        step = np.where(np.arange(6) == place, 1e-5, 0.0)
        slope = (logit(1.0 + step) - logit(1.0 - step)) / 2e-5
        assert explanation.contributions[place] == pytest.approx(slope, rel=1e-6, abs=1e-9)


@pytest.mark.host
def test_probabilities_of_an_explanation_are_those_of_the_beginnings(learned):
    explanation = learned.explain("Not a good film")
    beginnings = ["not", "not a", "not a good", "not a good film"]
    assert_allclose(explanation.probabilities, learned.predict_proba(beginnings), rtol=1e-12)
    assert explanation.label == learned.predict(["not a good film"])[0]
    for label in ("+", "-"):
        assert learned.explain("Not a good film", label).label == label
    assert "\n" not in repr(explanation)


@pytest.mark.host
def test_what_cannot_be_explained(learned):
    with pytest.raises(ValueError, match=re.escape("training never saw the label '?'; the classes are")):
        learned.explain("good", "?")
    with pytest.raises(TypeError, match="text is NoneType None, expected a str"):
        learned.explain(None)
    with pytest.raises(TypeError, match=r"text is list .*, expected a str"):
        learned.explain(["good"])


@pytest.mark.host
def test_an_empty_text_is_explained_as_one_unknown_word(learned):
    explanation = learned.explain("")
    assert (explanation.tokens, explanation.known) == (("",), (False,))
    assert_allclose(explanation.probabilities, learned.predict_proba([""]), rtol=1e-12)
    assert_allclose(learned.predict_proba([""]), learned.predict_proba(["zzz"]), rtol=1e-12)
