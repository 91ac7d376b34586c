"""Flattening: pictures as rows of a table."""

from __future__ import annotations

import math
from typing import NamedTuple

from portnn.backends import Array, Namespace, portable

__all__ = ["FlattenCache", "flatten", "flatten_backward"]


class FlattenCache(NamedTuple):
    """What `flatten_backward` needs."""

    shape: tuple[int, ...]


@portable
def flatten(x: Array, *, xp: Namespace = None) -> tuple[Array, FlattenCache]:
    """All but the first axis as one: x (batch, ...) -> y (batch, n). The last axis runs fastest.

    Returns
    -------
    y : array (batch, n)
    cache : FlattenCache
    """
    shape = tuple(x.shape)
    return xp.reshape(x, (shape[0], math.prod(shape[1:]))), FlattenCache(shape)


@portable
def flatten_backward(dy: Array, cache: FlattenCache, *, xp: Namespace = None) -> Array:
    """Gradient of `flatten`: dy (batch, n) in the shape of x."""
    return xp.reshape(dy, cache.shape)
