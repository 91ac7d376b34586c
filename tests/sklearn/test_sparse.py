"""Sparse X and y: what comes of them is what comes of dense ones, and X is never dense as a whole."""

from __future__ import annotations

import copy
import tracemalloc
import warnings

import numpy as np
import pytest
import scipy.sparse
import sklearn
from numpy.testing import assert_allclose
from sklearn import neural_network
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from portnn.sklearn import MLPClassifier, MLPRegressor, SoftmaxClassifier

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

FORMATS = ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"]
ROWS = 60
SETTINGS = {"max_iter": 4, "batch_size": 16, "random_state": 0}
ESTIMATORS = [
    MLPClassifier((5,), **SETTINGS),
    MLPClassifier((5,), early_stopping=True, validation_fraction=0.3, **SETTINGS),
    MLPClassifier((5,), solver="lbfgs", max_iter=4, random_state=0),
    MLPClassifier((5,), solver="sgd", shuffle=False, dropout=0.3, class_weight="balanced", **SETTINGS),
    MLPRegressor((5,), **SETTINGS),
    MLPRegressor((5,), early_stopping=True, validation_fraction=0.3, loss="poisson", **SETTINGS),
    MLPRegressor((), solver="lbfgs", max_iter=4, random_state=0),
    SoftmaxClassifier(max_iter=4, random_state=0),
]

each = pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)


@pytest.fixture
def dense(rng):
    return np.where(rng.random((ROWS, 5)) < 0.4, np.round(rng.normal(size=(ROWS, 5)) * 8.0), 0.0)


@pytest.fixture
def y(dense):
    return np.digitize(dense[:, 0] - dense[:, 1], [-3.0, 3.0])


def fitted(estimator, X, y, weights=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a batch of 16 is larger than what is left
        return copy.deepcopy(estimator).fit(X, y, weights)


def assert_same(ours, right, X, dense, y, tolerance=1e-9):
    for array, expected in zip((*ours.coefs_, *ours.intercepts_), (*right.coefs_, *right.intercepts_), strict=True):
        assert array.dtype == expected.dtype
        assert_allclose(array, expected, rtol=0, atol=tolerance)
    for method in ("predict_proba", "predict_log_proba", "predict"):
        if hasattr(ours, method):
            result = getattr(ours, method)(X)
            assert isinstance(result, np.ndarray)
            assert_allclose(result, getattr(right, method)(dense), rtol=tolerance, atol=tolerance)
    assert ours.score(X, y) == pytest.approx(right.score(dense, y), abs=tolerance)
    assert ours.loss_ == pytest.approx(right.loss_, rel=tolerance)
    if ours.early_stopping:
        assert ours.validation_scores_ == pytest.approx(right.validation_scores_, abs=tolerance)


@each
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csr_matrix], ids=["array", "matrix"])
def test_fit(estimator, kind, weighted, dense, y):
    weights = np.linspace(0.5, 2.0, ROWS) if weighted else None
    X = kind(dense)
    assert_same(fitted(estimator, X, y, weights), fitted(estimator, dense, y, weights), X, dense, y)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format(form, dense, y):
    right, X = fitted(ESTIMATORS[0], dense, y), scipy.sparse.csr_array(dense).asformat(form)
    assert_same(fitted(ESTIMATORS[0], X, y), right, X, dense, y)
    right = copy.deepcopy(ESTIMATORS[0]).partial_fit(dense, y, classes=[0, 1, 2]).partial_fit(dense, y)
    ours = copy.deepcopy(ESTIMATORS[0]).partial_fit(X, y, classes=[0, 1, 2]).partial_fit(X, y)
    assert_same(ours, right, X, dense, y)


@each
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64", "uint16", "bool"])
def test_every_dtype(estimator, dtype, dense, y):
    dense = np.abs(dense).astype(dtype)
    X = scipy.sparse.csr_array(dense)
    model = fitted(estimator, X, y)
    assert model.coefs_[0].dtype == ("float32" if dtype == "float32" else "float64")
    assert_same(model, fitted(estimator, dense, y), X, dense, y, 1e-3 if dtype == "float32" else 1e-9)


