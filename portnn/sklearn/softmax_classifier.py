"""`SoftmaxClassifier`: softmax regression."""

from __future__ import annotations

from typing import ClassVar

from portnn.settings import documented
from portnn.sklearn.classifier import Classifier
from portnn.sklearn.parameters import Parameters, SoftmaxParameters, taking
from portnn.sklearn.perceptron import Perceptron


@documented(SoftmaxParameters)
class SoftmaxClassifier(Perceptron, Classifier):
    """Softmax regression: a linear map from features to logits. Two classes share one logistic output.

    The default solver, lbfgs, suits a convex loss.

    Parameters
    ----------
    {settings}

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

    PARAMETERS: ClassVar[type[Parameters]] = SoftmaxParameters

    __init__ = taking(SoftmaxParameters)
