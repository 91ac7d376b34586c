"""`Learner`: validation and training, which all estimators share."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length

from portnn.backends import backend, to_host
from portnn.batches import Augmentation
from portnn.interop.scikit_learn import SKLEARN_ACTIVATIONS, SKLEARN_OBJECTIVES
from portnn.sklearn.descent import Rows, descend, hold_out
from portnn.sklearn.dispatch import check_same_place
from portnn.sklearn.fitted import Fitted, Network
from portnn.sklearn.labels import checked_y
from portnn.sklearn.lbfgs import minimize
from portnn.sklearn.parameters import Parameters
from portnn.sklearn.solvers import STOCHASTIC, learning_rate_of, optimizer_of
from portnn.tables import place_weights

Host = np.ndarray[Any, Any]

HOST = backend("numpy", dtype="float64")


def has_mini_batches(estimator: Any) -> bool:
    """Whether there is a `partial_fit`; if not, an AttributeError says why.

    Raises
    ------
    AttributeError
        If the solver has no mini-batches.
    """
    if estimator.solver not in STOCHASTIC:
        raise AttributeError(f"partial_fit needs a solver with mini-batches: {', '.join(STOCHASTIC)}")
    return True


NEED_BATCHES = ("early_stopping", "dropout", "batch_norm", "shift", "flip", "noise")
"""Parameters that mean nothing to a solver without mini-batches."""


class Learner(Fitted):
    """A network of portnn behind scikit-learn's interface; see `MLPClassifier` for parameters and attributes."""

    n_iter_: int
    t_: int
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None

    PARAMETERS: ClassVar[type[Parameters]]

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train, from new weights unless `warm_start`.

        Parameters
        ----------
        X : array or sparse matrix (rows, features), or images
            Of a sparse one, for perceptrons, only the rows of a batch are dense at a time; formats other than CSR are
            converted to it. Images are for a `ConvNetClassifier`.
        y : array (rows,) or (rows, n)
            A sparse one is made dense.
        sample_weight : array (rows,), optional
            How much each row counts in the mean loss.

        Returns
        -------
        Itself.

        Raises
        ------
        ValueError
            If X, y or sample_weight cannot be trained on, or a parameter is out of range.
        DivergenceError
            If the loss is not finite.
        """
        chosen = self._chosen()
        stochastic = chosen.solver in STOCHASTIC
        for parameter in NEED_BATCHES:
            if getattr(chosen, parameter, None) and not stochastic:
                raise ValueError(f"{parameter} needs a solver with mini-batches, not {self.solver}")
        again = self.warm_start and hasattr(self, "_trained")
        rows, seed = self._rows(X, y, sample_weight, again), chosen.draw_seed()
        train, held = rows, None
        if self.early_stopping:
            parts = hold_out(rows.y, self.validation_fraction, seed=seed, stratify=self._stratifies(rows.y))
            train, held = map(rows.take, parts)
        batch_size = self._batch_size(train.size) if stochastic else train.size
        network = self._network(chosen, rows, self._known_classes(rows.y), self._l2(train, batch_size), seed, again)
        if not again:
            self._begin()
        if stochastic:
            descent = descend(chosen, network, train, held, batch_size=batch_size, seen=self.t_)
            self._record(descent.losses, train.size)
            if held is not None:
                self.validation_scores_ = (self.validation_scores_ or []) + descent.scores
                self.best_loss_, self.best_validation_score_ = None, max(self.validation_scores_, default=-math.inf)
        else:
            self.loss_, self.n_iter_ = minimize(chosen, network, train)
            self.best_loss_ = self.loss_
        if not all(np.all(np.isfinite(to_host(array))) for array in (network.params or {}).values()):
            raise ValueError(f"{self.solver} ended in weights that are not finite; are there large values in X or y?")
        self._trained = network
        return self

    def _fit_epoch(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> Any:
        """Train for one epoch; the optimizer continues from the last call."""
        chosen = self._chosen()
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        again = hasattr(self, "_trained")
        rows = self._rows(X, y, sample_weight, again)
        batch_size = self._batch_size(rows.size)
        before = self._trained.model if again else None
        seed = 0 if again else chosen.draw_seed()
        network = self._network(chosen, rows, classes, self._l2(rows, batch_size), seed, again)
        if not again:
            self._begin()
        batches = math.ceil(rows.size / batch_size)
        schedule = learning_rate_of(chosen).schedule
        rates = schedule(chosen, chosen.learning_rate_init, rows=rows.size, batches=batches, seen=self.t_)
        done, step = len(network.metrics), network.history.step if network.history is not None else 0
        try:
            network.partial_fit(
                *rows,
                batch_size=batch_size,
                shuffle=chosen.shuffle,
                optimizer=optimizer_of(chosen),
                learning_rate=rates(0),
                **chosen.shared_with(Augmentation),
            )
        except BaseException:
            network.model = before
            raise
        lines = network.metrics[done:]
        steps = np.diff([step, *(line["step"] for line in lines)])
        self._record([float(np.average([line["loss"] for line in lines], weights=steps))], rows.size)
        self._trained = network
        return self

    @available_if(has_mini_batches)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train for one epoch; the optimizer continues from the last call.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        Itself.
        """
        return self._fit_epoch(X, y, sample_weight, None)

    def __sklearn_tags__(self) -> Any:
        """Tags that tell scikit-learn what this estimator supports."""
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        return tags

    def _chosen(self) -> Any:
        """Parameters, checked, as Python's numbers."""
        return self.PARAMETERS(**self.get_params(deep=False))

    def _targets(self, y: Host, again: bool) -> Host:
        """Checked y on the host."""
        raise NotImplementedError

    def _known_classes(self, y: Host) -> Host | None:
        """All class labels, as far as y has them; None without classes."""
        return None

    def _out_activation(self, y: Host, classes: Any) -> str:
        """Output activation that y calls for, which determines the loss."""
        raise NotImplementedError

    def _stratifies(self, y: Host) -> bool:
        """Whether each class has the same share of the held-out rows."""
        return False

    def _row_weights(self, weights: Host | None, y: Host) -> Host | None:
        """How much each row counts, all weights combined."""
        return weights

    def _rows(self, X: Any, y: Any, sample_weight: Any, again: bool) -> Rows:
        """Checked X where it is, y and weights on the host."""
        if again:
            check_same_place(X, self._trained.backend, f"{type(self).__name__}.fit")
        X, labels = self._checked(X, reset=not again), checked_y(y, self)
        check_consistent_length(X, labels)
        labels = self._targets(labels, again)
        weights = place_weights(sample_weight, len(labels), HOST)
        return Rows(X, labels, self._row_weights(weights, labels))

    def _batch_size(self, rows: int) -> int:
        if self.batch_size == "auto":
            return min(200, rows)
        if self.batch_size > rows:
            warnings.warn(f"batch_size {self.batch_size} is larger than the {rows} rows; it is clipped", stacklevel=3)
        return min(int(self.batch_size), rows)

    def _l2(self, rows: Rows, batch_size: int) -> float:
        """L2 penalty for scikit-learn's alpha, which is divided by the weight of a batch, here taken as the mean."""
        return float(self.alpha) / (batch_size * rows.mean_weight())

    def _network(self, chosen: Any, rows: Rows, classes: Any, l2: float, seed: int, again: bool) -> Network:
        """Network to train: a new one, with outputs for the whole y, or the one fitted before."""
        if again:
            network: Network = self._trained
            network.model = replace(network.model, l2=l2)
            return network
        network = self._new(
            chosen,
            activation=SKLEARN_ACTIVATIONS[chosen.activation],
            objective=SKLEARN_OBJECTIVES[self._out_activation(rows.y, classes)],
            l2=l2,
            dropout=chosen.dropout,
            seed=seed,
        )
        network.initialize(rows.X, rows.y, classes)
        return network

    def _new(self, chosen: Any, **shared: Any) -> Network:
        """New network with the settings that all kinds share, and those of its own."""
        raise NotImplementedError

    def _begin(self) -> None:
        """Forget earlier training."""
        self.n_iter_, self.t_, self.loss_curve_, self.best_loss_ = 0, 0, [], math.inf
        self.validation_scores_ = self.best_validation_score_ = None

    def _record(self, losses: list[float], rows: int) -> None:
        """Record the losses of epochs over some rows."""
        self.loss_curve_ = self.loss_curve_ + losses
        self.n_iter_, self.t_ = len(losses), self.t_ + len(losses) * rows
        if losses:  # there are none if an interrupt came in the first epoch
            self.loss_, self.best_loss_ = losses[-1], min(self.loss_curve_)