def test_entries_in_any_order_given_twice_or_zero(dense, y):
    X = scipy.sparse.coo_array(dense)
    rng = np.random.default_rng(1)
    order = rng.permutation(X.nnz)
    data = np.concatenate([X.data[order] / 2.0, X.data / 2.0, np.zeros(7)])
    row = np.concatenate([X.row[order], X.row, rng.integers(0, ROWS, 7)])
    column = np.concatenate([X.col[order], X.col, rng.integers(0, 5, 7)])
    by_row = np.argsort(row, kind="stable")
    starts = np.searchsorted(row[by_row], np.arange(ROWS + 1)).astype(np.int64)
    untidy = scipy.sparse.csr_array((data[by_row], column[by_row].astype(np.int64), starts), shape=dense.shape)
    before = untidy.data.copy()
    assert not untidy.has_canonical_format
    model = fitted(ESTIMATORS[0], untidy, y)
    assert_same(model, fitted(ESTIMATORS[0], dense, y), untidy, dense, y)
    assert np.array_equal(untidy.data, before)


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csr_matrix, scipy.sparse.csc_array])
def test_sparse_answers(kind, dense):
    answers = (dense[:, :3] > 0.0).astype(np.int64)
    for X in (dense, kind(dense)):
        model = fitted(ESTIMATORS[0], X, kind(answers))
        right = fitted(ESTIMATORS[0], dense, answers)
        assert_same(model, right, X, dense, answers)
        assert model.score(X, kind(answers)) == right.score(dense, answers)
    regression = MLPRegressor((5,), **SETTINGS)
    assert_same(fitted(regression, kind(dense), kind(answers)), fitted(regression, dense, answers), X, dense, answers)


def test_a_step_is_that_of_scikit_learn(dense, y):
    X = scipy.sparse.csr_array(dense)
    settings = {"solver": "sgd", "momentum": 0.0, "batch_size": ROWS, "shuffle": False, "alpha": 0.3}
    ours = MLPClassifier((5,), random_state=0, **settings).partial_fit(X, y, classes=[0, 1, 2])
    theirs = neural_network.MLPClassifier((5,), random_state=0, **settings).partial_fit(X, y, classes=[0, 1, 2])
    theirs.coefs_, theirs.intercepts_ = [c.copy() for c in ours.coefs_], [b.copy() for b in ours.intercepts_]
    ours.partial_fit(X, y)
    theirs.partial_fit(X, y)
    for array, expected in zip((*ours.coefs_, *ours.intercepts_), (*theirs.coefs_, *theirs.intercepts_), strict=True):
        assert_allclose(array, expected, rtol=0, atol=1e-12)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-12)


def test_after_words(rng):
    texts = np.where(rng.random(90) < 0.5, "the cat sat on the mat", "dogs run in the park").tolist()
    texts = [f"{text} {word}" for text, word in zip(texts, rng.choice(["today", "now", "again"], 90), strict=True)]
    y = ["cat" if "cat" in text else "dog" for text in texts]
    for estimator in (SoftmaxClassifier(), MLPClassifier((4,), learning_rate_init=0.05, random_state=0)):
        assert cross_val_score(make_pipeline(TfidfVectorizer(), estimator), texts, y, cv=3).mean() == 1.0


def test_on_another_library_rows_are_moved(dense, y):
    X = scipy.sparse.csr_array(dense)
    model = fitted(ESTIMATORS[0], X, y)
    expected = model.predict_proba(X)
    assert_allclose(model.to("array-api-strict").predict_proba(X), expected, rtol=0, atol=1e-12)
    with sklearn.config_context(array_api_dispatch=True):
        right = fitted(ESTIMATORS[0], X, y)
        assert_same(right, fitted(ESTIMATORS[0], dense, y), X, dense, y)
        with pytest.raises(ValueError, match="must use the same namespace and the same device"):
            model.predict(X)


def wide(rows, features):
    columns = np.arange(rows) % 7
    return scipy.sparse.csr_array((np.ones(rows), (np.arange(rows), columns)), shape=(rows, features)), columns % 2


@pytest.mark.parametrize(
    "estimator",
    [
        MLPClassifier((2,), max_iter=1, batch_size=50),
        MLPClassifier((2,), max_iter=1, batch_size=50, early_stopping=True, validation_fraction=0.5),
        MLPRegressor((2,), max_iter=1, batch_size=50, loss="poisson"),
        SoftmaxClassifier(max_iter=2),
    ],
    ids=str,
)
def test_no_more_than_some_rows_are_dense_at_a_time(estimator):
    X, y = wide(1000, 50_000)  # 400 MB if it were dense
    tracemalloc.start()
    try:
        model = copy.deepcopy(estimator).fit(X, y)
        model.predict(X)
        model.score(X, y)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()


def test_a_table_larger_than_any_memory():
    X, y = wide(1_000_000, 1_000_000)  # 8 TB if it were dense
    model = MLPClassifier((2,), batch_size=4, random_state=0)
    model.partial_fit(X[:40], y[:40], classes=[0, 1])
    assert model.predict_proba(X[:9]).shape == (9, 2)
