"""Loss and score of a model of rows on a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from portnn.backends import Backend, Namespace, to_host, tree_map
from portnn.batches import blocks
from portnn.models import FeedForward, ImageClassifier, Parameters, RowBatch
from portnn.objectives import OBJECTIVES


class RowEvaluation(NamedTuple):
    """How well a table is predicted.

    Attributes
    ----------
    loss : float
        Mean over rows, without the L2 penalty: in the unit of the objective.
    score : float
        Accuracy of a classifier, or coefficient of determination R^2 of a regression.
    rows : int
    """

    loss: float
    score: float
    rows: int


class RowEvaluator:
    """Loss and score on one table, for any parameters of a model.

    Parameters
    ----------
    model : FeedForward or ImageClassifier
    backend : Backend
    rows : RowBatch
        On the backend; a sparse table is dense a block of rows at a time.
    """

    def __init__(self, model: FeedForward | ImageClassifier, backend: Backend, rows: RowBatch) -> None:
        self.model, self.backend, self.rows = model, backend, rows
        self.targets = to_host(rows.targets)
        self.weights = None if rows.weights is None else to_host(rows.weights)

    def __call__(self, params: Parameters) -> RowEvaluation:
        """Evaluate the model with these parameters."""
        objective = OBJECTIVES[self.model.objective]
        xp, total, weight, outputs = self.backend.xp, 0.0, 0.0, []
        for block, share in weighed_blocks(self.rows, self.model.rows_at_a_time, xp):
            out, _ = self.model.outputs_of(params, block.x, xp=xp)
            loss, _ = objective.forward(out, block.targets, block.weights, xp=xp)
            total, weight = total + float(loss) * share, weight + share
            outputs.append(to_host(out))
        score = objective.score(np.concatenate(outputs), self.targets, self.weights)
        return RowEvaluation(total / weight, score, int(self.rows.x.shape[0]))


MONITORS: dict[str, Callable[[RowEvaluation], float]] = {
    "loss": lambda evaluation: evaluation.loss,
    "score": lambda evaluation: 1.0 - evaluation.score,
}
"""What can be monitored on held-out rows; lower is better."""


def monitored(evaluator: Callable[[Parameters], RowEvaluation], monitor: str) -> Callable[[Parameters], float]:
    """What is monitored, for any parameters of a model."""
    return lambda params: MONITORS[monitor](evaluator(params))


def weighed_blocks(rows: RowBatch, most: int, xp: Namespace) -> Iterator[tuple[RowBatch, float]]:
    """Blocks of at most so many rows, each with the weight of its rows."""
    for start, stop in blocks(rows.x, most):
        block = tree_map(lambda array, start=start, stop=stop: array[start:stop, ...], rows)
        yield block, block.x.shape[0] if block.weights is None else float(xp.sum(block.weights))
