"""Hyperbolic tangent."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, portable
from portnn.ops.activations.registry import Activation, register

__all__ = ["TanhCache", "tanh", "tanh_backward"]


class TanhCache(NamedTuple):
    """What `tanh_backward` needs."""

    y: Array


@portable
def tanh(x: Array, *, xp: Namespace = None) -> tuple[Array, TanhCache]:
    """Hyperbolic tangent, elementwise.

    Parameters
    ----------
    x : array (...), real floating

    Returns
    -------
    y : array (...), in [-1, 1]
    cache : TanhCache
    """
    y = xp.tanh(x)
    return y, TanhCache(y)


@portable
def tanh_backward(dy: Array, cache: TanhCache, *, xp: Namespace = None) -> Array:
    """Gradient of `tanh`: ``dx = dy * (1 - y^2)``, all (...)."""
    return dy * (1.0 - cache.y * cache.y)


register(Activation("tanh", tanh, tanh_backward))
