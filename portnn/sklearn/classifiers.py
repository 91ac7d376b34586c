"""`MLPClassifier` and `SoftmaxClassifier`: perceptrons that tell classes apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from portnn.backends import Array
from portnn.backends import namespace as namespace_of
from portnn.estimators.labels import place_labels
from portnn.sklearn.dispatch import host
from portnn.sklearn.perceptron import Host, Perceptron, goes_on


class Classifier(ClassifierMixin, Perceptron):  # type: ignore[misc]
    """What the classifiers share: labels, probabilities and accuracy."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Perceptron._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    @property
    def classes_(self) -> Array:
        """Class labels (n,), sorted, where X lived (strings on the host); of several questions their numbers."""
        known = self.mlp_.classes
        labels = np.arange(self.n_outputs_) if known is None else known.labels
        return place_labels(labels, self.mlp_.backend)

    @available_if(goes_on)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        """Train for one epoch; the optimizer goes on where the last call left it.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array (n,), optional
            All class labels there will ever be; needed at the first call.

        Returns
        -------
        Itself.

        Raises
        ------
        ValueError
            If `classes` is missing at the first call or differs from it later, or y has other labels.
        """
        if classes is None and not hasattr(self, "mlp_"):
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is not None:
            classes = np.unique(host(classes))
            if hasattr(self, "mlp_") and not np.array_equal(classes, host(self.classes_)):
                raise ValueError(
                    f"classes={classes.tolist()} is not the same as on last call to partial_fit, "
                    f"was: {host(self.classes_).tolist()}"
                )
        return self._fit_epoch(X, y, sample_weight, classes)

    def predict_proba(self, X: Any) -> Array:
        """Probability of each class (rows, n), or of each of several yes-or-no questions, where X lives."""
        table = self._table(X, "predict_proba")
        return self.mlp_.predict_proba(table)

    def predict_log_proba(self, X: Any) -> Array:
        """Logarithm of `predict_proba`, worked out from logits: finite where a probability rounds to 0."""
        table = self._table(X, "predict_log_proba")
        logits = self.mlp_.outputs(table)
        xp = namespace_of(X=logits)
        if self.out_activation_ == "softmax":
            logits = logits - xp.max(logits, axis=1, keepdims=True)
            return logits - xp.log(xp.sum(xp.exp(logits), axis=1, keepdims=True))
        zero = xp.zeros_like(logits)
        positive = -xp.logaddexp(zero, -logits)
        if self.mlp_.classes is None:
            return positive
        return xp.concat([-xp.logaddexp(zero, logits), positive], axis=1)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of rows whose class is right, or all of whose questions are. Labels never seen count as wrong.

        Parameters
        ----------
        X : array (rows, features)
        y : array (rows,) or (rows, n)
        sample_weight : array (rows,), optional
        """
        weights = None if sample_weight is None else host(sample_weight)
        return float(accuracy_score(host(y), host(self.predict(X)), sample_weight=weights))

    def __sklearn_tags__(self) -> Any:
        """Say what scikit-learn may expect."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _targets(self, y: Host, again: bool) -> Host:
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind == "multiclass-multioutput":
            raise ValueError("y has several columns of classes; several columns must hold 0 and 1")
        if again and self.warm_start and self.mlp_.classes is not None:
            found, known = np.unique(y), self.mlp_.classes.labels
            if set(found.tolist()) != set(known.tolist()):
                raise ValueError(f"warm_start needs the classes of the last fit, {known}, but y has {found}")
        return y

    def _objective(self, y: Host, classes: Any) -> str:
        if y.ndim == 2:
            return "binary_cross_entropy"
        return "cross_entropy" if len(np.unique(y) if classes is None else classes) > 2 else "binary_cross_entropy"

    def _stratifies(self, y: Host) -> bool:
        return y.ndim == 1

    def _row_weights(self, weights: Host | None, y: Host) -> Host | None:
        if self.class_weight is None:
            return weights
        of_classes: Host = compute_sample_weight(self.class_weight, y)
        return of_classes if weights is None else of_classes * weights


class MLPClassifier(Classifier):
    """Multilayer perceptron for classification, on the arrays that it is given.

    Two classes share one logistic output; more have a softmax; several columns of 0 and 1 are as many
    yes-or-no questions.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Units of every hidden layer; empty for a linear model.
    activation : {"relu", "identity", "logistic", "sigmoid", "tanh", "rbf"}
        Of the hidden layers; "logistic" and "sigmoid" are the same.
    solver : {"adam", "sgd", "lbfgs", "momentum", "nesterov", "adagrad", "rmsprop", "adamw"}
    alpha : float
        L2 penalty of the weights (not biases), divided by the rows of a batch, or by what they weigh.
    batch_size : int or "auto"
        Rows of a mini-batch; "auto": ``min(200, rows)``.
    learning_rate : {"constant", "invscaling", "adaptive"}
        Of the solver sgd: the same throughout; divided by ``(t + 1)^power_t`` with the rows t seen so far; or
        divided by 5 instead of stopping, down to 1e-6.
    learning_rate_init : float
    power_t : float
    max_iter : int
        Epochs at most; for lbfgs iterations.
    shuffle : bool
        Draw a new order of rows every epoch.
    random_state : int, RandomState or None
        Of the first weights, the order of rows, dropout and the held-out rows.
    tol : float
        What counts as an improvement of the mean training loss, or of the held-out score. For lbfgs the largest
        entry of the gradient that counts as none.
    verbose : bool
        Show progress on stderr.
    warm_start : bool
        Let `fit` start from the weights that are there.
    momentum : float in [0, 1)
        Of the solver sgd.
    nesterovs_momentum : bool
    early_stopping : bool
        Hold out rows, stop by their score and keep the best weights.
    validation_fraction : float in [0, 1)
    beta_1, beta_2 : float in [0, 1)
        Of the solver adam.
    epsilon : float
    n_iter_no_change : int or inf
        Epochs without improvement that are waited for.
    max_fun : int
        Evaluations of the loss at most, for lbfgs.
    dropout : float in [0, 1)
        Rate at which every hidden layer's output is dropped in training.
    class_weight : dict or "balanced", optional
        Weight of each class label; "balanced" gives all classes the same weight in all.

    Attributes
    ----------
    classes_ : array (n,)
    coefs_, intercepts_ : list of arrays (n_in, n_out) and (n_out,)
        Of every layer, where X lived.
    mlp_ : portnn.MLP
        The network itself.
    loss_, best_loss_ : float
        Mean training loss of the last epoch, and the lowest; with early stopping `best_loss_` is None.
    loss_curve_ : list of float
        Loss of every epoch (not for lbfgs).
    validation_scores_, best_validation_score_ : list of float, float
        Accuracy on the held-out rows after every epoch; None without early stopping.
    n_iter_, t_ : int
        Epochs of the last `fit`, and rows seen in all.
    n_layers_, n_outputs_ : int
    out_activation_ : {"softmax", "logistic"}
    n_features_in_ : int
    feature_names_in_ : array of str
        Where X has names.

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


class SoftmaxClassifier(Classifier):
    """Softmax regression: a linear map from features to logits. Two classes share one logistic output.

    Parameters
    ----------
    solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, random_state, tol
        As in `MLPClassifier`; but the solver is lbfgs, which suits a convex loss.
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
