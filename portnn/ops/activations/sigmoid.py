"""Logistic sigmoid."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, portable
from portnn.ops.activations.registry import Activation, register

__all__ = ["SigmoidCache", "sigmoid", "sigmoid_backward"]


class SigmoidCache(NamedTuple):
    """What `sigmoid_backward` needs."""

    y: Array


@portable
def sigmoid(x: Array, *, xp: Namespace = None) -> tuple[Array, SigmoidCache]:
    """Logistic function, elementwise: ``1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2``.

    Parameters
    ----------
    x : array (...), real floating

    Returns
    -------
    y : array (...), in [0, 1]
    cache : SigmoidCache

    Notes
    -----
    The form with tanh cannot overflow, whatever the sign of x.

    Examples
    --------
    >>> import numpy as np
    >>> from portnn.ops import sigmoid
    >>> sigmoid(np.asarray([-1000.0, 0.0, 1000.0]))[0].tolist()
    [0.0, 0.5, 1.0]
    """
    y = xp.tanh(x * 0.5)
    y *= 0.5
    y += 0.5
    return y, SigmoidCache(y)


@portable
def sigmoid_backward(dy: Array, cache: SigmoidCache, *, xp: Namespace = None) -> Array:
    """Gradient of `sigmoid`: ``dx = dy * y * (1 - y)``, all (...)."""
    return dy * cache.y * (1.0 - cache.y)


register(Activation("sigmoid", sigmoid, sigmoid_backward))
