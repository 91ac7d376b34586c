"""`from_torch`: PyTorch's `Sequential` as `MLP`, recognized by the names of its modules, without importing PyTorch."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from portnn.backends import Backend
from portnn.estimators import MLP
from portnn.interop.assembling import assemble, host
from portnn.objectives import OBJECTIVES
from portnn.settings import brief

TORCH_ACTIVATIONS = {"ReLU": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Identity": "identity"}
"""portnn's activations by PyTorch's names."""

TORCH_OUTPUTS = {"Softmax": "cross_entropy", "Sigmoid": "binary_cross_entropy", "Identity": "squared_error"}
"""Modules that may follow the last Linear, and the objective whose predictions include them."""

TORCH_MODULES = ("Linear", *TORCH_ACTIVATIONS, "Softmax")


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
        Linear layers, with ReLU, Tanh, Sigmoid, Identity or nothing between them. The last may be followed by
        Softmax for "cross_entropy" or Sigmoid for "binary_cross_entropy", which `MLP.predict_proba` includes.
    objective : str
        A name in ``portnn.objectives.OBJECTIVES``: what the outputs mean, and what further training minimizes.
    classes : array (n,), optional
        Class labels in ascending order; by default 0, 1 and so on.
    l2 : float
        L2 penalty for further training: the `weight_decay` of PyTorch's optimizers, but not of biases.
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
        If it is not a sequence of modules.
    ValueError
        If a module is unknown or in the wrong place, or the objective is unknown.

    Examples
    --------
    >>> import portnn, torch  # doctest: +SKIP
    >>> network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))  # doctest: +SKIP
    >>> model = portnn.from_torch(network, "cross_entropy", classes=["a", "b", "c"])  # doctest: +SKIP
    """
    if objective not in OBJECTIVES:
        raise ValueError(f"unknown objective {brief(objective)}; known: {', '.join(OBJECTIVES)}")
    try:
        modules = list(sequential)
    except TypeError as error:
        raise TypeError(f"sequential is {type(sequential).__name__}, expected torch.nn.Sequential") from error
    names = [type(module).__name__ for module in modules]
    activation = activation_between(names, objective)
    layers = []
    for module in (module for module, name in zip(modules, names, strict=True) if name == "Linear"):
        weight = host(module.weight).T
        layers.append((weight, np.zeros_like(weight[0]) if module.bias is None else host(module.bias)))
    count = OBJECTIVES[objective].label.class_count(len(layers[-1][1]))
    if classes is None and count is not None:
        classes = np.arange(count)
    return assemble(layers, activation, objective, classes, l2=l2, backend=backend, device=device, dtype=dtype)


def activation_between(names: list[str], objective: str) -> str:
    """Activation of the hidden layers, in portnn's name, from the names of all modules.

    Raises
    ------
    ValueError
        If a module is unknown or in the wrong place.
    """
    for position, name in enumerate(names):
        if name not in TORCH_MODULES:
            raise ValueError(f"module {position} is {name}; known: {', '.join(TORCH_MODULES)}")
    if not names or names[0] != "Linear":
        raise ValueError(f"the first module must be Linear, got {names[0] if names else 'none'}")
    linears = [position for position, name in enumerate(names) if name == "Linear"]
    *hidden, last = (names[start + 1 : stop] for start, stop in itertools.pairwise([*linears, len(names)]))
    if last and TORCH_OUTPUTS.get("".join(last)) != objective:
        raise ValueError(
            f"{' and '.join(last)} after the last Linear does not go with the objective {brief(objective)}"
        )
    kinds = {"".join(between) or "Identity" for between in hidden}
    if not kinds <= TORCH_ACTIVATIONS.keys() or len(kinds) > 1:
        raise ValueError(
            f"every hidden layer must have the same single activation, got {', '.join(sorted(kinds))}; "
            f"known: {', '.join(TORCH_ACTIVATIONS)}"
        )
    return TORCH_ACTIVATIONS[kinds.pop()] if kinds else "identity"
