"""Activations of hidden layers by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["ACTIVATIONS", "Activation"]


class Activation(NamedTuple):
    """An elementwise function between two layers, as a pair.

    Attributes
    ----------
    name : str
    forward, backward : callable
        ``forward(x, *, xp) -> (y, cache)`` and ``backward(dy, cache, *, xp) -> dx``.
    half_silent : bool
        About half of its outputs are zero, as with a rectifier, so the weights before it start larger [1]_.
    increasing : bool
        It never maps a larger input to a smaller output, so that it may change places with a maximum.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun. Delving deep into rectifiers. ICCV, 2015.
    """

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    half_silent: bool = False
    increasing: bool = True


ACTIVATIONS: dict[str, Activation] = {}
"""Each activation's file adds its own."""


def register(activation: Activation) -> None:
    """Make an activation available to models under its name."""
    ACTIVATIONS[activation.name] = activation
