"""`MLPClassifier`: a multilayer perceptron for classification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portnn.sklearn.classifier import Classifier


class MLPClassifier(Classifier):
    """Multilayer perceptron for classification, on arrays of any library.

    Two classes share a logistic output; more have a softmax, and so has a single one, which is then certain; several
    columns of 0 and 1 have a logistic output each.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Units of every hidden layer; empty for a linear model.
    activation : str
        Activation of the hidden layers, a name in ``portnn.ops.ACTIVATIONS``; "logistic" is "sigmoid".
    solver : str
        "lbfgs", or a name in ``portnn.optimizers.OPTIMIZERS``.
    alpha : float
        L2 penalty on weights (not biases), divided by the number of rows in a batch, or by their total weight.
    batch_size : int or "auto"
        Rows of a mini-batch; "auto": ``min(200, rows)``.
    learning_rate : {"constant", "invscaling", "adaptive"}
        For the solver sgd: the same throughout; divided by ``(t + 1)^power_t`` after t rows; or divided by 5, down to
        1e-6, whenever training would stop.
    learning_rate_init : float
    power_t : float
    max_iter : int
        Largest number of epochs; for lbfgs, of iterations.
    shuffle : bool
        Draw a new order of rows every epoch.
    random_state : int, RandomState or None
        Determines the initial weights, the order of rows, dropout and the held-out rows.
    tol : float
        Smallest improvement that counts, of the mean training loss or the held-out score. For lbfgs, the largest
        gradient entry at which training stops.
    verbose : bool
        Show progress on stderr.
    warm_start : bool
        Whether `fit` continues from the weights of the last fit.
    momentum : float in [0, 1)
        For the solver sgd.
    nesterovs_momentum : bool
    early_stopping : bool
        Whether to hold out rows, stop by their score and keep the best weights.
    validation_fraction : float in [0, 1)
    beta_1, beta_2 : float in [0, 1)
        For the solver adam.
    epsilon : float
    n_iter_no_change : int or inf
        Epochs in a row without improvement before training stops.
    max_fun : int
        Largest number of evaluations of the loss, for lbfgs.
    dropout : float in [0, 1)
        Dropout rate of the hidden layers' outputs in training.
    class_weight : dict or "balanced", optional
        Weight of each class label; "balanced" gives all classes the same total weight.

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
        class_weight: Mapping[Any, float] | str | None = None,
    ) -> None:
        self.hidden_layer_sizes, self.activation, self.dropout = hidden_layer_sizes, activation, dropout
        self.solver, self.alpha, self.batch_size, self.shuffle = solver, alpha, batch_size, shuffle
        self.learning_rate, self.learning_rate_init, self.power_t = learning_rate, learning_rate_init, power_t
        self.max_iter, self.max_fun, self.tol, self.n_iter_no_change = max_iter, max_fun, tol, n_iter_no_change
        self.random_state, self.verbose, self.warm_start = random_state, verbose, warm_start
        self.momentum, self.nesterovs_momentum = momentum, nesterovs_momentum
        self.early_stopping, self.validation_fraction = early_stopping, validation_fraction
        self.beta_1, self.beta_2, self.epsilon, self.class_weight = beta_1, beta_2, epsilon, class_weight
