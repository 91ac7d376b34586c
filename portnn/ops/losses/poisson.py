"""Poisson deviance, from log-rates."""

from __future__ import annotations

import math
from typing import NamedTuple

from portnn.backends import Array, Namespace, portable
from portnn.ops.losses.row_mean import mean_of_rows_backward, row_shares, where_counted
from portnn.ops.shapes import check_shape, shape

__all__ = ["PoissonCache", "poisson", "poisson_backward"]


class PoissonCache(NamedTuple):
    """What `poisson_backward` needs."""

    difference: Array
    shares: Array | None


@portable
def poisson(
    log_rates: Array, targets: Array, weights: Array | None = None, *, xp: Namespace = None
) -> tuple[Array, PoissonCache]:
    """Half the Poisson deviance of counts with rates exp(log_rates), summed over a row's outputs; mean over rows.

    Parameters
    ----------
    log_rates : array (..., n), real floating
    targets : array (..., n), dtype of the log-rates, not negative
        Counts, or amounts per unit of exposure if `weights` are the exposures.
    weights : array (...), dtype of the log-rates, optional
        How much each row counts in the mean; rows of weight 0 may hold anything. Without it all rows count alike. If
        all weights are 0, so is the loss.

    Returns
    -------
    loss : 0-d array
        In nats: the log-likelihood that is lost against rates equal to the targets, which have loss 0.
    cache : PoissonCache

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    With z a log-rate and t its target, ``exp(z) - t - t (z - log(t))``, and ``exp(z)`` for t = 0.

    Examples
    --------
    >>> import numpy as np
    >>> from portnn.ops import poisson
    >>> float(poisson(np.asarray([[0.0], [0.0]]), np.asarray([[1.0], [0.0]]))[0])
    0.5
    """
    check_shape("poisson", "targets", targets, shape(log_rates), "the log-rates have")
    leading = shape(log_rates)[:-1]
    if weights is not None:
        check_shape("poisson", "weights", weights, leading, "the log-rates expect")
        log_rates, targets = (where_counted(weights, array, xp=xp) for array in (log_rates, targets))
    difference = xp.exp(log_rates) - targets
    log_targets = xp.log(xp.where(targets > 0.0, targets, xp.ones_like(targets)))
    nats = difference - targets * (log_rates - log_targets)
    if weights is None:
        return xp.sum(nats) / math.prod(leading), PoissonCache(difference, None)
    shares = row_shares(weights, xp=xp)
    return xp.sum(xp.sum(nats, axis=-1) * shares), PoissonCache(difference, shares)


@portable
def poisson_backward(dloss: Array, cache: PoissonCache, *, xp: Namespace = None) -> Array:
    """Gradient of `poisson` for the log-rates: ``dlog_rates = dloss * (exp(z) - t) / k`` with k rows.

    Parameters
    ----------
    dloss : 0-d array or float
        Gradient of the loss; 1 if the loss itself is minimized.
    cache : PoissonCache

    Returns
    -------
    dlog_rates : array (..., n)
        Each row is weighted as in the mean.
    """
    return mean_of_rows_backward(dloss, cache.difference, cache.shares, xp=xp)
