"""Bad input to feed-forward models, and the messages about it."""

import numpy as np
import pytest

import portnn
from portnn.backends import Backend
from portnn.objectives import OBJECTIVES
from portnn.ops import ACTIVATIONS

QUIET = {"progress": False}


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).normal(size=(12, 3))


@pytest.fixture(scope="module")
def y():
    return np.arange(12) % 2


@pytest.fixture(scope="module")
def fitted(backend, x, y):
    return portnn.MLP((4,), backend=backend).fit(x, y, epochs=1, **QUIET)


class Sparse:
    """Looks like a sparse matrix of SciPy."""

    shape = (12, 3)

    def tocsr(self):
        return self


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda x: x[0], ValueError, r"X has shape \(3,\), expected two axes .*X.reshape\(1, -1\)"),
        (lambda x: x[:, :, None], ValueError, r"X has shape \(12, 3, 1\), expected two axes"),
        (lambda x: x[:0], ValueError, r"X has shape \(0, 3\): it has no rows"),
        (lambda x: x[:, :0], ValueError, r"X has shape \(12, 0\): it has no columns"),
        (lambda x: np.where(np.arange(36).reshape(12, 3) == 22, np.nan, x), ValueError, "first at row 7, column 1"),
        (lambda x: np.where(np.arange(36).reshape(12, 3) == 5, np.inf, x), ValueError, "first at row 1, column 2"),
        (lambda x: x + 1j, TypeError, "X has dtype complex128, expected real numbers"),
        (lambda x: x.astype(str) + "?", TypeError, "X has dtype <U.*, expected real numbers"),
        (lambda x: Sparse(), TypeError, r"X is sparse \(Sparse\), .*X.toarray\(\) makes it dense"),
    ],
)
def test_tables_that_are_refused(fitted, x, y, change, kind, message):
    with pytest.raises(kind, match=message):
        portnn.MLP((4,)).fit(change(x), y, **QUIET)
    if "complex" not in message:
        with pytest.raises(kind, match=message):
            fitted.predict(change(x))


def test_nan_on_the_library_itself(backend, x, y):
    bad = x.copy()
    bad[7, 1] = np.nan
    with pytest.raises(ValueError, match="X contains NaN or infinity, first at row 7, column 1"):
        portnn.MLP((4,)).fit(backend.asarray(bad), y, **QUIET)


def test_a_table_of_another_width(fitted, x):
    with pytest.raises(ValueError, match="X has 2 features, but the model expects 3"):
        fitted.predict(x[:, :2])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.arange(11) % 2, "y has 11 rows, but X has 12"),
        (np.zeros(12), "y has only one class, 0.0; a classifier needs at least two"),
        (["a"] * 12, "y has only one class, 'a'"),
        (np.where(np.arange(12) == 3, np.nan, 1.0), "y contains NaN or infinity"),
        (np.ones((12, 2)), r"y has shape \(12, 2\), expected one axis of class labels"),
        (np.asarray([1, "a"] * 6, dtype=object), "y has labels of several types: int, str"),
        (np.asarray([None] * 12), "y has None in row 0; class labels must not be missing"),
    ],
)
def test_labels_that_are_refused(backend, x, labels, message):
    with pytest.raises(ValueError, match=message):
        portnn.MLP((4,), backend=backend).fit(x, labels, **QUIET)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones(11), "y has 11 rows, but X has 12"),
        (np.full(12, np.inf), "y contains NaN or infinity"),
    ],
)
def test_values_that_are_refused(backend, x, values, message):
    with pytest.raises(ValueError, match=message):
        portnn.LinearRegression(backend=backend).fit(x, values, **QUIET)


def test_labels_that_training_never_saw(fitted, x):
    with pytest.raises(ValueError, match="y has labels that training never saw: 5; the classes are 0, 1"):
        fitted.score(x, np.where(np.arange(12) == 0, 5, 1))
    with pytest.raises(ValueError, match="training never saw: 'a'; the classes are 0, 1; the first of these rows is 0"):
        fitted.score(x, ["a"] * 12)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(11), r"sample_weight has shape \(11,\), expected \(12,\)"),
        (-np.ones(12), "sample_weight must be finite and not negative"),
        (np.full(12, np.nan), "sample_weight must be finite and not negative"),
        (np.zeros(12), "sample_weight is zero everywhere"),
    ],
)
def test_weights_that_are_refused(backend, x, y, weights, message):
    with pytest.raises(ValueError, match=message):
        portnn.MLP((4,), backend=backend).fit(x, y, weights, **QUIET)


def test_arrays_of_another_library(backend, x, y):
    import array_api_strict

    other = "numpy" if backend.name == "array-api-strict" else "array-api-strict"
    strange = array_api_strict.asarray(x)
    if other == "numpy":  # NumPy arrays are moved, so the stranger has to be the model
        model = portnn.MLP((4,)).fit(x, y, epochs=1, **QUIET)
        with pytest.raises(TypeError, match="X belongs to array-api-strict, but the model to numpy; `to` moves"):
            model.predict(strange)
    else:
        model = portnn.MLP((4,), backend=backend).fit(x, y, epochs=1, **QUIET)
        with pytest.raises(TypeError, match=f"X belongs to array-api-strict, but the model to {backend.name}"):
            model.predict(strange)


@pytest.mark.host
def test_arrays_on_another_device(x, y):
    import array_api_strict as strict

    first, second = (strict.asarray(x, device=strict.Device(name)) for name in ("CPU_DEVICE", "device1"))
    model = portnn.MLP((4,)).fit(second, y, epochs=1, **QUIET)
    with pytest.raises(ValueError, match=r"X is on device .*CPU_DEVICE.*, but the model on .*device1"):
        model.predict(first)


@pytest.mark.host
def test_targets_of_another_library_or_device_are_moved(x, y):
    import array_api_strict as strict

    model = portnn.MLP((4,)).fit(
        strict.asarray(x, device=strict.Device("device1")), strict.asarray(y), epochs=1, **QUIET
    )
    assert isinstance(model.backend, Backend)
    assert model.score(x, strict.asarray(y)) >= 0.0


@pytest.mark.host
def test_names_that_are_unknown(x, y):
    with pytest.raises(ValueError, match=f"unknown activation 'none such'; known: {', '.join(sorted(ACTIVATIONS))}"):
        portnn.MLP(activation="none such")
    with pytest.raises(ValueError, match=f"unknown objective 'hinge'; known: {', '.join(OBJECTIVES)}"):
        portnn.MLP(objective="hinge")
    with pytest.raises(ValueError, match="unknown optimizer 'lion'; known: sgd, momentum, nesterov, adagrad, rmsprop"):
        portnn.MLP().fit(x, y, optimizer="lion", **QUIET)
    with pytest.raises(ValueError, match='class_weight must be a dict or "balanced", got'):
        portnn.MLP(class_weight="even")
    with pytest.raises(ValueError, match="class_weight is for classifiers"):
        portnn.MLP(objective="squared_error", class_weight="balanced")


@pytest.mark.host
def test_an_unfitted_model_predicts_nothing(x):
    with pytest.raises(ValueError, match="this MLP has not been fitted yet; call fit"):
        portnn.MLP().predict(x)


@pytest.mark.host
def test_lists_and_whole_numbers_are_tables(y):
    model = portnn.MLP((4,)).fit([[i, i % 3] for i in range(12)], y.tolist(), epochs=1, **QUIET)
    assert model.backend.dtype == "float64"
    assert model.predict([[1, 2]]).shape == (1,)
