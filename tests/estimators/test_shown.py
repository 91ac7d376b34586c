"""How estimators show themselves: a line that makes them again, and in a notebook what they have learned."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import numpy as np
import pytest

import portnn
from portnn.backends import backend_of
from portnn.settings import brief
from portnn.tables import Classes, Table
from portnn.text import Phrases, Sentences, count_words, read_corpus
from portnn.training import DivergenceError, RunFolder

from .examples import every_estimator, fit, make

each = pytest.mark.parametrize("name", every_estimator)
ENOUGH = 200
"""Characters of any line that shows an object."""


def made_again(text: str):
    return eval(text, {name: getattr(portnn, name) for name in every_estimator})


def parsed(model) -> ElementTree.Element:
    """The HTML of a model, which is XML as well."""
    return ElementTree.fromstring(model._repr_html_().replace("<details open>", "<details>"))


@pytest.mark.host
@each
def test_a_new_estimator_is_the_call_of_its_settings(name):
    assert repr(estimator := getattr(portnn, name)()) == f"{name}()  # not fitted"
    assert made_again(repr(estimator)).settings == estimator.settings
    model = make(name)
    again = made_again(repr(model))
    assert again.settings.to_json() == model.settings.to_json()
    assert repr(again) == repr(model)


@pytest.mark.host
@pytest.mark.parametrize(
    ("model", "text"),
    [
        (portnn.CharRNN("gru", 16), "CharRNN(cell='gru', hidden_size=16)"),
        (portnn.CharRNN(cell="lstm", hidden_size=128), "CharRNN()"),
        (portnn.CharRNN(dtype="float64"), "CharRNN(dtype='float64')"),
        (portnn.CharRNN(backend=portnn.backend("numpy", dtype="float64")), "CharRNN(dtype='float64')"),
        (portnn.MLP(backend="numpy"), "MLP(backend='numpy')"),
        (portnn.MLP((50, 50), seed=np.int64(3)), "MLP(hidden_layer_sizes=(50, 50), seed=3)"),
        (portnn.MLP(class_weight={"a\n<b>": 2.0}), r"MLP(class_weight={'a\n<b>': 2.0})"),
        (portnn.MLP(class_weight=dict.fromkeys(range(1000), 1.0)), "MLP(class_weight=dict of 1,000)"),
        (portnn.MLP((4,) * 100), "MLP(hidden_layer_sizes=tuple of 100)"),
    ],
)
def test_settings_that_differ_from_their_defaults(model, text):
    assert repr(model) == f"{text}  # not fitted"


@each
def test_a_fitted_estimator_says_so_wherever_it_is(name, backend, tmp_path):
    model = fit(make(name, backend))
    assert repr(model).endswith(")  # fitted, 6 steps")
    assert len(repr(model).splitlines()) == 1
    assert made_again(repr(model)).settings.to_json() == model.settings.to_json()
    model.save(tmp_path / "model.safetensors")
    loaded = portnn.load(tmp_path / "model.safetensors")
    assert repr(loaded).endswith(")  # fitted")
    assert "fitted" in "".join(parsed(loaded).itertext())


@each
def test_a_moved_estimator_names_where_it_is(name, backend):
    model = fit(make(name)).to(backend)
    assert str(made_again(repr(model)).backend) == str(backend)
    assert str(backend) in "".join(parsed(model).itertext())


@pytest.mark.host
@each
def test_a_run_that_failed_changes_nothing_that_is_shown(name):
    model = make(name)
    before = repr(model), model._repr_html_()
    with pytest.raises((DivergenceError, ValueError)):
        fit(model, optimizer="sgd", divergence_factor=1e-9)
    assert (repr(model), model._repr_html_()) == before


@each
def test_a_notebook_sees_what_has_been_learned(name, backend):
    model = fit(make(name, backend), log_every=2, evaluate_every=2)
    page = parsed(model)
    text = " ".join(page.itertext())
    entries = sum(math.prod(array.shape) for array in model.params.values())
    assert f"{entries:,} parameters in {len(model.params)} arrays" in text
    for parameter, array in model.params.items():
        assert parameter in text
        assert str(tuple(array.shape)) in text
    assert f"loss {model.metrics[-1]['loss']:.3f}" in text
    picture = page.find(".//svg")
    assert picture.get("role") == "img"
    assert picture.get("aria-label") == picture.find("title").text
    assert picture.get("aria-label").startswith(f"Loss from {model.metrics[0]['loss']:.3f} at step 2 to ")
    measured = model.metrics[-1]["held_out_loss"] is not None
    assert len(picture.findall("polyline")) == 1 + measured
    assert ("held-out loss" in text) is measured


@pytest.mark.host
def test_what_is_shown_is_escaped_and_holds_no_data():
    model = portnn.MLP((3,), class_weight={"<script>": 2.0, "&": 1.0})
    X = np.full((20, 2), 12345.678)
    model.fit(X, ["<script>", "&"] * 10, epochs=2, progress=False)
    page = model._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "12345" not in page


@pytest.mark.host
def test_a_long_run_is_a_short_page():
    model = fit(make("MLP"))
    model.metrics = [{"step": n, "loss": 1.0 / n, "held_out_loss": 2.0 / n} for n in range(1, 100_001)]
    curves = parsed(model).findall(".//polyline")
    assert all(len(curve.get("points").split()) <= 201 for curve in curves)
    assert len(model._repr_html_()) < 10_000


@pytest.mark.host
@pytest.mark.parametrize("losses", [[1.0], [0.0, 0.0], [math.nan, math.nan], [math.inf, 1.0, 2.0], []])
def test_any_losses_can_be_shown(losses):
    model = fit(make("MLP"))
    model.metrics = [{"step": n, "loss": loss, "held_out_loss": None} for n, loss in enumerate(losses, start=1)]
    page = ElementTree.tostring(parsed(model), encoding="unicode")
    assert "nan" not in page
    assert "inf" not in page


@pytest.mark.host
def test_nothing_that_holds_data_shows_them(tmp_path):
    words = " ".join(f"word{n}" for n in range(5000))
    corpus = read_corpus(words, level="word")
    rnn, word2vec = fit(make("CharRNN")), fit(make("Word2Vec"))
    table = Table(np.zeros((2000, 30)), np.arange(2000), tuple(f"column{n}" for n in range(30)), None, "a.csv")
    shown = {
        "Corpus": (corpus, "vocabulary=Vocabulary(level='word', tokens=tuple of 5,000, unknown=True"),
        "Vocabulary": (corpus.vocabulary, "tokens=tuple of 5,000"),
        "WordCounts": (count_words(words), "counts=dict of 5,000"),
        "WordVocabulary": (word2vec.vocabulary, "counts=int64 (6,)"),
        "Phrases": (Phrases(words), "0 phrases"),
        "Sentences": (Sentences(words), "'text'"),
        "KeyedVectors": (word2vec.wv, "6 words of 4 values"),
        "Table": (table, "x=float64 (2000, 30)"),
        "Classes": (Classes(np.arange(5000)), "labels=int64 (5000,)"),
        "RunFolder": (RunFolder(tmp_path), str(tmp_path)),
        "backend": (backend_of(x=np.zeros(1)), "'numpy'"),
    }
    for kind, (value, part) in shown.items():
        text = repr(value)
        assert text.startswith(f"{kind}("), text
        assert part in text
        assert len(text.splitlines()) == 1
        assert len(text) < ENOUGH
    run = repr(rnn.history)
    assert run.startswith("RunState(params=dict of ")
    assert "step=6" in run
    assert "array(" not in run


def test_a_backend_is_the_call_that_chooses_it(backend):
    again = eval(repr(backend), {"backend": portnn.backend})
    assert str(again) == str(backend)
    assert brief(backend) == repr(backend)
