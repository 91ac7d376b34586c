"""Softmax and its logarithm over the last axis."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, portable
from portnn.ops.rows import row_max

__all__ = ["LogSoftmaxCache", "SoftmaxCache", "log_softmax", "log_softmax_backward", "softmax", "softmax_backward"]


class SoftmaxCache(NamedTuple):
    """What `softmax_backward` needs."""

    y: Array


class LogSoftmaxCache(NamedTuple):
    """What `log_softmax_backward` needs."""

    y: Array


@portable
def softmax(x: Array, *, xp: Namespace = None) -> tuple[Array, SoftmaxCache]:
    """Probabilities ``exp(x) / sum exp(x)`` over the last axis.

    Parameters
    ----------
    x : array (..., n), real floating
        Logits. The largest of each row is subtracted first, so none can overflow.

    Returns
    -------
    y : array (..., n), rows that sum to 1
    cache : SoftmaxCache

    Examples
    --------
    >>> import numpy as np
    >>> from portnn.ops import softmax
    >>> softmax(np.asarray([1000.0, 1000.0]))[0].tolist()
    [0.5, 0.5]
    """
    y = xp.exp(x - row_max(x, xp=xp))
    y /= xp.sum(y, axis=-1, keepdims=True)
    return y, SoftmaxCache(y)


@portable
def softmax_backward(dy: Array, cache: SoftmaxCache, *, xp: Namespace = None) -> Array:
    """Gradient of `softmax`: ``dx = y * (dy - sum(dy * y))``, all (..., n)."""
    weighted = dy * cache.y
    return weighted - cache.y * xp.sum(weighted, axis=-1, keepdims=True)


@portable
def log_softmax(x: Array, *, xp: Namespace = None) -> tuple[Array, LogSoftmaxCache]:
    """Log-probabilities ``x - log sum exp(x)`` over the last axis, in nats.

    Parameters
    ----------
    x : array (..., n), real floating

    Returns
    -------
    y : array (..., n), not above 0
    cache : LogSoftmaxCache
    """
    y = x - row_max(x, xp=xp)
    y -= xp.log(xp.sum(xp.exp(y), axis=-1, keepdims=True))
    return y, LogSoftmaxCache(y)


@portable
def log_softmax_backward(dy: Array, cache: LogSoftmaxCache, *, xp: Namespace = None) -> Array:
    """Gradient of `log_softmax`: ``dx = dy - exp(y) * sum(dy)``, all (..., n)."""
    return dy - xp.exp(cache.y) * xp.sum(dy, axis=-1, keepdims=True)
