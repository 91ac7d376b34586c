"""`MLPRegressor`: a multilayer perceptron for regression."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions

from portnn.sklearn.dispatch import host
from portnn.sklearn.fitted import OUT_ACTIVATIONS
from portnn.sklearn.perceptron import Host, Perceptron


class MLPRegressor(RegressorMixin, Perceptron):  # type: ignore[misc]
    """Multilayer perceptron for regression of numbers or of counts.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}
        Half the squared error, or half the Poisson deviance, summed over the outputs of a row. With "poisson" y is not
        negative, and predictions are the exponential of the outputs.
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter
        As in `MLPClassifier`.
    shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping
        As in `MLPClassifier`.
    validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun, dropout
        As in `MLPClassifier`.

    Attributes
    ----------
    coefs_, intercepts_, mlp_, loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_, n_iter_
        As in `MLPClassifier`; the score is the coefficient of determination R^2.
    t_, n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As in `MLPClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from portnn.sklearn import MLPRegressor
    >>> X = np.linspace(-1.0, 1.0, 50)[:, None]
    >>> model = MLPRegressor((20,), activation="tanh", solver="lbfgs", max_iter=1000, tol=1e-3, random_state=0)
    >>> bool(model.fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.99)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Perceptron._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson"})],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
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
        dropout: float = 0.0,
        loss: str = "squared_error",
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes, self.activation, self.dropout = hidden_layer_sizes, activation, dropout
        self.solver, self.alpha, self.batch_size, self.shuffle = solver, alpha, batch_size, shuffle
        self.learning_rate, self.learning_rate_init, self.power_t = learning_rate, learning_rate_init, power_t
        self.max_iter, self.max_fun, self.tol, self.n_iter_no_change = max_iter, max_fun, tol, n_iter_no_change
        self.random_state, self.verbose, self.warm_start = random_state, verbose, warm_start
        self.momentum, self.nesterovs_momentum = momentum, nesterovs_momentum
        self.early_stopping, self.validation_fraction = early_stopping, validation_fraction
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Coefficient of determination R^2, averaged over the outputs.

        Parameters
        ----------
        X : array (rows, features)
        y : array (rows,) or (rows, n)
        sample_weight : array (rows,), optional
        """
        weights = None if sample_weight is None else host(sample_weight)
        return float(r2_score(host(y), host(self.predict(X)), sample_weight=weights))

    def __sklearn_tags__(self) -> Any:
        """Tags that tell scikit-learn what this estimator supports."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _targets(self, y: Host, again: bool) -> Host:
        if again and self.mlp_.objective != self.loss:
            raise ValueError(
                f"the network was trained with loss={self.mlp_.objective!r}; loss={self.loss!r} needs new weights"
            )
        return y.astype(np.float64)

    def _out_activation(self, y: Host, classes: Any) -> str:
        return OUT_ACTIVATIONS[self.loss]
