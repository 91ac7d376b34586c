"""Radial basis function."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, portable
from portnn.ops.activations.registry import Activation, register

__all__ = ["RbfCache", "rbf", "rbf_backward"]


class RbfCache(NamedTuple):
    """What `rbf_backward` needs."""

    x: Array
    y: Array


@portable
def rbf(x: Array, *, xp: Namespace = None) -> tuple[Array, RbfCache]:
    """Gaussian bump, elementwise: ``exp(-x^2)``.

    Parameters
    ----------
    x : array (...), real floating

    Returns
    -------
    y : array (...), in [0, 1]
    cache : RbfCache

    References
    ----------
    D. S. Broomhead, D. Lowe. Multivariable functional interpolation and adaptive networks. Complex Systems 2, 1988.

    Examples
    --------
    >>> import numpy as np
    >>> from portnn.ops import rbf
    >>> rbf(np.asarray([0.0, -30.0]))[0].tolist()
    [1.0, 0.0]
    """
    y = xp.exp(-x * x)
    return y, RbfCache(x, y)


@portable
def rbf_backward(dy: Array, cache: RbfCache, *, xp: Namespace = None) -> Array:
    """Gradient of `rbf`: ``dx = -2 x y dy``, all (...)."""
    dx = cache.x * cache.y
    dx *= dy
    dx *= -2.0
    return dx


register(Activation("rbf", rbf, rbf_backward, increasing=False))
