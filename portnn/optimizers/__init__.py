"""Optimizers: pure functions from (parameters, gradients, state) to (parameters, state).

An optimizer is a frozen dataclass that holds numbers only. All that changes during training is in the
arrays that go in and come out, so the same code runs eagerly, under ``jax.jit`` and in a captured graph. The
rules are those of ``torch.optim``.

In-place operators touch only arrays that the same function has just made; on a library whose arrays are
immutable they rebind the name instead. Passes over each parameter on NumPy: SGD 2, with momentum 4, with
Nesterov's 6, Adagrad 7, RMSprop 9, Adam 12; weight decay adds 1 or 2.
"""

from __future__ import annotations

from typing import Any

from portnn.optimizers import clipping as clipping
from portnn.optimizers import schedules as schedules
from portnn.optimizers.adaptive import Adagrad, Adam, AdamW, RMSprop
from portnn.optimizers.base import Optimizer
from portnn.optimizers.sgd import SGD
from portnn.settings import brief, declared

__all__ = ["OPTIMIZERS", "SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "as_optimizer", "optimizer"]

OPTIMIZERS: dict[str, tuple[type[Optimizer], dict[str, Any]]] = {
    "sgd": (SGD, {}),
    "momentum": (SGD, {"momentum": 0.9}),
    "nesterov": (SGD, {"momentum": 0.9, "nesterov": True}),
    **{kind.name: (kind, {}) for kind in (Adagrad, RMSprop, Adam, AdamW)},
}
"""Optimizers by name: a class, and the options that the name stands for."""


def optimizer(name: str, **options: Any) -> Optimizer:
    """Make an optimizer from its name.

    Parameters
    ----------
    name : str
        ``sgd``, ``momentum`` and ``nesterov`` (`SGD` with momentum 0.9), ``adagrad``, ``rmsprop``, ``adam``
        or ``adamw``.
    **options
        Fields of the class, in place of its defaults.

    Raises
    ------
    TypeError
        If an option is not a number.
    ValueError
        If the name or an option is unknown, or an option is out of its range.

    Examples
    --------
    >>> optimizer("adam", beta2=0.99)
    Adam(weight_decay=0.0, beta1=0.9, beta2=0.99, eps=1e-08)
    >>> optimizer(**optimizer("nesterov").to_json())
    SGD(weight_decay=0.0, momentum=0.9, nesterov=True)
    """
    if name not in OPTIMIZERS:
        raise ValueError(f"unknown optimizer {brief(name)}; known: {', '.join(OPTIMIZERS)}")
    kind, preset = OPTIMIZERS[name]
    known = list(declared(kind))
    for option in options:
        if option not in known:
            raise ValueError(f"{name}: unknown option {brief(option)}; known: {', '.join(known)}")
    return kind(**{**preset, **options})


def as_optimizer(chosen: str | dict[str, Any] | Optimizer) -> Optimizer:
    """The optimizer itself, or one made from its name or its `to_json` record."""
    if isinstance(chosen, dict):
        return optimizer(**chosen)
    return chosen if isinstance(chosen, Optimizer) else optimizer(chosen)
