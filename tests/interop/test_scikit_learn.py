"""Networks of scikit-learn: the same outputs, and the same weights after one step."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn
from portnn.ops import ACTIVATIONS

ROWS = 20
TOLERANCE = 1e-12


class Perceptron:
    """What scikit-learn's perceptrons have, without scikit-learn."""

    activation, out_activation_ = "tanh", "softmax"
    coefs_ = (np.asarray([[1.0, 0.0]]), np.asarray([[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]]))
    intercepts_ = (np.zeros(2), np.asarray([0.0, 0.5, 0.0]))
    classes_ = np.asarray(["a", "b", "c"])


@pytest.mark.host
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression", "multioutput", "counts"])
def test_from_sklearn(kind, activation, table, one_step):
    from sklearn import neural_network

    X, score = table
    y = {
        "binary": np.where(score > 0, "yes", "no"),
        "multiclass": np.digitize(score, [-0.5, 0.5]),
        "multilabel": np.stack([score > 0, X[:, 3] > 0], axis=1).astype(int),
        "regression": score,
        "multioutput": np.stack([score, X[:, 3]], axis=1),
        "counts": np.round(np.exp(score)),
    }[kind]
    regression = kind in ("regression", "multioutput", "counts")
    theirs = (neural_network.MLPRegressor if regression else neural_network.MLPClassifier)(
        hidden_layer_sizes=(5, 4),
        activation=activation,
        solver="sgd",
        momentum=0.0,
        batch_size=ROWS,
        shuffle=False,
        alpha=0.3,
        learning_rate_init=0.1,
        random_state=0,
        **({"loss": "poisson"} if kind == "counts" else {}),
    )
    classes = np.arange(2) if kind == "multilabel" else np.unique(y)
    theirs.partial_fit(X, y, **({} if regression else {"classes": classes}))
    ours = portnn.from_sklearn(theirs, l2=0.3 / ROWS)
    if regression:
        assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=TOLERANCE)
    else:
        assert np.array_equal(ours.predict(X), theirs.predict(X))
        assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=TOLERANCE, atol=TOLERANCE)
    before = theirs.coefs_[0].copy()
    after = one_step(ours, X, y, 0.1)
    theirs.partial_fit(X, y)
    assert np.max(np.abs(theirs.coefs_[0] - before)) > 1e-4
    expected = [array for layer in zip(theirs.coefs_, theirs.intercepts_, strict=True) for array in layer]
    for array, wanted in zip(after, expected, strict=True):
        assert_allclose(array, wanted, rtol=0, atol=TOLERANCE)


def test_from_anything_like_it_on_any_library(backend, one_step):
    model = portnn.from_sklearn(Perceptron(), backend=backend)
    assert model.backend is backend
    X = backend.asarray(np.asarray([[2.0], [-2.0]]))
    assert model.predict(X).tolist() == ["a", "c"]
    assert np.array_equal(Perceptron.coefs_[0], [[1.0, 0.0]])
    one_step(model, backend.asarray(np.ones((ROWS, 1))), ["b"] * ROWS, 0.1)
    assert np.array_equal(Perceptron.coefs_[0], [[1.0, 0.0]]), "training wrote into the weights it was given"


@pytest.mark.host
@pytest.mark.parametrize("dtype", [">f8", "g", ">f4", "f2"])
def test_weights_of_any_dtype(dtype):
    plain, other = Perceptron(), Perceptron()
    own = "float64" if np.dtype(dtype).itemsize > 4 else "float32"
    for name in ("coefs_", "intercepts_"):
        setattr(plain, name, [array.astype(own) for array in getattr(Perceptron, name)])
        setattr(other, name, [array.astype(dtype) for array in getattr(Perceptron, name)])
    model = portnn.from_sklearn(other)
    assert model.backend.dtype == own
    assert np.array_equal(model.outputs([[0.5]]), portnn.from_sklearn(plain).outputs([[0.5]]))


@pytest.mark.host
def test_dtype_and_saving(tmp_path):
    assert portnn.from_sklearn(Perceptron()).params["layers.0.weight"].dtype == np.float64
    model = portnn.from_sklearn(Perceptron(), dtype="float32")
    assert model.params["layers.0.weight"].dtype == np.float32
    model.save(tmp_path / "model.safetensors")
    assert portnn.load(tmp_path / "model.safetensors").predict([[2.0]]).tolist() == ["a"]


@pytest.mark.host
def test_messages_for_sklearn():
    with pytest.raises(TypeError, match="object is not a fitted perceptron of scikit-learn: it has no coefs_"):
        portnn.from_sklearn(object())
    odd = Perceptron()
    odd.activation = "none such"
    with pytest.raises(ValueError, match=f"unknown activation 'none such'; known: {', '.join(sorted(ACTIVATIONS))}"):
        portnn.from_sklearn(odd)
    odd = Perceptron()
    odd.out_activation_ = "step"
    with pytest.raises(ValueError, match="unknown out_activation_ 'step'; known: softmax, logistic, identity, exp"):
        portnn.from_sklearn(odd)
    odd = Perceptron()
    odd.classes_ = np.asarray(["a", "b"])
    with pytest.raises(ValueError, match="cross_entropy: 2 class labels, but the network has 3 outputs"):
        portnn.from_sklearn(odd)


@pytest.mark.host
def test_from_a_softmax_classifier_of_portnn(rng):
    from portnn.sklearn import SoftmaxClassifier

    X = rng.normal(size=(60, 3))
    trained = SoftmaxClassifier(random_state=0).fit(X, np.argmax(X, axis=1))
    assert_allclose(portnn.from_sklearn(trained).predict_proba(X), trained.predict_proba(X), rtol=1e-12)
