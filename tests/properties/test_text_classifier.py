"""`TextClassifier` on any texts and labels: it trains, and what is saved, reordered or asked alone answers alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import portnn
from portnn.models.sequence_classifier import TABLE
from portnn.ops import CELLS, POOLINGS
from portnn.text import TEXT_LEVELS

pytestmark = pytest.mark.host

WORDS = st.sampled_from(["good", "bad", "Not", "é", "中文", "123", "!", "a b", "\t", "🙂", ""])
TEXTS = st.text(max_size=12) | st.lists(WORDS, max_size=12).map(" ".join)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
KINDS = [NAMES, st.integers(-(2**60), 2**60), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)]

CHOICES = st.fixed_dictionaries(
    {
        "cell": st.sampled_from(sorted(CELLS)),
        "pooling": st.sampled_from(sorted(POOLINGS)),
        "bidirectional": st.booleans(),
        "num_layers": st.integers(1, 2),
        "embedding_size": st.none() | st.integers(1, 3),
        "level": st.sampled_from([level for level in TEXT_LEVELS if level != "jieba"]),
        "lowercase": st.booleans(),
        "word_dropout": st.sampled_from([0.0, 0.3]),
        "dropout": st.sampled_from([0.0, 0.5]),
        "max_length": st.none() | st.integers(1, 5),
        "min_count": st.integers(1, 2),
    }
)


@st.composite
def labelled(draw):
    """Texts of which at least one has a word, and labels of at least two kinds; or any number of labels each."""
    texts = draw(st.lists(TEXTS, min_size=2, max_size=9))
    texts.append("good good")
    labels = draw(st.sampled_from(KINDS).flatmap(lambda kind: st.lists(kind, min_size=2, max_size=4, unique=True)))
    if draw(st.booleans()):
        several = [draw(st.lists(st.sampled_from(labels), max_size=3, unique=True)) for _ in texts]
        return texts, [labels, *several[1:]], True
    rest = [draw(st.sampled_from(labels)) for _ in texts[2:]]
    return texts, [*labels[:2], *rest], False


@given(labelled(), CHOICES, TEXTS)
@settings(max_examples=60)
def test_any_texts_and_labels_train_and_are_answered_alike_ever_after(tmp_path, data, chosen, new):
    texts, labels, several = data
    model = portnn.TextClassifier(hidden_size=2, seed=1, dtype="float64", multi_label=several, **chosen)
    model.fit(texts, labels, steps=2, batch_size=4, progress=False)
    asked = [*texts, new, ""]
    outputs, answers = model.outputs(asked), model.predict(asked)
    assert np.isfinite(outputs).all()
    assert_allclose(model.outputs(asked[::-1]), outputs[::-1], rtol=0.0, atol=1e-12)
    assert_allclose(np.concatenate([model.outputs([text]) for text in asked]), outputs, rtol=0.0, atol=1e-12)
    known = {label for row in labels for label in row} if several else set(labels)
    assert model.labels.names == sorted(known)
    assert {label for row in answers for label in row} <= known if several else set(answers.tolist()) <= known
    explanation = model.explain(new)
    assert_allclose(explanation.probabilities[-1], model.predict_proba([new])[0], rtol=1e-9, atol=1e-12)
    assert (model.unknown_words([new]) == []) == (all(explanation.known) or explanation.tokens == ("",))

    model.save(tmp_path / "model.safetensors")
    loaded = portnn.load(tmp_path / "model.safetensors")
    assert loaded.outputs(asked).tolist() == outputs.tolist()
    assert list(loaded.predict(asked)) == list(answers)
    assert loaded.evaluate(texts, labels) == model.evaluate(texts, labels)


@given(labelled(), st.integers(0, 3))
@settings(max_examples=30)
def test_texts_in_any_order_are_learned_alike(data, turn):
    """In one batch of all of them, by one step."""
    texts, labels, several = data
    step = {"steps": 1, "batch_size": len(texts), "optimizer": "sgd", "learning_rate": 0.1, "progress": False}
    settled = {"hidden_size": 2, "embedding_size": 2, "seed": 1, "dtype": "float64", "word_dropout": 0.0}
    models = [
        portnn.TextClassifier(multi_label=several, **settled).fit(
            texts[shift:] + texts[:shift], labels[shift:] + labels[:shift], **step
        )
        for shift in (0, turn)
    ]
    for name, array in models[0].params.items():
        assert_allclose(models[1].params[name], array, rtol=1e-10, atol=1e-12, err_msg=name)
    assert models[0].params[TABLE].shape[1] == 2
