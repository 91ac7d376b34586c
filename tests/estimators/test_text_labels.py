"""Labels of every kind, weights, and held-out texts of a `TextClassifier`."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn
from portnn.models.sequence_classifier import TABLE
from portnn.tables import LabelledTexts

from .negations import LEARNING, QUICK, SIGNS, TEXTS, equal, network, tables, write_tsv

KINDS = {
    "str": {"+": "good", "-": "bad"},
    "int": {"+": 4, "-": -2},
    "float": {"+": 2.5, "-": 1.0},
    "bool": {"+": True, "-": False},
}


@pytest.mark.host
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", [list, np.asarray])
def test_labels_come_back_as_they_were_given(kind, form, tmp_path):
    labels = [KINDS[kind][sign] for sign in SIGNS]
    model = network().fit(TEXTS, form(labels), **LEARNING)
    assert model.labels.names == sorted(set(labels))
    found = model.predict(TEXTS)
    assert found.tolist() == labels
    assert {type(label) for label in found.tolist()} == {type(labels[0])}
    model.save(tmp_path / "m.safetensors")
    loaded = portnn.load(tmp_path / "m.safetensors")
    assert loaded.predict(TEXTS).tolist() == labels
    assert loaded.score(TEXTS, form(labels)) == 1.0
    assert model.explain("good", labels[0]).label == labels[0]


@pytest.mark.host
def test_many_classes():
    labels = [text.split()[0] + str(len(text.split()) > 2) for text in TEXTS]
    model = network().fit(TEXTS, labels, **LEARNING)
    assert model.predict_proba(TEXTS).shape == (60, len(set(labels)))
    assert model.score(TEXTS, labels) > 0.9


SEVERAL = [[word for word in ("not", "good", "the") if word in text.split()] for text in TEXTS]


@pytest.mark.host
def test_several_labels_at_once(tmp_path):
    model = network(multi_label=True).fit(TEXTS, SEVERAL, **LEARNING)
    assert model.labels.names == ["good", "not", "the"]
    probabilities = model.predict_proba(TEXTS)
    assert_allclose(probabilities, 1.0 / (1.0 + np.exp(-model.outputs(TEXTS))), rtol=1e-10)
    right = np.asarray([[name in labels for name in model.labels.names] for labels in SEVERAL])
    loss = -np.log(np.where(right, probabilities, 1.0 - probabilities)).sum(axis=1).mean()
    evaluation = model.evaluate(TEXTS, SEVERAL)
    assert evaluation.loss in (pytest.approx(loss, rel=1e-9), pytest.approx(loss / 3, rel=1e-9))
    assert evaluation.score == np.mean(((probabilities > 0.5) == right).all(axis=1)) > 0.8
    assert model.predict(TEXTS) == [
        tuple(name for name, is_there in zip(model.labels.names, row, strict=True) if is_there)
        for row in probabilities > 0.5
    ]
    model.save(tmp_path / "m.safetensors")
    assert portnn.load(tmp_path / "m.safetensors").predict(TEXTS[:9]) == model.predict(TEXTS[:9])
    # the same as a matrix of 0 and 1
    matrix = right * 1
    other = network(multi_label=True).fit(TEXTS, matrix, **LEARNING)
    assert other.predict(TEXTS).tolist() == (probabilities > 0.5).astype(int).tolist()
    assert equal(other, model)
    assert other.evaluate(TEXTS, matrix) == evaluation
    # sets and tuples, and texts without a label
    assert equal(network(multi_label=True).fit(TEXTS, [set(row) for row in SEVERAL], **LEARNING), model)
    assert [] in SEVERAL or any(not row.any() for row in right)


@pytest.mark.host
@pytest.mark.parametrize(
    ("settings", "labels", "error", "message"),
    [
        ({}, None, TypeError, "there are no labels: give them after the texts"),
        ({}, SIGNS[:-1], ValueError, "there are 59 labels for 60 texts"),
        ({}, [None, *SIGNS[1:]], ValueError, "^labels has None in row 0; class labels must not be missing$"),
        ({}, [math.nan, *[1.0] * 59], ValueError, "^labels contains NaN or infinity$"),
        ({}, ["+"] * 60, ValueError, r"^there is only one class, '\+'; a classifier needs at least two$"),
        (
            {},
            SEVERAL,
            TypeError,
            r"^text 0 has the labels \['not', 'good'\], expected one; with multi_label it may be sev",
        ),
        ({"multi_label": True}, SIGNS, TypeError, "with multi_label each text has a list of labels, got"),
        ({"multi_label": True}, [[]] * 60, ValueError, "no text has a label"),
        ({"multi_label": True}, SEVERAL[:-1], ValueError, "there are 59 labels for 60 texts"),
        ({"multi_label": True, "class_weight": "balanced"}, SEVERAL, ValueError, "class_weight needs one class a text"),
    ],
)
def test_labels_that_are_none(settings, labels, error, message):
    with pytest.raises(error, match=message) as caught:
        network(**settings).fit(TEXTS, labels, **QUICK)
    assert "\n" not in str(caught.value)


@pytest.mark.host
def test_a_label_that_training_never_saw():
    learned = network().fit(TEXTS, SIGNS, **LEARNING)
    with pytest.raises(ValueError, match=r"'\?'"):
        learned.evaluate(["good"], ["?"])
    with pytest.raises(ValueError, match=r"'\?'"):
        learned.fit(TEXTS, ["?", *SIGNS[1:]], **QUICK)
    assert learned.predict(["good"]).tolist() == ["+"]


@pytest.mark.host
def test_a_label_that_occurs_once():
    labels = ["once", *SIGNS[1:]]
    model = network(class_weight="balanced").fit(TEXTS, labels, **QUICK)
    assert model.labels.names == ["+", "-", "once"]
    model.fit(TEXTS, labels, held_out=0.5, **QUICK)  # it may be held out


@pytest.mark.host
def test_a_weight_of_zero_leaves_a_text_out():
    """In the gradient of one batch of all texts."""
    weights = (np.arange(60) % 3 > 0) * 1.0
    kept = np.flatnonzero(weights)
    settings = {"progress": False, "steps": 1, "batch_size": 60, "optimizer": "sgd", "learning_rate": 0.5}
    one = network(word_dropout=0.0).fit(TEXTS, SIGNS, **settings)
    two = pickle.loads(pickle.dumps(one))
    one.fit(TEXTS, SIGNS, weights, **settings)
    two.fit([TEXTS[k] for k in kept], [SIGNS[k] for k in kept], **settings)
    for name, array in tables(one).items():
        assert_allclose(array, tables(two)[name], rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.host
@pytest.mark.parametrize("chosen", [{"+": 3.0, "-": 0.5}, "balanced"])
def test_weights_of_classes_are_weights_of_their_texts(chosen):
    labels = ["+" if k % 5 else "-" for k in range(60)]
    by_class = chosen if isinstance(chosen, dict) else {"+": 60 / (2 * 48), "-": 60 / (2 * 12)}
    weights = np.asarray([by_class[label] for label in labels])
    one = network(class_weight=chosen).fit(TEXTS, labels, **QUICK)
    two = network().fit(TEXTS, labels, weights, **QUICK)
    for name, array in tables(one).items():
        assert_allclose(array, tables(two)[name], rtol=1e-9, atol=1e-12, err_msg=name)
    both = network(class_weight=chosen).fit(TEXTS, labels, np.arange(60.0), **QUICK)
    right = network().fit(TEXTS, labels, np.arange(60.0) * weights, **QUICK)
    for name, array in tables(both).items():
        assert_allclose(array, tables(right)[name], rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.host
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0] * 59, "sample_weight has shape"),
        *(([odd] + [1.0] * 59, "sample_weight must be finite and not negative") for odd in (-1.0, math.nan)),
        ([0.0] * 60, "sample_weight"),
    ],
)
def test_weights_that_are_none(weights, message):
    with pytest.raises(ValueError, match=message):
        network().fit(TEXTS, SIGNS, weights, **QUICK)


@pytest.mark.host
def test_held_out_texts_in_every_form_are_measured_alike(tmp_path):
    train, measured = (TEXTS[:40], SIGNS[:40]), (TEXTS[40:], SIGNS[40:])
    path = write_tsv(tmp_path / "measured.tsv", *measured)
    forms = [measured, (*measured, np.ones(20)), path, LabelledTexts(path)]
    found = [network().fit(*train, held_out=form, **QUICK) for form in forms]
    losses = [[line["held_out_loss"] for line in model.metrics] for model in found]
    assert losses[0][-1] == found[0].evaluate(*measured).loss
    assert losses[0] == losses[2] == losses[3] == pytest.approx(losses[1], rel=1e-12)
    for model in found:
        assert equal(model, network().fit(*train, **QUICK))
    weighted = network().fit(*train, held_out=(*measured, np.arange(20.0)), **QUICK)
    assert weighted.metrics[-1]["held_out_loss"] == weighted.evaluate(*measured, np.arange(20.0)).loss
    score = network().fit(*train, held_out=measured, monitor="score", **QUICK)
    assert score.metrics[-1]["held_out_loss"] == pytest.approx(1.0 - score.score(*measured))


@pytest.mark.host
def test_a_fraction_is_drawn_and_not_trained_on():
    """A third of the texts have words of their own, so their vectors stay as they were drawn if they are held out."""
    texts = [f"{text} word{number}" for number, text in enumerate(TEXTS)]
    settings = {**QUICK, "epochs": 4, "batch_size": 4}
    model = network(word_dropout=0.0).fit(texts, SIGNS, held_out=0.25, **settings)
    start = network(word_dropout=0.0).fit(texts, SIGNS, held_out=0.25, **{**settings, "learning_rate": 1e-12})
    moved = np.abs(tables(model)[TABLE] - tables(start)[TABLE]).max(axis=1) > 1e-6
    trained = [moved[model.vocabulary.index[f"word{number}"]] for number in range(60)]
    assert sum(trained) == 45
    held = [number for number in range(60) if not trained[number]]
    assert held != list(range(held[0], held[0] + 15))
    evaluation = model.evaluate([texts[k] for k in held], [SIGNS[k] for k in held])
    assert model.metrics[-1]["held_out_loss"] == pytest.approx(evaluation.loss, rel=1e-12)
    other = network(seed=4, word_dropout=0.0).fit(texts, SIGNS, held_out=0.25, **settings)
    assert other.metrics[-1]["held_out_loss"] != model.metrics[-1]["held_out_loss"]


@pytest.mark.host
def test_with_patience_the_best_parameters_are_kept():
    measured = (TEXTS[40:], ["+" if sign == "-" else "-" for sign in SIGNS[40:]])  # learning makes it worse
    settings = {**LEARNING, "evaluate_every": 5, "patience": 2}
    model = network().fit(TEXTS[:40], SIGNS[:40], held_out=measured, **settings)
    losses = [line["held_out_loss"] for line in model.metrics if line["held_out_loss"] is not None]
    assert model.history.step < 125
    assert model.evaluate(*measured).loss == pytest.approx(min(losses), rel=1e-12)


@pytest.mark.host
@pytest.mark.parametrize(
    ("held_out", "error", "message"),
    [
        (0.999, ValueError, "held_out is 0.999, which leaves none of 60 texts to train on"),
        (1.5, ValueError, "held_out"),
        ((TEXTS, ["?"] * 60), ValueError, "training never saw"),
        ((TEXTS, SIGNS[1:]), ValueError, "there are 59 labels for 60 texts"),
        ((TEXTS,), (TypeError, ValueError), "held_out|labels"),
        ((["good", None], ["+", "-"]), TypeError, "each text must be a str, got NoneType None as text 1"),
    ],
)
def test_held_out_texts_that_are_none(held_out, error, message):
    with pytest.raises(error, match=message) as caught:
        network().fit(TEXTS, SIGNS, held_out=held_out, **QUICK)
    assert "\n" not in str(caught.value)
