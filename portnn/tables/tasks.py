"""Tasks: classification and regression, which of them a target asks for, and the target as each takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from portnn.objectives import OBJECTIVES
from portnn.settings import brief

Host = np.ndarray[Any, Any]

MAX_CLASSES = 20
"""Integers with at most this many distinct values, each occurring twice or more on average, are class labels."""


class Task(NamedTuple):
    """What is to be learned from a table.

    Attributes
    ----------
    name : str
    objective : str
        Default objective, a name in ``portnn.objectives.OBJECTIVES``.
    labels : str
        What the target column of a CSV file holds, as `read_csv` takes it.
    targets : callable
        y as the task takes it; raises ValueError if it cannot.
    """

    name: str
    objective: str
    labels: str
    targets: Callable[[Host], Host]


def class_labels(y: Host) -> Host:
    """Class labels (rows,), as they are.

    Raises
    ------
    ValueError
        If there are several targets.
    """
    if y.ndim > 1:
        raise ValueError(f"classification takes one target, got {y.shape[1]}")
    return y


def numeric_values(y: Host) -> Host:
    """Values of a regression, float64.

    Raises
    ------
    ValueError
        If y is text, or anything else that is no number.
    """
    if y.dtype.kind in "US":
        raise ValueError(f"regression takes numbers, but the target holds text such as {brief(str(y.flat[0]))}")
    if y.dtype.kind not in "biuf":
        raise ValueError(f"regression takes numbers, but the target has dtype {y.dtype}")
    return y.astype(np.float64)


TASKS = {
    task.name: task
    for task in (
        Task("classification", "cross_entropy", "classes", class_labels),
        Task("regression", "squared_error", "numbers", numeric_values),
    )
}


def task_named(name: str) -> Task:
    """Task of this name.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name not in TASKS:
        raise ValueError(f"unknown task {brief(name)}; known: {', '.join(TASKS)}")
    return TASKS[name]


def task_for(objective: str) -> Task:
    """Task of models that have an objective."""
    classifies = OBJECTIVES[objective].classifies
    return next(task for task in TASKS.values() if OBJECTIVES[task.objective].classifies == classifies)


def infer_task(y: Host) -> Task:
    """Task that y (rows,) or (rows, n) asks for: classification if it is text, or integers with few distinct values.

    Examples
    --------
    >>> import numpy as np
    >>> infer_task(np.asarray([0.0, 1.0, 1.0, 0.0])).name, infer_task(np.asarray([0.5, 1.5, 2.5])).name
    ('classification', 'regression')
    """
    classes = y.ndim == 1 and (y.dtype.kind in "US" or (is_whole(y) and has_few_values(y)))
    return TASKS["classification" if classes else "regression"]


def is_whole(y: Host) -> bool:
    """Whether y holds integers, possibly as floats."""
    return y.dtype.kind in "biu" or (y.dtype.kind == "f" and bool(np.all(y == np.floor(y))))


def has_few_values(y: Host) -> bool:
    """Whether there are so few distinct values that integers look like class labels."""
    return len(np.unique(y)) <= min(MAX_CLASSES, len(y) / 2)
