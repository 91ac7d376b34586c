"""`MLPRegressor`: a multilayer perceptron for regression."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from portnn.settings import documented
from portnn.sklearn.dispatch import host
from portnn.sklearn.fitted import OUT_ACTIVATIONS
from portnn.sklearn.learner import Host
from portnn.sklearn.parameters import Parameters, RegressorParameters, taking
from portnn.sklearn.perceptron import Perceptron


@documented(RegressorParameters)
class MLPRegressor(RegressorMixin, Perceptron):  # type: ignore[misc]
    """Multilayer perceptron for regression of numbers or of counts.

    Parameters
    ----------
    {settings}

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

    PARAMETERS: ClassVar[type[Parameters]] = RegressorParameters

    __init__ = taking(RegressorParameters)

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
