"""Means over rows, where rows may weigh differently or not count at all: what the losses share."""

from __future__ import annotations

import math

from portnn.backends import Array, Namespace


def row_weights(mask: Array, *, xp: Namespace) -> Array:
    """Share of each row in the mean: mask / sum(mask). Where nothing counts all are 0, without a branch on values."""
    total = xp.sum(mask)
    return mask / (total + xp.astype(total == 0.0, total.dtype))


def mean_of_rows_backward(dloss: Array, difference: Array, weights: Array | None, *, xp: Namespace) -> Array:
    """Gradient of a mean over rows, where `difference` (..., n) is that of each row's loss."""
    if weights is None:
        return difference * (dloss / math.prod(difference.shape[:-1]))
    return difference * xp.expand_dims(weights * dloss, axis=-1)


def where_counted(mask: Array, array: Array, *, xp: Namespace) -> Array:
    """Zeros in place of rows of `array` (..., n) that do not count: they may hold anything, infinity too.

    A product with 0 would not be enough, and arithmetic on such rows must not even cause a warning.
    """
    if mask.ndim < array.ndim:
        mask = xp.expand_dims(mask, axis=-1)
    return xp.where(mask == 0.0, xp.zeros_like(array), array)
