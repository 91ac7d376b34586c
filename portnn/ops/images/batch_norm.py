"""Batch normalisation."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, BatchGroup, Namespace, device, portable
from portnn.ops.rows import as_rows
from portnn.ops.shapes import check_shape, shape

__all__ = ["BatchNormCache", "BatchNormGradients", "ChannelStatistics", "batch_norm", "batch_norm_backward"]


class ChannelStatistics(NamedTuple):
    """Mean and variance of each channel, both (channels,)."""

    mean: Array
    var: Array


class BatchNormCache(NamedTuple):
    """What `batch_norm_backward` needs.

    Attributes
    ----------
    normal : array (..., channels)
        x with mean 0 and variance 1.
    scale, inverse : array (channels,)
        `inverse` is 1 / standard deviation.
    averaged : int
        Rows over which mean and variance were taken, so that gradients flow through both; 0 if they were given.
    group : BatchGroup or None
        Processes that have the rows; None if x has them all.
    """

    normal: Array
    scale: Array
    inverse: Array
    averaged: int
    group: BatchGroup | None


class BatchNormGradients(NamedTuple):
    """Gradients of `batch_norm`, each shaped like the argument of the same name."""

    x: Array
    scale: Array
    shift: Array


@portable
def batch_norm(
    x: Array,
    scale: Array,
    shift: Array,
    statistics: ChannelStatistics | None = None,
    *,
    epsilon: float = 1e-5,
    group: BatchGroup | None = None,
    xp: Namespace = None,
) -> tuple[Array, ChannelStatistics, BatchNormCache]:
    """Give each channel mean 0 and variance 1, then a mean and a variance that are learned.

    ``y = scale * (x - mean) / sqrt(var + epsilon) + shift``

    Parameters
    ----------
    x : array (..., channels), real floating
        All but the last axis are averaged over: pictures and their pixels.
    scale, shift : array (channels,)
    statistics : ChannelStatistics, optional
        Mean and variance in evaluation: running means of those that training saw. Without them, in training, those
        of x.
    epsilon : float
        Keeps a channel whose variance is 0 finite.
    group : BatchGroup, optional
        Processes that have a part of the batch each: mean and variance are those of the whole.

    Returns
    -------
    y : array (..., channels)
    statistics : ChannelStatistics
        Those used. The variance is that of x, divided by the number of values, not by one less.
    cache : BatchNormCache

    Raises
    ------
    ValueError
        If shapes do not fit, or there is nothing to average.

    References
    ----------
    S. Ioffe, C. Szegedy. Batch normalization: accelerating deep network training by reducing internal covariate
    shift. ICML, 2015.
    """
    expected = (x.shape[-1],)
    check_shape("batch_norm", "scale", scale, expected, "x expects")
    check_shape("batch_norm", "shift", shift, expected, "x expects")
    rows, count = as_rows(x, xp=xp), 0
    if statistics is None:
        count = rows.shape[0] if group is None else group.count(rows.shape[0])
        if not count:
            raise ValueError(f"batch_norm: x has shape {shape(x)}, so there is nothing to average; give statistics")
        share = _equal(rows, 1.0 / count, xp)
        mean = _summed(xp.matmul(share, rows), group)
        centred = rows - mean
        statistics = ChannelStatistics(mean, _summed(xp.matmul(share, centred * centred), group))
    else:
        check_shape("batch_norm", "mean", statistics.mean, expected, "x expects")
        check_shape("batch_norm", "var", statistics.var, expected, "x expects")
        centred = rows - statistics.mean
    inverse = 1.0 / xp.sqrt(statistics.var + epsilon)
    normal = centred * inverse
    y = xp.reshape(normal * scale + shift, x.shape)
    return y, statistics, BatchNormCache(xp.reshape(normal, x.shape), scale, inverse, count, group)


@portable
def batch_norm_backward(dy: Array, cache: BatchNormCache, *, xp: Namespace = None) -> BatchNormGradients:
    """Gradients of `batch_norm`: of scale and shift sums over all but the last axis.

    ``dx = scale / std * (dy - mean(dy) - normal * mean(dy * normal))`` where mean and variance are those of x, through
    which they depend on it; ``dx = scale / std * dy`` where they are given.

    Parameters
    ----------
    dy : array (..., channels)
    cache : BatchNormCache

    Returns
    -------
    BatchNormGradients
    """
    drows, normal = as_rows(dy, xp=xp), as_rows(cache.normal, xp=xp)
    ones = _equal(drows, 1.0, xp)
    dscale, dshift = xp.matmul(ones, drows * normal), xp.matmul(ones, drows)
    dx = drows
    if cache.averaged:
        of_scale, of_shift = (dscale, dshift) if cache.group is None else _over_all(cache.group, dscale, dshift, xp)
        dx = drows - (of_shift + normal * of_scale) * (1.0 / cache.averaged)
    return BatchNormGradients(xp.reshape(dx * (cache.scale * cache.inverse), dy.shape), dscale, dshift)


def _equal(rows: Array, weight: float, xp: Namespace) -> Array:
    """Weights with which a product sums rows: BLAS adds whole rows at once."""
    return xp.full(rows.shape[0], weight, dtype=rows.dtype, device=device(rows))


def _summed(array: Array, group: BatchGroup | None) -> Array:
    return array if group is None else group.sum(array)


def _over_all(group: BatchGroup, dscale: Array, dshift: Array, xp: Namespace) -> tuple[Array, Array]:
    both = group.sum(xp.stack((dscale, dshift)))
    return both[0, :], both[1, :]
