"""Cross-entropy of a softmax: one of several classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn import ops
from portnn.objectives.label_kinds import CLASSES
from portnn.objectives.registry import Objective, register
from portnn.objectives.scores import accuracy

Host = np.ndarray[Any, Any]


def predict(logits: Host) -> Host:
    """Id of the likeliest class (rows,)."""
    ids: Host = np.argmax(logits, axis=1)
    return ids


def score(logits: Host, ids: Host, weights: Host | None) -> float:
    """Share of rows whose likeliest class is right."""
    return accuracy(predict(logits) == ids, weights)


register(
    Objective(
        name="cross_entropy",
        forward=ops.cross_entropy,
        backward=ops.cross_entropy_backward,
        label=CLASSES,
        loss_name="cross-entropy",
        unit="nats",
        score_name="accuracy",
        predict=predict,
        score=score,
        probabilities=lambda logits: ops.softmax(logits)[0],
        log_probabilities=lambda logits: ops.log_softmax(logits)[0],
    )
)
