"""Objectives by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Array
from portnn.objectives.label_kinds import LabelKind

Host = np.ndarray[Any, Any]


class Objective(NamedTuple):
    """A loss, and what the outputs that minimize it mean.

    Attributes
    ----------
    name : str
    forward, backward : callable
        The loss, a pair of `portnn.ops`: ``forward(outputs, targets, weights, *, xp) -> (loss, cache)`` and
        ``backward(dloss, cache, *, xp) -> doutputs``, with outputs (rows, n) and weights (rows,) or None.
    label : LabelKind
        What y holds.
    loss_name : str
        Display name of the loss.
    unit : str
        Unit of the loss; empty if that depends on the unit of y.
    score_name : str
        Display name of the score.
    predict : callable
        Prediction from outputs (rows, n): class ids (rows,), an answer for each output (rows, n), or values (rows, n).
        Values come from arrays of any library, ids and answers from NumPy's.
    score : callable
        ``score(outputs, targets, weights) -> float``, on the host; higher is better, and 1 is the best.
    probabilities, log_probabilities : callable or None
        Probability that each output (rows, n) stands for, and its logarithm, for arrays of any library; None for
        regressions. For two classes that share an output z, that of the first is the probability of -z.
    check_values : callable or None
        Raises ValueError if the loss is not defined for some values of y, given as float64 (rows, n).
    standardizes : bool
        Whether the loss depends on y only through its differences from outputs, so that y may be standardized.
    """

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    label: LabelKind
    loss_name: str
    unit: str
    score_name: str
    predict: Callable[[Array], Array]
    score: Callable[[Host, Host, Host | None], float]
    probabilities: Callable[[Array], Array] | None = None
    log_probabilities: Callable[[Array], Array] | None = None
    check_values: Callable[[Host], None] | None = None
    standardizes: bool = False

    @property
    def classifies(self) -> bool:
        """Whether it tells classes apart or answers yes-or-no questions; if not, it is a regression."""
        return self.probabilities is not None


OBJECTIVES: dict[str, Objective] = {}
"""Filled by the file of each objective."""


def register(objective: Objective) -> None:
    """Make an objective available under its name."""
    OBJECTIVES[objective.name] = objective
