"""Largest output at the valid steps of each sequence, feature by feature."""

from __future__ import annotations

import math
from typing import NamedTuple

from portnn.backends import Array, Namespace, device, portable
from portnn.ops.pooling.registry import Pooling, PoolingGradients, check_pooling, register

__all__ = ["MaxOverTimeCache", "max_over_time", "max_over_time_backward"]


class MaxOverTimeCache(NamedTuple):
    """What `max_over_time_backward` needs.

    Attributes
    ----------
    chosen : boolean array (time, batch, features)
        True at the first step that has the largest value.
    """

    chosen: Array


@portable
def max_over_time(
    y: Array, last: Array, lengths: Array | None = None, *, xp: Namespace = None
) -> tuple[Array, MaxOverTimeCache]:
    """Maximum over the valid steps of each sequence, ``pooled[b, k] = max_{t < lengths[b]} y[t, b, k]``.

    Parameters
    ----------
    y : array (time, batch, features)
    last : array (batch, features)
    lengths : integer array (batch,), optional
        Positive. Without it every step counts.

    Returns
    -------
    pooled : array (batch, features)
    cache : MaxOverTimeCache

    Raises
    ------
    ValueError
        If shapes do not fit.
    """
    check_pooling("max_over_time", y, last, lengths)
    times = y.shape[0]
    if lengths is not None:
        steps = xp.arange(times, dtype=lengths.dtype, device=device(lengths))
        valid = steps[:, None, None] < lengths[None, :, None]
        y = xp.where(valid, y, xp.full_like(y, -math.inf))
    first = xp.argmax(y, axis=0)
    steps = xp.arange(times, dtype=first.dtype, device=device(first))
    return xp.max(y, axis=0), MaxOverTimeCache(steps[:, None, None] == first[None, :, :])


@portable
def max_over_time_backward(dpooled: Array, cache: MaxOverTimeCache, *, xp: Namespace = None) -> PoolingGradients:
    """Gradients of `max_over_time`: all of dpooled (batch, features) goes to the first step with the largest value."""
    dy = xp.astype(cache.chosen, dpooled.dtype) * dpooled[None, :, :]
    return PoolingGradients(dy, None)


register(Pooling("max", max_over_time, max_over_time_backward))
