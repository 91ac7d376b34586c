"""Global average pooling: one number of each channel of a picture."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, portable
from portnn.ops.shapes import check_ndim

__all__ = ["GlobalAvgPool2dCache", "global_avg_pool2d", "global_avg_pool2d_backward"]


class GlobalAvgPool2dCache(NamedTuple):
    """What `global_avg_pool2d_backward` needs."""

    shape: tuple[int, ...]


@portable
def global_avg_pool2d(x: Array, *, xp: Namespace = None) -> tuple[Array, GlobalAvgPool2dCache]:
    """Mean over all pixels, ``y[b, c] = sum_{i, j} x[b, i, j, c] / (height width)``.

    Parameters
    ----------
    x : array (batch, height, width, channels), real floating

    Returns
    -------
    y : array (batch, channels)
    cache : GlobalAvgPool2dCache

    Raises
    ------
    ValueError
        If x is not a batch of pictures.

    References
    ----------
    M. Lin, Q. Chen, S. Yan. Network in network. ICLR, 2014.
    """
    check_ndim("global_avg_pool2d", "x", x, 4)
    return xp.mean(x, axis=(1, 2)), GlobalAvgPool2dCache(tuple(x.shape))


@portable
def global_avg_pool2d_backward(dy: Array, cache: GlobalAvgPool2dCache, *, xp: Namespace = None) -> Array:
    """Gradient of `global_avg_pool2d`: every pixel gets the same share of dy (batch, channels)."""
    _, height, width, _ = cache.shape
    return xp.broadcast_to((dy * (1.0 / (height * width)))[:, None, None, :], cache.shape)
