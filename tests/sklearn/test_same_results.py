"""scikit-learn's MLP from the same weights: if nothing is random, the numbers are the same."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import mean_poisson_deviance, r2_score

from portnn import sklearn as ours

pytestmark = pytest.mark.host

ROWS = 40


REGRESSIONS = ("regression", "multioutput", "counts")


def targets(kind, rng):
    X = rng.normal(size=(ROWS, 4))
    score = X[:, 0] - 0.7 * X[:, 1] * X[:, 2]
    return X, {
        "binary": np.where(score > 0, "yes", "no"),
        "multiclass": np.digitize(score, [-0.5, 0.5]),
        "multilabel": np.stack([score > 0, X[:, 3] > 0.2, X[:, 0] > 1.0], axis=1).astype(int),
        "regression": score,
        "multioutput": np.stack([score, X[:, 3] ** 2], axis=1),
        "counts": np.round(np.exp(score)),
    }[kind]


def pair(kind, X, y, sample_weight=None, **settings):
    """Estimators of both libraries with the weights that ours has after one step, as if they had not been trained."""
    name = "MLPRegressor" if kind in REGRESSIONS else "MLPClassifier"
    settings = {
        "hidden_layer_sizes": (6, 5),
        "solver": "sgd",
        "momentum": 0.0,
        "batch_size": ROWS,
        "alpha": 0.3,
        "learning_rate_init": 0.1,
        "shuffle": False,
        "random_state": 0,
        **({"loss": "poisson"} if kind == "counts" else {}),
        **settings,
    }
    both = getattr(ours, name)(**settings), getattr(neural_network, name)(**settings)
    known = {} if kind in REGRESSIONS else {"classes": classes(kind, y)}
    for estimator in both:
        estimator.partial_fit(X, y, sample_weight=sample_weight, **known)
        estimator.t_, estimator.loss_curve_ = 0, []
        estimator.best_loss_ = np.inf
    here, there = both
    there.coefs_, there.intercepts_ = [c.copy() for c in here.coefs_], [b.copy() for b in here.intercepts_]
    there._no_improvement_count = 0
    return both


def classes(kind, y):
    return np.arange(3) if kind == "multilabel" else np.unique(y)


def assert_same(here, there, tolerance=1e-12):
    for mine, theirs in zip((*here.coefs_, *here.intercepts_), (*there.coefs_, *there.intercepts_), strict=True):
        assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression", "multioutput", "counts"])
def test_one_step(kind, activation, weighted, rng):
    X, y = targets(kind, rng)
    sample_weight = rng.uniform(0.2, 3.0, ROWS) if weighted else None
    here, there = pair(kind, X, y, sample_weight, activation=activation)
    before = here.coefs_[0].copy()
    for estimator in (here, there):
        estimator.partial_fit(X, y, sample_weight=sample_weight)
    assert_same(here, there)
    assert np.max(np.abs(here.coefs_[0] - before)) > 1e-4
    if kind != "multioutput":  # there the loss of several outputs is their mean, though the gradient is of the sum
        assert here.loss_ == pytest.approx(there.loss_, rel=1e-12)
    assert (here.t_, here.n_layers_, here.n_outputs_, here.out_activation_) == (
        there.t_,
        there.n_layers_,
        there.n_outputs_,
        there.out_activation_,
    )


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression", "multioutput", "counts"])
def test_predictions(kind, rng):
    X, y = targets(kind, rng)
    here, there = pair(kind, X, y)
    fresh = rng.normal(size=(30, 4))
    if kind in REGRESSIONS:
        assert_allclose(here.predict(fresh), there.predict(fresh), rtol=1e-12)
    else:
        assert np.array_equal(here.predict(fresh), there.predict(fresh))
        assert np.array_equal(here.classes_, there.classes_)
        assert_allclose(here.predict_proba(fresh), there.predict_proba(fresh), rtol=1e-12)
        assert_allclose(here.predict_log_proba(fresh), there.predict_log_proba(fresh), rtol=1e-10)
    assert here.score(X, y) == pytest.approx(there.score(X, y), abs=1e-12)


@pytest.mark.parametrize(
    "settings",
    [
        {"momentum": 0.9, "nesterovs_momentum": True},
        {"momentum": 0.9, "nesterovs_momentum": False},
        {"learning_rate": "invscaling", "power_t": 0.3},
        {"tol": 3e-3},
        {"tol": 0.0},
        {"batch_size": 10, "momentum": 0.5},
    ],
)
@pytest.mark.parametrize("kind", ["binary", "regression", "counts"])
def test_whole_runs_end_at_the_same_epoch(kind, settings, rng):
    X, y = targets(kind, rng)
    here, there = pair(kind, X, y, warm_start=True, max_iter=60, n_iter_no_change=3, **settings)
    raised = []
    for estimator in (here, there):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator.fit(X, y)
        raised.append([warning.category for warning in caught])
    assert raised[0] == raised[1]
    assert raised[0] in ([], [ConvergenceWarning])
    assert here.n_iter_ == there.n_iter_
    assert_allclose(here.loss_curve_, there.loss_curve_, rtol=1e-10)
    assert here.best_loss_ == pytest.approx(there.best_loss_, rel=1e-10)
    assert_same(here, there, 1e-9)


def test_inverse_scaling_goes_on_over_calls(rng):
    X, y = targets("binary", rng)
    here, there = pair("binary", X, y, learning_rate="invscaling", power_t=0.3)
    here.t_ = there.t_ = ROWS  # of the call that made the weights
    for _ in range(3):
        for estimator in (here, there):
            estimator.partial_fit(X, y)
        assert_same(here, there)


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_without_hidden_layers_lbfgs_finds_the_one_minimum(kind, rng):
    X, y = targets(kind, rng)
    settings = {"solver": "lbfgs", "alpha": 1.0, "tol": 1e-9, "max_iter": 2000, "random_state": 0}
    here = ours.SoftmaxClassifier(**settings).fit(X, y)
    there = neural_network.MLPClassifier((), **settings).fit(X, y)
    assert here.loss_ == pytest.approx(there.loss_, rel=1e-7)
    assert_allclose(here.coefs_[0], there.coefs_[0], atol=1e-3)
    assert_allclose(here.predict_proba(X), there.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("weighted", [False, True])
def test_without_hidden_layers_poisson_is_the_generalized_linear_model(weighted, rng):
    X = rng.normal(size=(200, 3))
    y = rng.poisson(np.exp(X @ [0.5, -0.3, 0.2] + 0.7))
    weights = rng.uniform(0.2, 3.0, 200) if weighted else None
    glm = PoissonRegressor(alpha=0.0, tol=1e-8).fit(X, y, weights)
    model = ours.MLPRegressor((), loss="poisson", solver="lbfgs", alpha=0.0, tol=1e-8, max_iter=1000, random_state=0)
    model.fit(X, y, weights)
    assert_allclose(model.coefs_[0][:, 0], glm.coef_, atol=1e-5)
    assert_allclose(model.predict(X), glm.predict(X), rtol=1e-4)
    assert model.score(X, y) == pytest.approx(r2_score(y, glm.predict(X)), abs=1e-5)
    deviance = mean_poisson_deviance(y, model.predict(X), sample_weight=weights)
    assert model.loss_ == pytest.approx(deviance / 2, rel=1e-10)


def test_class_weights_are_sample_weights(rng):
    X, y = targets("multiclass", rng)
    of_class = {0: 0.5, 1: 2.0, 2: 1.5}
    settings = {"hidden_layer_sizes": (5,), "solver": "sgd", "max_iter": 3, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        by_class = ours.MLPClassifier(class_weight=of_class, **settings).fit(X, y)
        by_row = ours.MLPClassifier(**settings).fit(X, y, [of_class[label] for label in y.tolist()])
        both = ours.MLPClassifier(class_weight=of_class, **settings).fit(X, y, np.arange(1, ROWS + 1))
        product = [of_class[label] * (row + 1) for row, label in enumerate(y.tolist())]
        by_product = ours.MLPClassifier(**settings).fit(X, y, product)
        alike = ours.MLPClassifier(**settings).fit(X, y)
    assert_same(by_class, by_row)
    assert_same(both, by_product)
    assert np.max(np.abs(by_class.coefs_[0] - alike.coefs_[0])) > 1e-6
