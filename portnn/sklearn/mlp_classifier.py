"""`MLPClassifier`: a multilayer perceptron for classification."""

from __future__ import annotations

from typing import ClassVar

from portnn.settings import documented
from portnn.sklearn.classifier import Classifier
from portnn.sklearn.parameters import ClassifierParameters, Parameters, taking
from portnn.sklearn.perceptron import Perceptron


@documented(ClassifierParameters)
class MLPClassifier(Perceptron, Classifier):
    """Multilayer perceptron for classification, on arrays of any library.

    Two classes share a logistic output; more have a softmax, and so has a single one, which is then certain; several
    columns of 0 and 1 have a logistic output each.

    Parameters
    ----------
    {settings}

    Attributes
    ----------
    classes_ : array (n,)
    coefs_, intercepts_ : list of arrays (n_in, n_out) and (n_out,)
        Weights and biases of every layer, in the library and on the device of X.
    mlp_ : portnn.MLP
        The network.
    loss_, best_loss_ : float
        Mean training loss of the last epoch, and the lowest of all; with early stopping `best_loss_` is None.
    loss_curve_ : list of float
        Loss of every epoch (not for lbfgs).
    validation_scores_, best_validation_score_ : list of float, float
        Accuracy on the held-out rows after every epoch; None without early stopping.
    n_iter_, t_ : int
        Epochs of the last `fit`, and total number of rows seen.
    n_layers_, n_outputs_ : int
    out_activation_ : {"softmax", "logistic"}
    n_features_in_ : int
    feature_names_in_ : array of str
        If X has column names.

    Examples
    --------
    >>> import numpy as np
    >>> from portnn.sklearn import MLPClassifier
    >>> X, y = np.asarray([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), ["no", "yes", "yes", "no"]
    >>> model = MLPClassifier((8,), activation="tanh", solver="lbfgs", random_state=0)
    >>> model.fit(X, y).predict(X).tolist()
    ['no', 'yes', 'yes', 'no']
    """

    PARAMETERS: ClassVar[type[Parameters]] = ClassifierParameters

    __init__ = taking(ClassifierParameters)
