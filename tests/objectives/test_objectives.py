"""Objectives: each is one record, which is all that estimators ask."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn
from portnn.backends import portable, to_host, tree_map
from portnn.checking import check_gradients, training_cases
from portnn.checking.model_cases import as_function
from portnn.models import FeedForward
from portnn.objectives import OBJECTIVES, Objective
from portnn.objectives.label_kinds import VALUES
from portnn.objectives.scores import r2

QUIET = {"progress": False}


@portable
def gamma(outputs, targets, weights=None, *, xp=None):
    """Half the deviance of amounts above 0 whose mean is exp(outputs), without the term of the amounts alone."""
    if weights is None:
        weights = xp.ones_like(outputs[:, 0])
    share = (weights / xp.sum(weights))[..., None]
    ratio = targets * xp.exp(-outputs)
    return xp.sum((ratio + outputs) * share), ((1.0 - ratio) * share,)


@portable
def gamma_backward(dloss, cache, *, xp=None):
    return cache[0] * dloss


def exp_of(outputs):
    """Means, in the library of the outputs."""
    xp = portnn.backends.namespace(outputs=outputs)
    return xp.exp(outputs)


def check_amounts(values):
    if np.any(values <= 0.0):
        raise ValueError("y must hold amounts above 0 for gamma")


@pytest.fixture
def with_gamma(monkeypatch):
    record = Objective(
        name="gamma",
        forward=gamma,
        backward=gamma_backward,
        label=VALUES,
        loss_name="half the gamma deviance",
        unit="nats",
        score_name="R2",
        predict=exp_of,
        score=lambda outputs, targets, weights: r2(np.exp(outputs), targets, weights),
        check_values=check_amounts,
    )
    monkeypatch.setitem(OBJECTIVES, "gamma", record)


@pytest.mark.host
def test_the_gradient_check_finds_a_new_objective(with_gamma):
    case = next(case for case in training_cases() if case.name == "FeedForward gamma")
    check_gradients(*as_function(case, np.random.default_rng(0)))


def test_a_new_objective_trains_predicts_and_is_kept(with_gamma, backend, place, tmp_path):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 2))
    rates = np.exp(x @ [0.5, -1.0] + 1.0)
    y = rng.gamma(4.0, rates / 4.0)
    model = portnn.MLP((), objective="gamma", backend=backend)
    model.fit(place(x), place(y), epochs=60, batch_size=50, learning_rate=0.05, **QUIET)
    predicted = model.predict(place(x))
    assert type(predicted) is type(place(x))
    assert predicted.shape == (200,)
    assert_allclose(to_host(predicted), rates, rtol=0.5)
    assert model.evaluate(place(x), place(y)).score == pytest.approx(r2(to_host(predicted)[:, None], y[:, None], None))
    model.save(tmp_path / "model.safetensors")
    assert_allclose(portnn.load(tmp_path / "model.safetensors").predict(x), to_host(predicted), rtol=1e-9)


@pytest.mark.host
def test_a_new_objective_refuses_what_its_record_does_not_allow(with_gamma):
    with pytest.raises(ValueError, match="y must hold amounts above 0 for gamma"):
        portnn.MLP((), objective="gamma").fit(np.eye(2), [1.0, -1.0], **QUIET)
    with pytest.raises(ValueError, match="standardize_y is for squared_error, not for gamma"):
        portnn.MLP(objective="gamma", standardize_y=True)
    with pytest.raises(ValueError, match="class_weight is for classifiers, not for gamma"):
        portnn.MLP(objective="gamma", class_weight="balanced")
    with pytest.raises(ValueError, match="a regression predicts no probabilities"):
        portnn.MLP((), objective="gamma").fit(np.eye(2), [1.0, 2.0], steps=1, **QUIET).predict_proba(np.eye(2))
    with pytest.raises(ValueError, match=r"unknown objective 'hinge'; known: .*, gamma$"):
        FeedForward((2, 1), objective="hinge")


@pytest.mark.host
@pytest.mark.parametrize(("name", "record"), OBJECTIVES.items())
def test_records_are_complete(name, record):
    assert record.name == name
    assert record.classifies == (record.probabilities is not None) == (record.log_probabilities is not None)
    assert record.classifies == (record.score_name == "accuracy")
    assert not (record.standardizes and record.classifies)
    assert record.standardizes <= (record.check_values is None)


@pytest.mark.parametrize("kind", ["two classes", "three classes", "questions"])
def test_probabilities_and_their_logarithms(backend, place, kind):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 3))
    objective, y = {
        "two classes": ("binary_cross_entropy", np.arange(30) % 2),
        "three classes": ("cross_entropy", np.arange(30) % 3),
        "questions": ("binary_cross_entropy", rng.integers(0, 2, (30, 4))),
    }[kind]
    model = portnn.MLP((4,), objective=objective, backend=backend).fit(place(x), y, epochs=2, **QUIET)
    logits = to_host(model.outputs(place(x)))
    if kind == "three classes":
        by_hand = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    else:
        by_hand = 1.0 / (1.0 + np.exp(-logits))
        by_hand = np.concatenate([1.0 - by_hand, by_hand], axis=1) if kind == "two classes" else by_hand
    for inputs in (place(x), x):
        probabilities = model.predict_proba(inputs)
        assert type(probabilities) is type(inputs)
        assert_allclose(to_host(probabilities), by_hand, rtol=1e-5)
        assert_allclose(np.exp(to_host(model.predict_log_proba(inputs))), by_hand, rtol=1e-5)
    # 1 - p of these would be 0, and so would exp of their logarithms.
    model.params = tree_map(lambda array: array * 1000.0, model.params)
    logarithms = to_host(model.predict_log_proba(place(x)))
    assert np.all(np.isfinite(logarithms))
    assert logarithms.min() < -1000.0


@pytest.mark.host
def test_a_regression_has_no_logarithms_of_probabilities():
    model = portnn.LinearRegression().fit(np.eye(2), [0.0, 1.0], steps=1, **QUIET)
    with pytest.raises(ValueError, match="a regression predicts no probabilities"):
        model.predict_log_proba(np.eye(2))


@pytest.mark.host
@pytest.mark.parametrize(
    ("name", "outputs", "targets", "weights", "expected"),
    [
        ("cross_entropy", [[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]], [1, 0, 0], None, 2 / 3),
        ("cross_entropy", [[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]], [1, 0, 0], [1.0, 1.0, 6.0], 0.25),
        ("binary_cross_entropy", [[2.0, -1.0], [2.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]], None, 0.5),
        ("squared_error", [[1.0], [2.0], [3.0]], [[1.0], [2.0], [3.0]], None, 1.0),
        ("squared_error", [[2.0], [2.0], [2.0]], [[1.0], [2.0], [3.0]], None, 0.0),
        ("squared_error", [[5.0], [5.0]], [[5.0], [5.0]], None, 1.0),
        ("squared_error", [[5.0], [5.5]], [[5.0], [5.0]], None, 0.0),
        ("squared_error", [[1.0, 5.0], [2.0, 4.0]], [[1.0, 5.0], [2.0, 5.0]], None, 0.5),
        ("squared_error", [[1.0], [2.0], [9.0]], [[1.0], [2.0], [3.0]], [1.0, 1.0, 0.0], 1.0),
        ("poisson", np.log([[1.0], [2.0], [3.0]]), [[1.0], [2.0], [3.0]], None, 1.0),
        ("poisson", np.log([[2.0], [2.0], [2.0]]), [[1.0], [2.0], [3.0]], None, 0.0),
    ],
)
def test_scores(name, outputs, targets, weights, expected):
    arrays = (np.asarray(array) for array in (outputs, targets))
    score = OBJECTIVES[name].score(*arrays, None if weights is None else np.asarray(weights))
    assert math.isclose(score, expected, rel_tol=1e-12, abs_tol=1e-12)


@pytest.mark.host
@pytest.mark.parametrize(
    ("name", "outputs", "expected"),
    [
        ("cross_entropy", [[1.0, 2.0], [3.0, 0.0]], [1, 0]),
        ("binary_cross_entropy", [[1.0, -2.0], [-3.0, 0.0]], [[1, 0], [0, 0]]),
        ("squared_error", [[1.5], [-3.0]], [[1.5], [-3.0]]),
        ("poisson", [[0.0], [-1000.0]], [[1.0], [0.0]]),
    ],
)
def test_predictions(name, outputs, expected):
    assert OBJECTIVES[name].predict(np.asarray(outputs)).tolist() == expected


def test_a_regression_of_counts_finds_their_rates(backend, place, tmp_path):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 2))
    y = rng.poisson(np.exp(x @ [0.5, -1.0] + 1.0))
    model = portnn.MLP((), objective="poisson", backend=backend)
    model.fit(place(x), place(y), epochs=80, batch_size=50, learning_rate=0.03, **QUIET)
    assert_allclose(to_host(model.params["layers.0.weight"])[:, 0], [0.5, -1.0], atol=0.1)
    assert_allclose(to_host(model.outputs(place(x)))[:, 0], x @ [0.5, -1.0] + 1.0, atol=0.3)
    predicted = to_host(model.predict(place(x)))
    assert_allclose(predicted, np.exp(to_host(model.outputs(place(x)))[:, 0]), rtol=1e-5)
    assert model.evaluate(place(x), place(y)).score == pytest.approx(r2(predicted[:, None], y[:, None], None))
    model.save(tmp_path / "model.safetensors")
    assert_allclose(portnn.load(tmp_path / "model.safetensors").predict(x), predicted, rtol=1e-6)


@pytest.mark.host
def test_counts_are_not_negative():
    model = portnn.MLP((), objective="poisson")
    with pytest.raises(
        ValueError, match=r"y must hold counts or other amounts of 0 or more for poisson, but has -0\.5"
    ):
        model.fit(np.eye(2), [1.0, -0.5], **QUIET)
    model.fit(np.eye(2), [0.0, 0.5], steps=1, **QUIET)
    with pytest.raises(ValueError, match="0 or more for poisson, but has -2"):
        model.evaluate(np.eye(2), [1.0, -2.0])
    with pytest.raises(ValueError, match="0 or more for poisson"):
        model.fit(np.eye(2), [1.0, 2.0], held_out=(np.eye(2), [1.0, -1.0]), **QUIET)
    with pytest.raises(ValueError, match="standardize_y is for squared_error, not for poisson"):
        portnn.MLP(objective="poisson", standardize_y=True)
