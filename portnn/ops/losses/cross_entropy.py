"""Softmax cross-entropy, from logits."""

from __future__ import annotations

import math
from typing import NamedTuple

from portnn.backends import Array, Namespace, device, minus_one_hot, portable
from portnn.ops.losses.row_mean import row_shares, where_counted
from portnn.ops.rows import row_max
from portnn.ops.shapes import check_shape, shape

__all__ = ["CrossEntropyCache", "cross_entropy", "cross_entropy_backward"]


class CrossEntropyCache(NamedTuple):
    """What `cross_entropy_backward` needs.

    Attributes
    ----------
    powers : array (..., n)
        e to the power of each logit, less the largest of its row.
    totals : array (..., 1)
        Their sums: the probabilities are ``powers / totals``.
    targets : array (...) or (..., n)
    shares : array (...) or None
        Of the rows in the mean; None if they are equal.
    """

    powers: Array
    totals: Array
    targets: Array
    shares: Array | None


@portable
def cross_entropy(
    logits: Array, targets: Array, weights: Array | None = None, *, xp: Namespace = None
) -> tuple[Array, CrossEntropyCache]:
    """Mean cross-entropy of softmax(logits) with the targets, in nats per row.

    Parameters
    ----------
    logits : array (..., n), real floating
    targets : array (...) of integers in [0, n), or array (..., n) of probabilities
        Hard ids, or soft targets whose rows sum to 1.
    weights : array (...), dtype of the logits, optional
        How much each row counts in the mean; rows of weight 0 may hold anything. Without it all rows count alike. If
        all weights are 0, so is the loss.

    Returns
    -------
    loss : 0-d array
    cache : CrossEntropyCache

    Raises
    ------
    ValueError
        If the shapes do not fit.
    TypeError
        If hard targets are not integers.
    """
    leading, n = shape(logits)[:-1], logits.shape[-1]
    rows = math.prod(leading)
    soft = targets.ndim == logits.ndim
    check_shape("cross_entropy", "targets", targets, shape(logits) if soft else leading, "the logits expect")
    if not soft and not xp.isdtype(targets.dtype, "integral"):
        raise TypeError(f"cross_entropy: hard targets have dtype {targets.dtype}, expected an integer dtype")
    if weights is not None:
        check_shape("cross_entropy", "weights", weights, leading, "the logits expect")
        logits = where_counted(weights, logits, xp=xp)

    shifted = logits - row_max(logits, xp=xp)
    powers = xp.exp(shifted)
    totals = xp.sum(powers, axis=-1, keepdims=True)
    log_totals = xp.log(totals[..., 0])
    if soft:
        nats = xp.sum(targets, axis=-1) * log_totals - xp.sum(targets * shifted, axis=-1)
    else:
        # The target's entry of each row, by its place among all entries.
        places = xp.arange(rows, dtype=targets.dtype, device=device(targets)) * n + xp.reshape(targets, (-1,))
        nats = log_totals - xp.reshape(xp.take(xp.reshape(shifted, (-1,)), places, axis=0), leading)
    if weights is None:
        return xp.sum(nats) / rows, CrossEntropyCache(powers, totals, targets, None)
    # Soft targets of a row that does not count may hold anything as well.
    nats, shares = where_counted(weights, nats, xp=xp), row_shares(weights, xp=xp)
    return xp.sum(nats * shares), CrossEntropyCache(powers, totals, targets, shares)


@portable
def cross_entropy_backward(dloss: Array | float, cache: CrossEntropyCache, *, xp: Namespace = None) -> Array:
    """Gradient of `cross_entropy` for the logits: ``dlogits = dloss * (p - t) / k`` with k rows in the mean.

    Parameters
    ----------
    dloss : 0-d array or float
        Gradient of the loss; 1 if the loss itself is minimized.
    cache : CrossEntropyCache

    Returns
    -------
    dlogits : array (..., n)
        Each row is weighted as in the mean.
    """
    powers, totals, targets, shares = cache
    scale = dloss / math.prod(powers.shape[:-1]) if shares is None else (shares * dloss)[..., None]
    if targets.ndim < powers.ndim:
        return minus_one_hot(powers * (scale / totals), targets, scale, xp=xp)
    dlogits = powers * (xp.sum(targets, axis=-1, keepdims=True) / totals)
    dlogits -= targets
    dlogits *= scale
    return dlogits if shares is None else where_counted(shares, dlogits, xp=xp)
