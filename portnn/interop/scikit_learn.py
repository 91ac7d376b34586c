"""`from_sklearn`: scikit-learn's perceptrons as `MLP`, recognized by their attributes, without scikit-learn."""

from __future__ import annotations

from typing import Any

from portnn.backends import Backend
from portnn.estimators import MLP
from portnn.interop.assembling import assemble
from portnn.objectives import OBJECTIVES
from portnn.ops import ACTIVATIONS
from portnn.settings import brief

SKLEARN_ACTIVATIONS = {**{name: name for name in ACTIVATIONS}, "logistic": "sigmoid"}
"""portnn's activations by name; scikit-learn's name for the sigmoid is among the names."""

SKLEARN_OBJECTIVES = {
    "softmax": "cross_entropy",
    "logistic": "binary_cross_entropy",
    "identity": "squared_error",
    "exp": "poisson",
}
"""portnn's objectives by scikit-learn's name of the output activation."""


def from_sklearn(
    estimator: Any,
    *,
    l2: float = 0.0,
    backend: str | Backend = "numpy",
    device: Any = None,
    dtype: str | None = None,
) -> MLP:
    """Take the weights of a fitted `MLPClassifier` or `MLPRegressor` of scikit-learn, or of `portnn.sklearn`.

    Parameters
    ----------
    estimator : object
        With `coefs_`, `intercepts_`, `out_activation_`, `activation` if it has hidden layers, and `classes_` if it
        is a classifier.
    l2 : float
        L2 penalty for further training. scikit-learn's is ``alpha / rows``, with the number of rows of a batch.
    backend : str or Backend
    device : str, optional
    dtype : {"float32", "float64"}, optional
        By default that of the weights.

    Returns
    -------
    MLP

    Raises
    ------
    TypeError
        If it is not a fitted perceptron.
    ValueError
        If portnn does not have its activation or its loss.

    Examples
    --------
    >>> import numpy as np, portnn
    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = np.asarray([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), ["no", "yes", "yes", "no"]
    >>> trained = MLPClassifier((8,), activation="tanh", solver="lbfgs", random_state=0).fit(X, y)
    >>> portnn.from_sklearn(trained).predict(X).tolist()
    ['no', 'yes', 'yes', 'no']
    """
    missing = [name for name in ("coefs_", "intercepts_", "out_activation_") if not hasattr(estimator, name)]
    if missing:
        raise TypeError(
            f"{type(estimator).__name__} is not a fitted perceptron of scikit-learn: it has no {missing[0]}"
        )
    activation = getattr(estimator, "activation", "identity")  # a SoftmaxClassifier has no hidden layer
    objective = SKLEARN_OBJECTIVES.get(estimator.out_activation_)
    if objective is None:
        known = ", ".join(SKLEARN_OBJECTIVES)
        raise ValueError(f"unknown out_activation_ {brief(estimator.out_activation_)}; known: {known}")
    layers = list(zip(estimator.coefs_, estimator.intercepts_, strict=True))
    # The classes_ of several yes-or-no questions are their numbers.
    single = OBJECTIVES[objective].label.class_count(len(layers[-1][1])) is not None
    labels = getattr(estimator, "classes_", None) if single else None
    if labels is not None and len(labels) == 1:
        objective = "cross_entropy"  # scikit-learn's logit of a single class says nothing
    activation = SKLEARN_ACTIVATIONS.get(activation, activation)
    return assemble(layers, activation, objective, labels, l2=l2, backend=backend, device=device, dtype=dtype)
