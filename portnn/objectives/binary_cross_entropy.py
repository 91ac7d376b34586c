"""Binary cross-entropy: two classes, or several yes-or-no questions."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn import ops
from portnn.backends import Array, Namespace, portable
from portnn.objectives.label_kinds import BINARY
from portnn.objectives.registry import Objective, register
from portnn.objectives.scores import accuracy

Host = np.ndarray[Any, Any]


def predict(logits: Host) -> Host:
    """Answer to each question, 0 or 1 (rows, n)."""
    return (logits > 0.0).astype(np.int64)


def score(logits: Host, targets: Host, weights: Host | None) -> float:
    """Share of rows with every answer right."""
    return accuracy(np.all((logits > 0.0) == (targets > 0.5), axis=1), weights)


@portable
def log_sigmoid(logits: Array, *, xp: Namespace = None) -> Array:
    """Logarithm of the probability of yes (rows, n): finite even if the probability rounds to 0."""
    return -xp.logaddexp(xp.zeros_like(logits), -logits)


def check_values(values: Host) -> None:
    """Raise ValueError unless all values are probabilities."""
    if not np.all((values >= 0.0) & (values <= 1.0)):
        raise ValueError("y with several columns must hold probabilities or 0 and 1 for binary_cross_entropy")


register(
    Objective(
        name="binary_cross_entropy",
        forward=ops.binary_cross_entropy,
        backward=ops.binary_cross_entropy_backward,
        label=BINARY,
        loss_name="binary cross-entropy",
        unit="nats",
        score_name="accuracy",
        predict=predict,
        score=score,
        probabilities=lambda logits: ops.sigmoid(logits)[0],
        log_probabilities=log_sigmoid,
        check_values=check_values,
    )
)
