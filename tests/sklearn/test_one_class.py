"""A single class is predicted for every row, with certainty."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from sklearn import neural_network

import portnn
from portnn.sklearn import MLPClassifier, SoftmaxClassifier

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

ROWS = 20
ESTIMATORS = [
    MLPClassifier((4,), max_iter=5, random_state=0),
    MLPClassifier((4,), max_iter=5, early_stopping=True, validation_fraction=0.3, random_state=0),
    MLPClassifier((4,), solver="lbfgs", random_state=0),
    MLPClassifier((4,), max_iter=5, class_weight="balanced", random_state=0),
    SoftmaxClassifier(random_state=0),
]


@pytest.fixture
def X(rng):
    return rng.normal(size=(ROWS, 3))


def assert_certain(model, X, label):
    assert model.classes_.tolist() == [label]
    assert model.predict(X).tolist() == [label] * len(X)
    assert model.predict_proba(X).tolist() == [[1.0]] * len(X)
    assert model.predict_log_proba(X).tolist() == [[0.0]] * len(X)
    assert model.score(X, [label] * len(X)) == 1.0
    assert model.n_outputs_ == 1


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("label", [1, 0, -2.0, "a", True])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_it_is_predicted_as_scikit_learn_does(estimator, label, weighted, X):
    y = [label] * ROWS
    weights = np.linspace(0.5, 2.0, ROWS) if weighted else None
    model = copy.deepcopy(estimator).fit(X, y, weights)
    theirs = neural_network.MLPClassifier((4,), max_iter=5, random_state=0).fit(X, y)
    assert_certain(model, X, label)
    assert model.predict(X).tolist() == theirs.predict(X).tolist()
    assert model.classes_.tolist() == theirs.classes_.tolist()
    if model.early_stopping:
        assert set(model.validation_scores_) == {1.0}
    assert model.score(X, [*y[1:], "other" if label == "a" else 7]) == pytest.approx(1.0 - 1.0 / ROWS)


def test_epochs_one_by_one(X):
    model = MLPClassifier((4,), random_state=0)
    for _ in range(2):
        model.partial_fit(X, [3] * ROWS, classes=[3])
    assert_certain(model, X, 3)
    with pytest.raises(ValueError, match="labels that training never saw: 4; the classes are 3"):
        model.partial_fit(X, [4] * ROWS)
    # One class in these rows, but not for ever.
    more = MLPClassifier((4,), random_state=0).partial_fit(X, [3] * ROWS, classes=[3, 4])
    assert more.predict_proba(X).shape == (ROWS, 2)
    assert more.partial_fit(X, [4] * ROWS).classes_.tolist() == [3, 4]


def test_warm_start_stays_with_it(X):
    model = MLPClassifier((4,), max_iter=3, warm_start=True, random_state=0).fit(X, ["a"] * ROWS)
    assert_certain(model.fit(X, ["a"] * ROWS), X, "a")
    with pytest.raises(ValueError, match=r"warm_start needs the classes of the last fit, \['a'\], but y has"):
        model.fit(X, ["a", "b"] * 10)


def test_a_question_with_one_answer(X):
    y = np.stack([np.zeros(ROWS), np.ones(ROWS), X[:, 0] > 0.0], axis=1).astype(int)
    model = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
    assert model.predict(X)[:, :2].tolist() == [[0, 1]] * ROWS


def test_the_network_can_be_saved_and_taken_over(X, tmp_path):
    model = MLPClassifier((4,), max_iter=3, random_state=0).fit(X, ["a"] * ROWS)
    model.mlp_.save(tmp_path / "model.safetensors")
    theirs = neural_network.MLPClassifier((4,), max_iter=3, random_state=0).fit(X, ["a"] * ROWS)
    for network in (
        portnn.load(tmp_path / "model.safetensors"),
        portnn.from_sklearn(model),
        portnn.from_sklearn(theirs),
    ):
        assert network.predict(X).tolist() == ["a"] * ROWS
        assert network.predict_proba(X).tolist() == [[1.0]] * ROWS


def test_a_network_of_its_own_must_be_told():
    with pytest.raises(ValueError, match="y has only one class, 'a'; a classifier needs at least two"):
        portnn.MLP((4,)).fit(np.eye(3), ["a"] * 3, progress=False)
    assert portnn.MLP((4,)).partial_fit(np.eye(3), ["a"] * 3, classes=["a"]).predict(np.eye(3)).tolist() == ["a"] * 3
