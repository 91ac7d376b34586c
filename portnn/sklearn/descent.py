"""Training by epochs until the loss, or the score on held-out rows, no longer improves."""

from __future__ import annotations

import math
import signal
import warnings
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from portnn.batches import Augmentation, is_sparse
from portnn.sklearn.fitted import Network
from portnn.sklearn.solvers import learning_rate_of, optimizer_of
from portnn.tables import backend_for
from portnn.training import Interrupted

Host = np.ndarray[Any, Any]

LOWEST_RATE = 1e-6
"""Where an adaptive learning rate ends."""


class Rows(NamedTuple):
    """Rows to train on: X where the network is, or sparse, y and weights on the host."""

    X: Any
    y: Host
    weights: Host | None

    @property
    def size(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])

    def take(self, ids: Host) -> Rows:
        """Some of the rows."""
        weights = None if self.weights is None else self.weights[ids]
        if is_sparse(self.X):
            return Rows(self.X[ids], self.y[ids], weights)
        backend = backend_for(self.X)
        return Rows(backend.xp.take(self.X, backend.asarray(ids), axis=0), self.y[ids], weights)

    def mean_weight(self) -> float:
        """Mean of the weights; 1 without any."""
        return 1.0 if self.weights is None else float(np.mean(self.weights)) or 1.0


def hold_out(y: Host, fraction: float, *, seed: int, stratify: bool) -> tuple[Host, Host]:
    """Numbers of the rows to train on and to measure on; stratified, with the same fraction of each class.

    Raises
    ------
    ValueError
        If a part has too few rows.
    """
    train, held = train_test_split(
        np.arange(len(y)), test_size=fraction, random_state=seed, stratify=y if stratify else None
    )
    if len(held) < 2:
        raise ValueError(
            f"validation_fraction {fraction} holds out {len(held)} of {len(y)} rows; at least 2 are needed"
        )
    return train, held


def excuse(stop: Interrupted) -> None:
    """Warn that the user stopped training, which then ends with what it has come to.

    Raises
    ------
    Interrupted
        If it was not the user.
    """
    if stop.signal != signal.SIGINT:
        raise stop
    warnings.warn("Training interrupted by user.", stacklevel=5)


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


def descend(estimator: Any, network: Network, rows: Rows, held: Rows | None, *, batch_size: int, seen: int) -> Descent:
    """Train a network with an estimator's parameters; if rows are held out, keep its best weights.

    Parameters
    ----------
    estimator : estimator
    network : MLP or ConvNet
    rows, held : Rows
    batch_size : int
    seen : int
        Rows that the network has seen in earlier calls.
    """
    kind = learning_rate_of(estimator)
    batches = math.ceil(rows.size / batch_size)
    patience = estimator.patience
    learning_rate, best, best_score = estimator.learning_rate_init, None, -math.inf
    descent = Descent([], [])
    adaptive = kind.adaptive
    settings: dict[str, Any] = {
        "batch_size": batch_size,
        "shuffle": estimator.shuffle,
        "optimizer": optimizer_of(estimator),
        "held_out": tuple(held) if held is not None else 0.0,
        "monitor": "score",
        "patience": patience,
        "tolerance": estimator.tol,
        "divergence_factor": math.inf,
        "log_every": batches,
        "evaluate_every": batches,
        "progress": bool(estimator.verbose),
        **estimator.shared_with(Augmentation),
    }
    while True:
        epochs = len(descent.losses)
        schedule = kind.schedule(
            estimator, learning_rate, rows=rows.size, batches=batches, seen=seen + epochs * rows.size
        )
        try:
            network.fit(*rows, epochs=estimator.max_iter - epochs, schedule=schedule, **settings)
        except Interrupted as stop:
            excuse(stop)
            plateau, adaptive = True, False
        else:
            plateau = network.history is not None and network.history.waited >= patience
        lines = [line for line in network.metrics if line["step"] % batches == 0]  # an interrupted epoch does not count
        descent.losses.extend(line["loss"] for line in lines)
        if held is not None:
            scores = [1.0 - line["held_out_loss"] for line in lines if line["held_out_loss"] is not None]
            descent.scores.extend(scores)
            if max(scores, default=-math.inf) > best_score:
                best, best_score = network.params, max(scores)
        if not (plateau and adaptive and learning_rate > LOWEST_RATE and len(descent.losses) < estimator.max_iter):
            break
        learning_rate /= 5.0  # the optimizer's momentum restarts at zero
    network.params = best or network.params
    if not plateau:
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the optimization hasn't "
            "converged yet.",
            ConvergenceWarning,
            stacklevel=4,
        )
    return descent
