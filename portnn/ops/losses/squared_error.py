"""Squared error."""

from __future__ import annotations

import math
from typing import NamedTuple

from portnn.backends import Array, Namespace, portable
from portnn.ops.losses.row_mean import mean_of_rows_backward, row_shares, where_counted
from portnn.ops.shapes import check_shape, shape

__all__ = ["SquaredErrorCache", "squared_error", "squared_error_backward"]


class SquaredErrorCache(NamedTuple):
    """What `squared_error_backward` needs."""

    difference: Array
    shares: Array | None


@portable
def squared_error(
    prediction: Array, targets: Array, weights: Array | None = None, *, xp: Namespace = None
) -> tuple[Array, SquaredErrorCache]:
    """Half the squared error, summed over the outputs of a row: ``mean over rows of 1/2 sum (prediction - t)^2``.

    Parameters
    ----------
    prediction : array (..., n), real floating
    targets : array (..., n), dtype of the prediction
    weights : array (...), dtype of the prediction, optional
        How much each row counts in the mean; rows of weight 0 may hold anything. Without it all rows count alike. If
        all weights are 0, so is the loss.

    Returns
    -------
    loss : 0-d array, in half the square of the targets' unit
    cache : SquaredErrorCache

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from portnn.ops import squared_error
    >>> float(squared_error(np.asarray([[1.0, 2.0], [0.0, 0.0]]), np.zeros((2, 2)))[0])
    1.25
    """
    check_shape("squared_error", "targets", targets, shape(prediction), "the prediction has")
    leading = shape(prediction)[:-1]
    difference = prediction - targets
    if weights is None:
        loss = xp.sum(difference * difference) * (0.5 / math.prod(leading))
        return loss, SquaredErrorCache(difference, None)
    check_shape("squared_error", "weights", weights, leading, "the prediction expects")
    difference = where_counted(weights, difference, xp=xp)
    shares = row_shares(weights, xp=xp)
    loss = xp.sum(xp.sum(difference * difference, axis=-1) * shares) * 0.5
    return loss, SquaredErrorCache(difference, shares)


@portable
def squared_error_backward(dloss: Array | float, cache: SquaredErrorCache, *, xp: Namespace = None) -> Array:
    """Gradient of `squared_error` for the prediction: ``dprediction = dloss * (prediction - t) / k`` with k rows.

    Parameters
    ----------
    dloss : 0-d array or float
        Gradient of the loss; 1 if the loss itself is minimized.
    cache : SquaredErrorCache

    Returns
    -------
    dprediction : array (..., n)
        Each row is weighted as in the mean.
    """
    return mean_of_rows_backward(dloss, cache.difference, cache.shares, xp=xp)
