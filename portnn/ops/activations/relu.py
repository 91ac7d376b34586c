"""Rectified linear unit."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, device, portable
from portnn.ops.activations.registry import Activation, register

__all__ = ["ReluCache", "relu", "relu_backward"]


class ReluCache(NamedTuple):
    """What `relu_backward` needs."""

    x: Array


@portable
def relu(x: Array, *, xp: Namespace = None) -> tuple[Array, ReluCache]:
    """Rectifier, elementwise: ``max(x, 0)``.

    Parameters
    ----------
    x : array (...), real floating

    Returns
    -------
    y : array (...)
    cache : ReluCache
    """
    return xp.maximum(x, xp.zeros((), dtype=x.dtype, device=device(x))), ReluCache(x)


@portable
def relu_backward(dy: Array, cache: ReluCache, *, xp: Namespace = None) -> Array:
    """Gradient of `relu`: ``dx = dy`` where x > 0, else 0 (at the kink too). All (...)."""
    return dy * xp.astype(cache.x > 0.0, dy.dtype)


register(Activation("relu", relu, relu_backward, half_silent=True))
