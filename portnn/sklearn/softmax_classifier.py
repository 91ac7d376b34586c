"""`SoftmaxClassifier`: softmax regression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from portnn.sklearn.classifier import Classifier


class SoftmaxClassifier(Classifier):
    """Softmax regression: a linear map from features to logits. Two classes share one logistic output.

    Parameters
    ----------
    solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, random_state, tol
        As in `MLPClassifier`, but the default solver is lbfgs, which suits a convex loss.
    verbose, warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction, beta_1, beta_2, epsilon
        As in `MLPClassifier`.
    n_iter_no_change, max_fun, class_weight
        As in `MLPClassifier`.

    Attributes
    ----------
    classes_, coefs_, intercepts_, mlp_, loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_
        As in `MLPClassifier`; there is one layer.
    n_iter_, t_, n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As in `MLPClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from portnn.sklearn import SoftmaxClassifier
    >>> X = np.asarray([[0.0], [1.0], [4.0], [5.0], [9.0], [10.0]])
    >>> SoftmaxClassifier(random_state=0).fit(X, [0, 0, 1, 1, 2, 2]).predict(X).tolist()
    [0, 0, 1, 1, 2, 2]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        name: allowed
        for name, allowed in Classifier._parameter_constraints.items()
        if name not in ("hidden_layer_sizes", "activation", "dropout")
    }

    def __init__(
        self,
        *,
        solver: str = "lbfgs",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        class_weight: Mapping[Any, float] | str | None = None,
    ) -> None:
        self.solver, self.alpha, self.batch_size, self.shuffle = solver, alpha, batch_size, shuffle
        self.learning_rate, self.learning_rate_init, self.power_t = learning_rate, learning_rate_init, power_t
        self.max_iter, self.max_fun, self.tol, self.n_iter_no_change = max_iter, max_fun, tol, n_iter_no_change
        self.random_state, self.verbose, self.warm_start = random_state, verbose, warm_start
        self.momentum, self.nesterovs_momentum = momentum, nesterovs_momentum
        self.early_stopping, self.validation_fraction = early_stopping, validation_fraction
        self.beta_1, self.beta_2, self.epsilon, self.class_weight = beta_1, beta_2, epsilon, class_weight

    def _layers(self) -> tuple[Any, str, float]:
        return (), "identity", 0.0
