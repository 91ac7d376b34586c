"""Activations of hidden layers by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["ACTIVATIONS", "Activation"]


class Activation(NamedTuple):
    """An elementwise pair that may stand between two layers.

    Attributes
    ----------
    name : str
    forward, backward : callable
        ``forward(x, *, xp) -> (y, cache)`` and ``backward(dy, cache, *, xp) -> dx``.
    half_silent : bool
        About half of its outputs are zero, as a rectifier's are: initial weights before it are larger [1]_.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun. Delving deep into rectifiers. ICCV, 2015.
    """

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    half_silent: bool = False


ACTIVATIONS: dict[str, Activation] = {}
"""Filled by the file of each activation."""


def register(activation: Activation) -> None:
    """Let models take an activation by its name."""
    ACTIVATIONS[activation.name] = activation
