"""Average pooling of pictures: over a window, and over whole pictures."""

from __future__ import annotations

import functools
import operator
from typing import NamedTuple

from portnn.backends import Array, Namespace, Window, add_patches, padded, portable, windows
from portnn.ops.images.geometry import Size, window_over
from portnn.ops.images.registry import ImagePooling, register

__all__ = ["AvgPool2dCache", "avg_pool2d", "avg_pool2d_backward"]


class AvgPool2dCache(NamedTuple):
    """What `avg_pool2d_backward` needs."""

    size: tuple[int, int]
    window: Window


@portable
def avg_pool2d(
    x: Array, kernel: Size, *, stride: Size | None = None, padding: Size = 0, xp: Namespace = None
) -> tuple[Array, AvgPool2dCache]:
    """Mean of what a window sees at each of its places, channel by channel.

    Parameters
    ----------
    x : array (batch, height, width, channels), real floating
    kernel : int or tuple of int
        Rows and columns of the window.
    stride : int or tuple of int, optional
        Pixels from place to place; by default the kernel, so that windows do not overlap.
    padding : int or tuple of int
        Rows and columns of zeros around the picture, which count.

    Returns
    -------
    y : array (batch, out_height, out_width, channels)
    cache : AvgPool2dCache

    Raises
    ------
    ValueError
        If x is not a batch of pictures, a number is out of range, or the window does not fit.
    """
    stride = kernel if stride is None else stride
    window, _ = window_over("avg_pool2d", x, kernel=kernel, stride=stride, padding=padding)
    total = functools.reduce(operator.add, windows(padded(x, window, xp=xp), window))
    return total * (1.0 / window.positions), AvgPool2dCache((x.shape[1], x.shape[2]), window)


@portable
def avg_pool2d_backward(dy: Array, cache: AvgPool2dCache, *, xp: Namespace = None) -> Array:
    """Gradient of `avg_pool2d`: every position gets the same share of dy (batch, out_height, out_width, channels)."""
    share = dy * (1.0 / cache.window.positions)
    return add_patches([share] * cache.window.positions, cache.size, cache.window, xp=xp)


register(ImagePooling("mean", avg_pool2d, avg_pool2d_backward))
