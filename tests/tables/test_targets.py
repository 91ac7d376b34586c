"""Targets: from y to what a loss takes, and from outputs to predictions."""

from __future__ import annotations

import numpy as np
import pytest

from portnn.checkpoints import CheckpointError
from portnn.tables import Scaling, Targets

pytestmark = pytest.mark.host


@pytest.mark.parametrize(
    ("objective", "y", "encoded", "outputs", "predicted"),
    [
        ("cross_entropy", ["b", "a", "c"], [1, 0, 2], [[0, 1, 0], [2, 1, 0], [0, 0, 1]], ["b", "a", "c"]),
        ("cross_entropy", [7, 5], [1, 0], [[0, 1], [1, 0]], [7, 5]),
        ("binary_cross_entropy", ["no", "yes"], [[0.0], [1.0]], [[3.0], [-3.0]], ["yes", "no"]),
        ("binary_cross_entropy", [[0, 1], [1, 1]], [[0.0, 1.0], [1.0, 1.0]], [[3, -3], [0, 1]], [[1, 0], [0, 1]]),
        ("squared_error", [1.5, 2], [[1.5], [2.0]], [[3.0], [4.0]], [3.0, 4.0]),
        ("squared_error", [[1.5], [2]], [[1.5], [2.0]], [[3.0], [4.0]], [[3.0], [4.0]]),
        ("squared_error", [[1, 2], [3, 4]], [[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]], [[5, 6], [7, 8]]),
    ],
)
def test_there_and_back(objective, y, encoded, outputs, predicted):
    targets = Targets.of(objective, y)
    assert targets.encode(y).tolist() == encoded
    assert targets.outputs == len(outputs[0])
    assert targets.predict(np.asarray(outputs, dtype=float)).tolist() == predicted
    again = Targets.from_json(targets.to_json())
    assert again.encode(y).tolist() == encoded
    assert again.predict(np.asarray(outputs, dtype=float)).tolist() == predicted


def test_class_ids():
    for objective in ("cross_entropy", "binary_cross_entropy"):
        targets = Targets.of(objective, ["no", "yes"])
        ids = targets.class_ids(targets.encode(["yes", "no", "yes"]))
        assert (ids.tolist(), ids.dtype) == ([1, 0, 1], np.int64)


def test_classes_that_y_lacks():
    assert Targets.of("cross_entropy", [1, 2], classes=[0, 1, 2]).encode([1, 2]).tolist() == [1, 2]
    assert Targets.of("cross_entropy", [7, 7], classes=[7]).encode([7]).tolist() == [0]
    assert Targets.of("binary_cross_entropy", [1, 1], classes=[0, 1]).encode([1, 1]).tolist() == [[1.0], [1.0]]


def test_scaled_values():
    y = np.asarray([[1.0, 10.0], [3.0, 30.0]])
    targets = Targets("squared_error", 2, one_axis=False, scaling=Scaling.of_host(y))
    assert targets.encode(y).tolist() == [[-1.0, -1.0], [1.0, 1.0]]
    assert Targets.from_json(targets.to_json()).encode(y).tolist() == [[-1.0, -1.0], [1.0, 1.0]]


@pytest.mark.parametrize(
    ("objective", "y", "message"),
    [
        ("cross_entropy", None, "y is None, but there is nothing to learn without it"),
        ("cross_entropy", [1, 1], "y has only one class, 1; a classifier needs at least two"),
        ("cross_entropy", [[1, 2], [3, 4]], r"y has shape \(2, 2\), expected one axis of class labels"),
        ("binary_cross_entropy", [1, 2, 3], "binary_cross_entropy tells 2 classes apart, but y has 3"),
    ],
)
def test_y_that_an_objective_does_not_take(objective, y, message):
    with pytest.raises(ValueError, match=message):
        Targets.of(objective, y)


@pytest.mark.parametrize(
    ("objective", "first", "y", "message"),
    [
        ("squared_error", [1.0], [[1.0, 2.0]], r"y has shape \(1, 2\), expected 1 value a row"),
        ("squared_error", [[1.0, 2.0]], [1.0], r"y has shape \(1, 1\), expected 2 values a row"),
        ("squared_error", [1.0], [np.nan], "y contains NaN or infinity"),
        ("binary_cross_entropy", [[0, 1]], [[0, 2]], "must hold probabilities or 0 and 1 for binary_cross_entropy"),
        ("cross_entropy", [1, 2], [3], "y has labels that training never saw: 3; the classes are 1, 2"),
    ],
)
def test_y_that_does_not_fit(objective, first, y, message):
    with pytest.raises(ValueError, match=message):
        Targets.of(objective, first).encode(y)


def test_targets_of_a_network_trained_elsewhere():
    assert Targets.of_network("squared_error", 1).one_axis
    assert not Targets.of_network("squared_error", 2).one_axis
    assert Targets.of_network("cross_entropy", 2, ["a", "b"]).predict(np.eye(2)).tolist() == ["a", "b"]
    assert Targets.of_network("binary_cross_entropy", 1, ["a", "b"]).predict(np.eye(1)).tolist() == ["b"]
    for objective, outputs, labels, message in (
        ("squared_error", 2, [0, 1], "classes are for classifiers, not for squared_error"),
        ("cross_entropy", 2, ["b", "a"], r"classes must be in ascending order, one for each output, got 'b', 'a'"),
        ("cross_entropy", 3, [0, 1], "cross_entropy: 2 class labels, but the network has 3 outputs"),
        ("binary_cross_entropy", 2, [0, 1], "binary_cross_entropy: 2 class labels, but the network has 2 outputs"),
    ):
        with pytest.raises(ValueError, match=message):
            Targets.of_network(objective, outputs, labels)


@pytest.mark.parametrize("objective", ["cross_entropy", "binary_cross_entropy"])
def test_a_checkpoint_with_other_outputs(objective):
    record = Targets.of(objective, ["a", "b"]).to_json()
    record["outputs"] += 1
    with pytest.raises(CheckpointError, match="class labels do not fit its outputs"):
        Targets.from_json(record)
