"""Softmax cross-entropy, from logits."""

from __future__ import annotations

import math
from typing import NamedTuple

from portnn.backends import Array, Namespace, device, one_hot, portable
from portnn.ops.losses.row_mean import row_weights, where_counted
from portnn.ops.rows import row_max
from portnn.ops.shapes import check_shape, shape


class CrossEntropyCache(NamedTuple):
    """What `cross_entropy_backward` needs."""

    probabilities: Array
    targets: Array
    weights: Array | None


@portable
def cross_entropy(
    logits: Array, targets: Array, mask: Array | None = None, *, xp: Namespace = None
) -> tuple[Array, CrossEntropyCache]:
    """Mean cross-entropy of softmax(logits) with the targets, in nats per row.

    Parameters
    ----------
    logits : array (..., n), real floating
    targets : array (...) of integers in [0, n), or array (..., n) of probabilities
        Hard ids, or soft targets whose rows sum to 1.
    mask : array (...), dtype of the logits, optional
        1 for rows that count, 0 for rows that do not (fractions weigh). The mean is over what counts; a mask of
        zeros gives 0.

    Returns
    -------
    loss : 0-d array
    cache : CrossEntropyCache

    Raises
    ------
    ValueError
        If the shapes do not fit.
    TypeError
        If hard targets are no integers.
    """
    leading, n = shape(logits)[:-1], logits.shape[-1]
    rows = math.prod(leading)
    soft = targets.ndim == logits.ndim
    check_shape("cross_entropy", "targets", targets, shape(logits) if soft else leading, "the logits expect")
    if not soft and not xp.isdtype(targets.dtype, "integral"):
        raise TypeError(f"cross_entropy: hard targets have dtype {targets.dtype}, expected an integer dtype")
    if mask is not None:
        check_shape("cross_entropy", "mask", mask, leading, "the logits expect")
        logits = where_counted(mask, logits, xp=xp)

    shifted = logits - row_max(logits, xp=xp)
    probabilities = xp.exp(shifted)
    totals = xp.sum(probabilities, axis=-1, keepdims=True)
    probabilities /= totals
    log_totals = xp.log(totals[..., 0])
    if soft:
        nats = xp.sum(targets, axis=-1) * log_totals - xp.sum(targets * shifted, axis=-1)
    else:
        # The target's entry of each row, by its place among all entries.
        places = xp.arange(rows, dtype=targets.dtype, device=device(targets)) * n + xp.reshape(targets, (-1,))
        nats = log_totals - xp.reshape(xp.take(xp.reshape(shifted, (-1,)), places, axis=0), leading)
    if mask is None:
        return xp.sum(nats) / rows, CrossEntropyCache(probabilities, targets, None)
    # Soft targets of such a row may hold anything as well.
    nats, weights = where_counted(mask, nats, xp=xp), row_weights(mask, xp=xp)
    return xp.sum(nats * weights), CrossEntropyCache(probabilities, targets, weights)


@portable
def cross_entropy_backward(dloss: Array, cache: CrossEntropyCache, *, xp: Namespace = None) -> Array:
    """Gradient of `cross_entropy` for the logits: ``dlogits = dloss * (p - t) / k`` with k rows in the mean.

    Parameters
    ----------
    dloss : 0-d array or float
        Gradient of the loss; 1 when the loss is what is minimised.
    cache : CrossEntropyCache

    Returns
    -------
    dlogits : array (..., n)
        With a mask, each row weighs as in the mean.
    """
    probabilities, targets, weights = cache
    if targets.ndim < probabilities.ndim:
        dlogits = probabilities - one_hot(targets, probabilities.shape[-1], probabilities.dtype, xp=xp)
    else:
        dlogits = probabilities * xp.sum(targets, axis=-1, keepdims=True) - targets
    if weights is None:
        dlogits *= dloss / math.prod(probabilities.shape[:-1])
        return dlogits
    weights = xp.expand_dims(weights * dloss, axis=-1)
    return xp.where(weights == 0.0, xp.zeros_like(dlogits), dlogits * weights)
