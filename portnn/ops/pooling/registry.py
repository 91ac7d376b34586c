"""Poolings by name: what a classifier reads off the outputs of a recurrent network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from portnn.backends import Array
from portnn.ops.shapes import check_ndim, check_shape

__all__ = ["POOLINGS", "Pooling", "PoolingGradients"]


class PoolingGradients(NamedTuple):
    """Gradients of a pooling, each shaped like the argument of the same name; None where there is none."""

    y: Array | None
    last: Array | None


class Pooling(NamedTuple):
    """Outputs of all time steps to one vector of each sequence, as a pair.

    Attributes
    ----------
    name : str
    forward : callable
        ``forward(y, last, lengths, *, xp) -> (pooled, cache)``, with the outputs y (time, batch, features), those at
        the end of each sequence, last (batch, features), and lengths (batch,), or None without padding.
    backward : callable
        ``backward(dpooled, cache, *, xp) -> PoolingGradients``.
    """

    name: str
    forward: Callable[..., tuple[Array, Any]]
    backward: Callable[..., PoolingGradients]


POOLINGS: dict[str, Pooling] = {}
"""Each pooling's file adds its own."""


def register(pooling: Pooling) -> None:
    """Make a pooling available to models under its name."""
    POOLINGS[pooling.name] = pooling


def check_pooling(operation: str, y: Array, last: Array, lengths: Array | None) -> None:
    """Check the shapes of a call; raise ValueError for the argument at fault."""
    check_ndim(operation, "y", y, 3)
    check_shape(operation, "last", last, tuple(y.shape[1:]), "y expects")
    if lengths is not None:
        check_shape(operation, "lengths", lengths, (y.shape[1],), "y expects")
