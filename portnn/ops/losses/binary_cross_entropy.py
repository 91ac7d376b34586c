"""Binary cross-entropy, from logits."""

from __future__ import annotations

import math
from typing import NamedTuple

from portnn.backends import Array, Namespace, portable
from portnn.ops.activations.sigmoid import sigmoid
from portnn.ops.losses.row_mean import mean_of_rows_backward, row_shares, where_counted
from portnn.ops.shapes import check_shape, shape

__all__ = ["BinaryCrossEntropyCache", "binary_cross_entropy", "binary_cross_entropy_backward"]


class BinaryCrossEntropyCache(NamedTuple):
    """What `binary_cross_entropy_backward` needs."""

    difference: Array
    shares: Array | None


@portable
def binary_cross_entropy(
    logits: Array, targets: Array, weights: Array | None = None, *, xp: Namespace = None
) -> tuple[Array, BinaryCrossEntropyCache]:
    """Cross-entropy of sigmoid(logits) with the targets, in nats, summed over a row's outputs; mean over rows.

    Parameters
    ----------
    logits : array (..., n), real floating
    targets : array (..., n), dtype of the logits, in [0, 1]
        Probabilities of the positive class; outputs are independent of each other.
    weights : array (...), dtype of the logits, optional
        How much each row counts in the mean; rows of weight 0 may hold anything. Without it all rows count alike. If
        all weights are 0, so is the loss.

    Returns
    -------
    loss : 0-d array
    cache : BinaryCrossEntropyCache

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    With z a logit and t its target, ``-t log(sigmoid(z)) - (1 - t) log(1 - sigmoid(z))`` is
    ``max(z, 0) - t z + log(1 + exp(-|z|))``, which cannot overflow and takes no logarithm of 0.

    Examples
    --------
    >>> import numpy as np
    >>> from portnn.ops import binary_cross_entropy
    >>> float(binary_cross_entropy(np.asarray([[1000.0], [-1000.0]]), np.asarray([[1.0], [0.0]]))[0])
    0.0
    """
    check_shape("binary_cross_entropy", "targets", targets, shape(logits), "the logits have")
    leading = shape(logits)[:-1]
    if weights is not None:
        check_shape("binary_cross_entropy", "weights", weights, leading, "the logits expect")
        logits, targets = (where_counted(weights, array, xp=xp) for array in (logits, targets))
    size = xp.abs(logits)
    nats = (size + logits) * 0.5  # max(z, 0)
    nats -= logits * targets
    nats += xp.log1p(xp.exp(-size))  # last, so that it keeps its digits where the others cancel
    difference = sigmoid(logits, xp=xp)[0] - targets
    if weights is None:
        return xp.sum(nats) / math.prod(leading), BinaryCrossEntropyCache(difference, None)
    shares = row_shares(weights, xp=xp)
    return xp.sum(xp.sum(nats, axis=-1) * shares), BinaryCrossEntropyCache(difference, shares)


@portable
def binary_cross_entropy_backward(
    dloss: Array | float, cache: BinaryCrossEntropyCache, *, xp: Namespace = None
) -> Array:
    """Gradient of `binary_cross_entropy` for the logits: ``dlogits = dloss * (sigmoid(z) - t) / k`` with k rows.

    Parameters
    ----------
    dloss : 0-d array or float
        Gradient of the loss; 1 if the loss itself is minimized.
    cache : BinaryCrossEntropyCache

    Returns
    -------
    dlogits : array (..., n)
        Each row is weighted as in the mean.
    """
    return mean_of_rows_backward(dloss, cache.difference, cache.shares, xp=xp)
