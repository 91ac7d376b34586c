"""Weighted means over rows, shared by the losses."""

from __future__ import annotations

import math

from portnn.backends import Array, Namespace, zero_padding


def row_shares(weights: Array, *, xp: Namespace) -> Array:
    """Share of each row in the mean: weights / sum(weights). If all are 0, so are the shares, without branching."""
    total = xp.sum(weights)
    return weights / (total + xp.astype(total == 0.0, total.dtype))


def mean_of_rows_backward(dloss: Array | float, difference: Array, shares: Array | None, *, xp: Namespace) -> Array:
    """Gradient of a mean over rows, where `difference` (..., n) is that of each row's loss."""
    if shares is None:
        return difference * (dloss / math.prod(difference.shape[:-1]))
    return difference * (shares * dloss)[..., None]


def where_counted(weights: Array, array: Array, *, xp: Namespace) -> Array:
    """`array` (..., n) with rows of weight 0 set to zero: they may hold anything, even infinity.

    A product with 0 would not be enough, and arithmetic on such rows must not even cause a warning.
    """
    return zero_padding((weights if weights.ndim == array.ndim else weights[..., None]) != 0.0, array, xp=xp)
