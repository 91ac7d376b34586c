"""Networks that other libraries have trained, as `MLP`: scikit-learn's perceptrons and PyTorch's `Sequential`.

Neither library is imported: what comes is known by its attributes and the names of its classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from portnn.backends import Backend, is_array, to_host, tree_map
from portnn.estimators.estimator import as_backend
from portnn.estimators.mlp import MLP
from portnn.models import FeedForward
from portnn.tables.labels import Classes, as_labels
from portnn.tables.targets import Targets

Host = np.ndarray[Any, Any]

SKLEARN_ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
"""scikit-learn's names of activations and ours."""

SKLEARN_OBJECTIVES = {"softmax": "cross_entropy", "logistic": "binary_cross_entropy", "identity": "squared_error"}
"""scikit-learn's names of output activations and our objectives."""

TORCH_ACTIVATIONS = {"ReLU": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Identity": "identity"}
"""PyTorch's names of activations and ours."""

TORCH_OUTPUTS = {"Softmax": "cross_entropy", "Sigmoid": "binary_cross_entropy", "Identity": "squared_error"}
"""What may follow the last Linear, and the objective whose predictions have it already."""


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
        classifies.
    l2 : float
        Penalty of further training: scikit-learn's is ``alpha / rows``, with the rows of a batch.
    backend : str or Backend
    device : str, optional
    dtype : {"float32", "float64"}, optional
        Without it that of the weights.

    Returns
    -------
    MLP

    Raises
    ------
    TypeError
        If it is no fitted perceptron.
    ValueError
        If its activation or its loss is none that portnn has.

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
        raise TypeError(f"{type(estimator).__name__} is no fitted perceptron of scikit-learn: it has no {missing[0]}")
    activation = getattr(estimator, "activation", "identity")  # a SoftmaxClassifier has no hidden layer
    activation = SKLEARN_ACTIVATIONS.get(activation, activation)
    objective = SKLEARN_OBJECTIVES.get(estimator.out_activation_)
    if objective is None:
        known = ", ".join(SKLEARN_OBJECTIVES)
        raise ValueError(f"unknown out_activation_ {estimator.out_activation_!r}; known: {known}")
    layers = [
        (_host(weight), _host(bias)) for weight, bias in zip(estimator.coefs_, estimator.intercepts_, strict=True)
    ]
    outputs = len(layers[-1][1])
    labels = getattr(estimator, "classes_", None) if objective == "cross_entropy" or outputs == 1 else None
    return _assembled(layers, activation, objective, labels, l2, backend, device, dtype)


def from_torch(
    sequential: Any,
    objective: str = "cross_entropy",
    *,
    classes: Any = None,
    l2: float = 0.0,
    backend: str | Backend = "numpy",
    device: Any = None,
    dtype: str | None = None,
) -> MLP:
    """Take the weights of a `torch.nn.Sequential` of Linear layers with one kind of activation between them.

    Parameters
    ----------
    sequential : iterable of modules
        Linear, and ReLU, Tanh, Sigmoid or Identity (or nothing) between two of them. After the last may come
        Softmax for "cross_entropy", Sigmoid for "binary_cross_entropy": `MLP.predict_proba` has them built in.
    objective : {"cross_entropy", "binary_cross_entropy", "squared_error"}
        What the outputs are, and what further training minimises.
    classes : array (n,), optional
        Sorted class labels; without it 0, 1 and so on.
    l2 : float
        Penalty of further training; `weight_decay` of PyTorch's optimizers, but not of biases.
    backend : str or Backend
    device : str, optional
    dtype : {"float32", "float64"}, optional
        Without it that of the weights.

    Returns
    -------
    MLP

    Raises
    ------
    TypeError
        If it is no sequence of modules.
    ValueError
        If there is a module that is not known, or one where it cannot be.

    Examples
    --------
    >>> import portnn, torch  # doctest: +SKIP
    >>> network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))  # doctest: +SKIP
    >>> model = portnn.from_torch(network, "cross_entropy", classes=["a", "b", "c"])  # doctest: +SKIP
    """
    try:
        modules = [(type(module).__name__, module) for module in sequential]
    except TypeError as error:
        raise TypeError(f"sequential is {type(sequential).__name__}, expected torch.nn.Sequential") from error
    known = ("Linear", *TORCH_ACTIVATIONS, "Softmax")
    for position, (name, _) in enumerate(modules):
        if name not in known:
            raise ValueError(f"module {position} is {name}; known: {', '.join(known)}")
    linear = [position for position, (name, _) in enumerate(modules) if name == "Linear"]
    if not linear or linear[0] != 0:
        raise ValueError(f"the first module must be Linear, got {modules[0][0] if modules else 'none'}")
    between = [
        [name for name, _ in modules[start + 1 : stop]]
        for start, stop in zip(linear, [*linear[1:], len(modules)], strict=True)
    ]
    *hidden, last = between
    if last and TORCH_OUTPUTS.get("".join(last)) != objective:
        raise ValueError(f"{' and '.join(last)} after the last Linear does not go with the objective {objective!r}")
    kinds = {"".join(names) or "Identity" for names in hidden}
    if not kinds <= TORCH_ACTIVATIONS.keys() or len(kinds) > 1:
        raise ValueError(
            f"every hidden layer must have the same single activation, got {', '.join(sorted(kinds))}; "
            f"known: {', '.join(TORCH_ACTIVATIONS)}"
        )
    layers = []
    for position in linear:
        module = modules[position][1]
        weight = _host(module.weight).T
        layers.append((weight, np.zeros_like(weight[0]) if module.bias is None else _host(module.bias)))
    activation = TORCH_ACTIVATIONS[kinds.pop()] if kinds else "identity"
    outputs = len(layers[-1][1])
    if classes is None and objective == "cross_entropy":
        classes = np.arange(outputs)
    elif classes is None and objective == "binary_cross_entropy" and outputs == 1:
        classes = np.arange(2)
    return _assembled(layers, activation, objective, classes, l2, backend, device, dtype)


def _assembled(
    layers: Sequence[tuple[Host, Host]],
    activation: str,
    objective: str,
    labels: Any,
    l2: float,
    backend: str | Backend,
    device: Any,
    dtype: str | None,
) -> MLP:
    """MLP of weights (n_in, n_out) and biases (n_out,) on the host."""
    sizes = (len(layers[0][0]), *(len(bias) for _, bias in layers))
    where = as_backend(backend, device, dtype or str(layers[0][0].dtype))
    found = MLP(sizes[1:-1], activation, objective, l2=l2, backend=where)
    known = None
    if labels is not None and objective == "squared_error":
        raise ValueError("classes are for classifiers, not for squared_error")
    if labels is not None:
        known = Classes.of(as_labels(labels))
        if not np.array_equal(known.labels, as_labels(labels)):
            raise ValueError(f"classes must be in ascending order, one for each output, got {list(labels)}")
        needed = {"cross_entropy": (sizes[-1], sizes[-1]), "binary_cross_entropy": (2, 1)}[objective]
        if (len(known.labels), sizes[-1]) != needed:
            raise ValueError(f"{objective}: {len(known.labels)} class labels, but the network has {sizes[-1]} outputs")
    found.model = FeedForward(sizes, activation, objective, l2)
    found.targets = Targets(objective, sizes[-1], known, one_axis=sizes[-1] == 1 or known is not None)
    params = {}
    for layer, (weight, bias) in enumerate(layers):
        params[f"layers.{layer}.weight"], params[f"layers.{layer}.bias"] = weight.copy(order="C"), bias.copy()
    found.params = tree_map(where.asarray, params)
    return found


def _host(array: Any) -> Host:
    return to_host(array) if is_array(array) else np.asarray(array)
