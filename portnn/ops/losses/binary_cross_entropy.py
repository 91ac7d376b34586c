"""Binary cross-entropy, from logits."""

from __future__ import annotations

import math
from typing import NamedTuple

from portnn.backends import Array, Namespace, portable
from portnn.ops.activations.sigmoid import sigmoid
from portnn.ops.losses.row_mean import mean_of_rows_backward, row_weights, where_counted
from portnn.ops.shapes import check_shape, shape


class BinaryCrossEntropyCache(NamedTuple):
    """What `binary_cross_entropy_backward` needs."""

    difference: Array
    weights: Array | None


@portable
def binary_cross_entropy(
    logits: Array, targets: Array, mask: Array | None = None, *, xp: Namespace = None
) -> tuple[Array, BinaryCrossEntropyCache]:
    """Cross-entropy of sigmoid(logits) with the targets, in nats, summed over a row's outputs; mean over rows.

    Parameters
    ----------
    logits : array (..., n), real floating
    targets : array (..., n), dtype of the logits, in [0, 1]
        Probabilities of the positive class; each output is a question of its own.
    mask : array (...), dtype of the logits, optional
        1 for rows that count, 0 for rows that do not (fractions weigh). The mean is over what counts; a mask of
        zeros gives 0.

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
    ``max(z, 0) - t z + log(1 + exp(-|z|))``, in which nothing can overflow and no logarithm sees a 0.

    Examples
    --------
    >>> import numpy as np
    >>> from portnn.ops import binary_cross_entropy
    >>> float(binary_cross_entropy(np.asarray([[1000.0], [-1000.0]]), np.asarray([[1.0], [0.0]]))[0])
    0.0
    """
    check_shape("binary_cross_entropy", "targets", targets, shape(logits), "the logits have")
    leading = shape(logits)[:-1]
    if mask is not None:
        check_shape("binary_cross_entropy", "mask", mask, leading, "the logits expect")
        logits, targets = (where_counted(mask, array, xp=xp) for array in (logits, targets))
    size = xp.abs(logits)
    nats = (size + logits) * 0.5  # max(z, 0)
    nats -= logits * targets
    nats += xp.log1p(xp.exp(-size))  # last, so that it keeps its digits where the others cancel
    difference = sigmoid(logits, xp=xp)[0] - targets
    if mask is None:
        return xp.sum(nats) / math.prod(leading), BinaryCrossEntropyCache(difference, None)
    weights = row_weights(mask, xp=xp)
    return xp.sum(xp.sum(nats, axis=-1) * weights), BinaryCrossEntropyCache(difference, weights)


@portable
def binary_cross_entropy_backward(dloss: Array, cache: BinaryCrossEntropyCache, *, xp: Namespace = None) -> Array:
    """Gradient of `binary_cross_entropy` for the logits: ``dlogits = dloss * (sigmoid(z) - t) / k`` with k rows.

    Parameters
    ----------
    dloss : 0-d array or float
        Gradient of the loss; 1 when the loss is what is minimised.
    cache : BinaryCrossEntropyCache

    Returns
    -------
    dlogits : array (..., n)
        With a mask, each row weighs as in the mean.
    """
    return mean_of_rows_backward(dloss, cache.difference, cache.weights, xp=xp)
