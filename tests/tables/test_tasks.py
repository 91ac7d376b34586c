"""Tasks: what a target asks for, and how it becomes labels or values."""

from __future__ import annotations

import numpy as np
import pytest

from portnn.objectives import OBJECTIVES
from portnn.tables import MAX_CLASSES, TASKS, infer_task, task_for, task_named

pytestmark = pytest.mark.host


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (["u", "v"], "classification"),
        ([0, 1] * 10, "classification"),
        ([True, False] * 2, "classification"),
        ([0.0, 1.0] * 10, "classification"),
        ([0.0, 1.5] * 10, "regression"),
        (range(20), "regression"),
        ([*range(MAX_CLASSES)] * 2, "classification"),
        ([*range(MAX_CLASSES + 1)] * 3, "regression"),
        ([[0, 1]] * 10, "regression"),
    ],
)
def test_the_task_follows_from_the_target(y, task):
    assert infer_task(np.asarray(y)) is TASKS[task]


@pytest.mark.parametrize("y", [[0.0, 1.0] * 2, [2**53, 2**53 + 1] * 2, [0.0, 2.0**60] * 2])
def test_class_labels_stay_as_they_are(y):
    y = np.asarray(y)
    task = infer_task(y)
    labels = task.targets(y)
    assert (task.name, labels.dtype, labels.tolist()) == ("classification", y.dtype, y.tolist())


def test_targets_of_each_task():
    assert TASKS["classification"].targets(np.asarray(["a", "b"])).tolist() == ["a", "b"]
    assert TASKS["classification"].targets(np.asarray([0.5, 1.0])).tolist() == [0.5, 1.0]
    assert TASKS["regression"].targets(np.asarray([1, 2])).dtype == np.float64
    with pytest.raises(ValueError, match="classification takes one target, got 2"):
        TASKS["classification"].targets(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="regression takes numbers, but the target holds text such as 'a'"):
        TASKS["regression"].targets(np.asarray(["a", "b"]))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_has_a_task(name):
    assert task_for(name).name == ("classification" if OBJECTIVES[name].classifies else "regression")


def test_an_unknown_task():
    assert task_named("regression") is TASKS["regression"]
    with pytest.raises(ValueError, match="unknown task 'guess'; known: classification, regression"):
        task_named("guess")
