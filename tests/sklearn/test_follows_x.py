"""With array API dispatch on, everything is where X is: library, device, dtype."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose

import portnn
from portnn.backends import backend_of, device, is_array
from portnn.sklearn import MLPClassifier, MLPRegressor, SoftmaxClassifier

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.scikit_learn_dispatch,
]

KINDS = {
    "binary": (MLPClassifier, {"hidden_layer_sizes": (5,)}),
    "one class": (MLPClassifier, {"hidden_layer_sizes": (5,)}),
    "multiclass": (
        MLPClassifier,
        {"hidden_layer_sizes": (5, 4), "activation": "tanh", "dropout": 0.2, "batch_size": 16},
    ),
    "multilabel": (MLPClassifier, {"hidden_layer_sizes": 5, "solver": "sgd"}),
    "softmax": (SoftmaxClassifier, {}),
    "regression": (MLPRegressor, {"hidden_layer_sizes": (5,), "solver": "lbfgs"}),
    "counts": (MLPRegressor, {"hidden_layer_sizes": (5,), "loss": "poisson"}),
    "multioutput": (MLPRegressor, {"hidden_layer_sizes": (5,), "early_stopping": True, "activation": "rbf"}),
}


@pytest.fixture(autouse=True)
def dispatch():
    with sklearn.config_context(array_api_dispatch=True):
        yield


@pytest.fixture
def table(rng):
    X = rng.normal(size=(40, 3))
    score = X[:, 0] - X[:, 1]
    return X, {
        "binary": (score > 0).astype(np.int64),
        "one class": np.full(40, 7),
        "multiclass": np.digitize(score, [-0.5, 0.5]),
        "softmax": np.digitize(score, [-0.5, 0.5]),
        "multilabel": np.stack([score > 0, X[:, 2] > 0], axis=1).astype(np.int64),
        "regression": score,
        "counts": np.round(np.exp(score)),
        "multioutput": np.stack([score, X[:, 2]], axis=1),
    }


def made(kind, **settings):
    estimator, defaults = KINDS[kind]
    return estimator(max_iter=5, random_state=3).set_params(**{**defaults, **settings})


def assert_place(array, place, dtype=None):
    assert is_array(array)
    assert portnn.backends.library_name(portnn.backends.namespace(array=array)) == place.name
    assert place.device is None or device(array) == place.device
    if dtype is not None:
        assert array.dtype == getattr(place.xp, dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", KINDS)
def test_attributes_and_predictions(kind, dtype, backend, backend32, table):
    place = backend if dtype == "float64" else backend32
    X, y = table[0], table[1][kind]
    moved = place.asarray(X)
    model = made(kind).fit(moved, place.asarray(y))
    host = made(kind).fit(X, y)
    tolerance = 1e-9 if dtype == "float64" else 1e-3
    for array in (*model.coefs_, *model.intercepts_):
        assert_place(array, place, dtype)
    assert_place(model.predict(moved), place)
    for name in ("predict_proba", "predict_log_proba"):
        if hasattr(model, name):
            probabilities = getattr(model, name)(moved)
            assert_place(probabilities, place, dtype)
            assert_allclose(place.to_host(probabilities), getattr(host, name)(X), atol=10 * tolerance)
    if kind in ("regression", "counts", "multioutput"):
        assert_place(model.predict(moved), place, dtype)
        assert_allclose(place.to_host(model.predict(moved)), host.predict(X), atol=10 * tolerance)
    else:
        assert_place(model.classes_, place)
        assert np.array_equal(place.to_host(model.classes_), host.classes_)
        assert place.to_host(model.predict(moved)).shape == y.shape
    if dtype == "float64":
        for array, expected in zip(model.coefs_, host.coefs_, strict=True):
            assert_allclose(place.to_host(array), expected, atol=tolerance)
    assert isinstance(model.score(moved, place.asarray(y)), float)


def test_y_and_weights_are_moved_to_x(backend, table):
    X, y = table[0], table[1]["binary"]
    weights = np.linspace(0.1, 2.0, len(y))
    moved = backend.asarray(X)
    first = made("binary").fit(moved, y, weights)
    second = made("binary").fit(moved, backend.asarray(y), backend.asarray(weights))
    third = made("binary").fit(moved, y.tolist(), weights.tolist())
    alike = made("binary").fit(moved, y)
    for other in (second, third):
        assert_allclose(backend.to_host(first.coefs_[0]), backend.to_host(other.coefs_[0]), rtol=1e-12)
    assert np.any(backend.to_host(first.coefs_[0]) != backend.to_host(alike.coefs_[0]))
    assert first.score(moved, y) == first.score(moved, backend.asarray(y))
    assert_place(first.predict(moved), backend)


def test_y_of_another_library(backend, table):
    strict = portnn.backend("array-api-strict", device="device2", dtype="float64")
    X, y = backend.asarray(table[0]), table[1]["binary"]
    model = made("binary").fit(X, strict.asarray(y))
    assert_allclose(backend.to_host(model.coefs_[0]), backend.to_host(made("binary").fit(X, y).coefs_[0]), rtol=1e-12)
    assert model.score(X, strict.asarray(y)) == model.score(X, y)


def test_labels_that_are_strings_stay_on_the_host(backend, table):
    X, y = backend.asarray(table[0]), np.where(table[1]["binary"] > 0, "yes", "no")
    model = made("binary").fit(X, y)
    assert model.classes_.tolist() == ["no", "yes"]
    assert isinstance(model.predict(X), np.ndarray)
    assert set(model.predict(X)) <= {"no", "yes"}
    assert 0.0 <= model.score(X, y) <= 1.0


def test_epochs_one_by_one(backend, table):
    X, y = backend.asarray(table[0]), table[1]["multiclass"]
    model = made("multiclass").partial_fit(X, y, classes=backend.asarray(np.arange(3)))
    before = backend.to_host(model.coefs_[0]).copy()
    model.partial_fit(X, y, classes=np.arange(3))
    assert_place(model.coefs_[0], backend, "float64")
    assert np.any(backend.to_host(model.coefs_[0]) != before)
    assert model.t_ == 80


def test_whole_numbers_in_x(backend, table):
    X = backend.asarray(np.round(table[0]).astype(np.int64))
    model = made("binary").fit(X, table[1]["binary"])
    assert_place(model.coefs_[0], backend, "float64")
    assert model.predict(X).shape == (40,)


def test_moved_to_numpy_and_back(backend, table):
    X, y = table[0], table[1]["binary"]
    moved = backend.asarray(X)
    model = made("binary").fit(moved, y)
    expected = backend.to_host(model.predict_proba(moved))
    assert model.to("numpy") is model
    assert isinstance(model.coefs_[0], np.ndarray)
    assert_allclose(model.predict_proba(X), expected, rtol=1e-12)
    assert_allclose(backend.to_host(model.to(backend).predict_proba(moved)), expected, rtol=1e-12)


def test_pickled(backend, table):
    X = backend.asarray(table[0])
    for kind in ("binary", "regression"):
        model = made(kind).fit(X, table[1][kind])
        again = pickle.loads(pickle.dumps(model))
        assert_place(again.coefs_[0], backend, "float64")
        assert np.array_equal(backend.to_host(again.predict(X)), backend.to_host(model.predict(X)))


def test_other_libraries_and_devices_are_refused(backend, table):
    X, y = table[0], table[1]["binary"]
    moved = backend.asarray(X)
    model = made("binary").fit(moved, y)
    strict = portnn.backend("array-api-strict", device="device2", dtype="float64")
    with pytest.raises(ValueError, match=r"MLPClassifier.predict\(\) must use the same namespace and the same device"):
        model.predict(strict.asarray(X))
    with pytest.raises(ValueError, match=r"MLPClassifier.fit\(\) must use the same namespace"):
        model.set_params(warm_start=True).fit(strict.asarray(X), y)
    if not backend.library.on_host:
        with pytest.raises(ValueError, match=rf"X is on numpy \(cpu\), the network on {backend.name} "):
            model.predict_proba(X)
        with pytest.raises(ValueError, match="must use the same namespace"):
            model.predict(X.tolist())


def test_nan_and_infinity(backend, table):
    X, y = table[0].copy(), table[1]["binary"]
    model = made("binary").fit(backend.asarray(X), y)
    X[3, 1] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        made("binary").fit(backend.asarray(X), y)
    X[3, 1] = np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        model.predict(backend.asarray(X))


def test_without_dispatch_x_becomes_numpy(backend, table):
    X, y = backend.asarray(table[0]), table[1]["binary"]
    with sklearn.config_context(array_api_dispatch=False):
        model = made("binary").fit(X, y)
        assert isinstance(model.coefs_[0], np.ndarray)
        assert isinstance(model.predict(X), np.ndarray)
        assert_allclose(model.coefs_[0], made("binary").fit(table[0], y).coefs_[0], rtol=1e-12)


def test_a_network_on_a_library_predicts_without_dispatch(backend, table):
    model = made("binary").fit(backend.asarray(table[0]), table[1]["binary"])
    with sklearn.config_context(array_api_dispatch=False):
        probabilities = model.predict_proba(table[0])
    assert isinstance(probabilities, np.ndarray)
    assert backend_of(weights=model.coefs_[0]).name == backend.name


@pytest.mark.torch_oracle
@pytest.mark.parametrize("kind", ["binary", "regression", "counts", "multioutput"])
def test_gradients_that_a_tensor_requires_lead_nowhere(kind, table):
    import torch

    X, y = torch.tensor(table[0], requires_grad=True), torch.tensor(table[1][kind])
    weights = torch.ones(40, dtype=torch.float64, requires_grad=True)
    model, right = made(kind).fit(X, y, weights), made(kind).fit(X.detach(), y, weights.detach())
    for array, expected in zip((*model.coefs_, *model.intercepts_), (*right.coefs_, *right.intercepts_), strict=True):
        assert not array.requires_grad
        assert torch.equal(array, expected)
    assert not model.predict(X).requires_grad
    assert model.score(X, y, weights) == right.score(X.detach(), y, weights.detach())
    pickle.loads(pickle.dumps(model)).predict(X).numpy()
