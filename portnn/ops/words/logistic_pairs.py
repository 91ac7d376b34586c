"""Logistic loss of positive pairs, row by row."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, portable
from portnn.ops.shapes import check_shape, shape

__all__ = ["LogisticPairsCache", "LogisticPairsGradients", "logistic_pairs", "logistic_pairs_backward"]

MAX_EXPONENT = 80.0
"""Logits of the wrong sign are clipped to this size: exp of larger values overflows float32."""


class LogisticPairsCache(NamedTuple):
    """What `logistic_pairs_backward` needs."""

    hidden: Array
    outputs: Array
    dlogits: Array


class LogisticPairsGradients(NamedTuple):
    """Gradients of `logistic_pairs`."""

    hidden: Array
    outputs: Array


@portable
def logistic_pairs(
    hidden: Array, outputs: Array, weights: Array, *, xp: Namespace = None
) -> tuple[Array, LogisticPairsCache]:
    """Logistic loss of positive pairs: each hidden row with the output row in the same place.

    With sigma the logistic function, h the hidden rows and u the output rows::

        loss = - sum_i weights_i log sigma(h_i . u_i)

    Parameters
    ----------
    hidden, outputs : array (..., m), real floating
    weights : array (...), dtype of `hidden`
        How often each pair counts.

    Returns
    -------
    loss : array, shape ()
        Sum over all pairs, in nats.
    cache : LogisticPairsCache

    Raises
    ------
    ValueError
        If shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> loss, _ = logistic_pairs(np.zeros((3, 2)), np.ones((3, 2)), np.ones(3))
    >>> round(float(loss / np.log(2.0)), 6)
    3.0
    """
    check_shape("logistic_pairs", "outputs", outputs, shape(hidden), "hidden expects")
    check_shape("logistic_pairs", "weights", weights, shape(hidden)[:-1], "hidden expects")
    exponential = xp.exp(xp.clip(-xp.vecdot(hidden, outputs, axis=-1), None, MAX_EXPONENT))
    total = exponential + 1.0
    exponential /= total  # now the sigmoid of minus the logit
    return xp.sum(xp.log(total) * weights), LogisticPairsCache(hidden, outputs, -weights * exponential)


@portable
def logistic_pairs_backward(
    dloss: Array | float, cache: LogisticPairsCache, *, xp: Namespace = None
) -> LogisticPairsGradients:
    """Gradients of `logistic_pairs` for both. dloss: 0-d array or float."""
    dlogits = (cache.dlogits * dloss)[..., None]
    return LogisticPairsGradients(dlogits * cache.outputs, dlogits * cache.hidden)
