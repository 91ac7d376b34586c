"""Mean of the outputs at the valid steps of each sequence."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, device, portable
from portnn.ops.pooling.registry import Pooling, PoolingGradients, check_pooling, register

__all__ = ["MeanOverTimeCache", "mean_over_time", "mean_over_time_backward"]


class MeanOverTimeCache(NamedTuple):
    """What `mean_over_time_backward` needs.

    Attributes
    ----------
    share : array (time, batch, 1)
        How much each step counts: 1 / length at the steps of a sequence, 0 at its padding.
    """

    share: Array


@portable
def mean_over_time(
    y: Array, last: Array, lengths: Array | None = None, *, xp: Namespace = None
) -> tuple[Array, MeanOverTimeCache]:
    """Mean over the valid steps of each sequence, ``pooled[b] = sum_{t < lengths[b]} y[t, b] / lengths[b]``.

    Parameters
    ----------
    y : array (time, batch, features)
        0 at padding, as recurrent ops return it.
    last : array (batch, features)
    lengths : integer array (batch,), optional
        Without it every step counts. A sequence without a step has the mean 0.

    Returns
    -------
    pooled : array (batch, features)
    cache : MeanOverTimeCache

    Raises
    ------
    ValueError
        If shapes do not fit.
    """
    check_pooling("mean_over_time", y, last, lengths)
    times = y.shape[0]
    if lengths is None:
        share = xp.full((times, y.shape[1], 1), 1.0 / times, dtype=y.dtype, device=device(y))
    else:
        steps = xp.arange(times, dtype=lengths.dtype, device=device(lengths))
        valid = xp.astype(steps[:, None] < lengths[None, :], y.dtype)
        share = (valid / xp.astype(xp.maximum(lengths, xp.ones_like(lengths)), y.dtype)[None, :])[:, :, None]
    return xp.sum(y * share, axis=0), MeanOverTimeCache(share)


@portable
def mean_over_time_backward(dpooled: Array, cache: MeanOverTimeCache, *, xp: Namespace = None) -> PoolingGradients:
    """Gradients of `mean_over_time`: ``dy[t, b] = dpooled[b] / lengths[b]``; dpooled (batch, features)."""
    return PoolingGradients(dpooled[None, :, :] * cache.share, None)


register(Pooling("mean", mean_over_time, mean_over_time_backward))
