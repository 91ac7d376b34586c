"""The output at the end of each sequence."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, portable
from portnn.ops.pooling.registry import Pooling, PoolingGradients, check_pooling, register

__all__ = ["LastStateCache", "last_state", "last_state_backward"]


class LastStateCache(NamedTuple):
    """`last_state_backward` needs nothing."""


@portable
def last_state(
    y: Array, last: Array, lengths: Array | None = None, *, xp: Namespace = None
) -> tuple[Array, LastStateCache]:
    """Hidden state after the last valid step of each sequence; in reverse, after its first.

    Parameters
    ----------
    y : array (time, batch, features)
    last : array (batch, features)
        What a recurrent op returns as final state.
    lengths : integer array (batch,), optional

    Returns
    -------
    pooled : array (batch, features)
        `last` itself.
    cache : LastStateCache

    Raises
    ------
    ValueError
        If shapes do not fit.
    """
    check_pooling("last_state", y, last, lengths)
    return last, LastStateCache()


@portable
def last_state_backward(dpooled: Array, cache: LastStateCache, *, xp: Namespace = None) -> PoolingGradients:
    """Gradients of `last_state`: ``dlast = dpooled``, and none of y. dpooled (batch, features)."""
    return PoolingGradients(None, dpooled)


register(Pooling("last", last_state, last_state_backward))
