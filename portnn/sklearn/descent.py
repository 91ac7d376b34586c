"""Training by epochs until the loss, or the score on held-out rows, has not improved for some of them."""

from __future__ import annotations

import math
import signal
import warnings
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from portnn.estimators import MLP
from portnn.sklearn.solvers import as_rates, as_solver
from portnn.tables.placing import backend_for
from portnn.training import Interrupted

LOWEST_RATE = 1e-6
"""Where an adaptive learning rate ends."""


class Rows(NamedTuple):
    """Rows to train on: X where the network lives, y and weights on the host."""

    X: Any
    y: np.ndarray[Any, Any]
    weights: np.ndarray[Any, Any] | None

    @property
    def size(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])

    def taken(self, ids: np.ndarray[Any, Any]) -> Rows:
        """Some of the rows."""
        where = backend_for(self.X)
        weights = None if self.weights is None else self.weights[ids]
        return Rows(where.xp.take(self.X, where.asarray(ids), axis=0), self.y[ids], weights)

    def mean_weight(self) -> float:
        """Mean of the weights; 1 without any."""
        return 1.0 if self.weights is None else float(np.mean(self.weights)) or 1.0


def hold_out(rows: Rows, fraction: float, *, seed: int, stratify: bool) -> tuple[Rows, Rows]:
    """Rows to train on and rows to measure on, of each class the same fraction where asked for.

    Raises
    ------
    ValueError
        If a part has too few rows.
    """
    train, held = train_test_split(
        np.arange(rows.size), test_size=fraction, random_state=seed, stratify=rows.y if stratify else None
    )
    if len(held) < 2:
        raise ValueError(
            f"validation_fraction {fraction} holds out {len(held)} of {rows.size} rows; at least 2 are needed"
        )
    return rows.taken(train), rows.taken(held)


class Descent(NamedTuple):
    """What happened in training.

    Attributes
    ----------
    losses : list of float
        Mean training loss of every epoch, with its L2 penalty.
    scores : list of float
        Score on the held-out rows after every epoch, if there are any.
    """

    losses: list[float]
    scores: list[float]


def descend(chosen: Any, mlp: MLP, rows: Rows, held: Rows | None, *, batch_size: int, seen: int) -> Descent:
    """Train a network as an estimator's parameters say; with held-out rows its best weights are kept.

    Parameters
    ----------
    chosen : estimator
    mlp : MLP
    rows, held : Rows
    batch_size : int
    seen : int
        Rows that the network has seen in earlier calls.
    """
    batches = math.ceil(rows.size / batch_size)
    patience = int(min(chosen.n_iter_no_change, chosen.max_iter)) + 1
    adaptive = chosen.solver == "sgd" and chosen.learning_rate == "adaptive"
    rate, best, best_score = chosen.learning_rate_init, None, -math.inf
    found = Descent([], [])
    while True:
        done = len(found.losses)
        try:
            mlp.fit(
                rows.X, rows.y, rows.weights, epochs=chosen.max_iter - done, batch_size=batch_size,
                shuffle=chosen.shuffle, optimizer=as_solver(chosen),
                schedule=as_rates(
                    chosen, rate, rows=rows.size, batches=batches, seen=seen + done * rows.size
                ),
                held_out=tuple(held) if held is not None else 0.0, monitor="score", patience=patience,
                tolerance=chosen.tol, divergence_factor=math.inf, log_every=batches,
                evaluate_every=batches, progress=bool(chosen.verbose),
            )  # fmt: skip
        except Interrupted as stop:
            if stop.signal != signal.SIGINT:
                raise
            warnings.warn("Training interrupted by user.", stacklevel=4)
            plateau, adaptive = True, False
        else:
            plateau = mlp.history is not None and mlp.history.waited >= patience
        found.losses.extend(line["loss"] for line in mlp.metrics)
        if held is not None:
            scores = [1.0 - line["held_out_loss"] for line in mlp.metrics if line["held_out_loss"] is not None]
            found.scores.extend(scores)
            if max(scores, default=-math.inf) > best_score:
                best, best_score = mlp.params, max(scores)
        if not (plateau and adaptive and rate > LOWEST_RATE and len(found.losses) < chosen.max_iter):
            break
        rate /= 5.0  # momentum starts from rest again
    mlp.params = best or mlp.params
    if not plateau:
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({chosen.max_iter}) reached and the optimization hasn't "
            "converged yet.",
            ConvergenceWarning,
            stacklevel=4,
        )
    return found
