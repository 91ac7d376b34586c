"""Max pooling of pictures."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

from portnn.backends import Array, Namespace, Window, add_patches, padded, portable, windows
from portnn.ops.images.geometry import Size, window_over
from portnn.ops.images.registry import ImagePooling, register

__all__ = ["MaxPool2dCache", "max_pool2d", "max_pool2d_backward"]


class MaxPool2dCache(NamedTuple):
    """What `max_pool2d_backward` needs."""

    x: Array
    y: Array
    window: Window


@portable
def max_pool2d(
    x: Array, kernel: Size, *, stride: Size | None = None, padding: Size = 0, dilation: Size = 1, xp: Namespace = None
) -> tuple[Array, MaxPool2dCache]:
    """Largest value that a window sees at each of its places, channel by channel.

    Parameters
    ----------
    x : array (batch, height, width, channels), real floating
    kernel : int or tuple of int
        Rows and columns of the window.
    stride : int or tuple of int, optional
        Pixels from place to place; by default the kernel, so that windows do not overlap.
    padding : int or tuple of int
        Rows and columns around the picture, which are never the largest; at most half of the kernel.
    dilation : int or tuple of int
        Pixels from one position of the window to the next.

    Returns
    -------
    y : array (batch, out_height, out_width, channels)
    cache : MaxPool2dCache

    Raises
    ------
    ValueError
        If x is not a batch of pictures, a number is out of range, or the window does not fit.
    """
    stride = kernel if stride is None else stride
    window, _ = window_over("max_pool2d", x, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    if any(2 * margin > size for (margin, _), size in zip(window.padding, window.kernel, strict=True)):
        raise ValueError(
            "max_pool2d: padding must be at most half of the kernel, or a window would see nothing else: "
            f"got {padding} for a kernel of {' x '.join(map(str, window.kernel))}"
        )
    y = functools.reduce(xp.maximum, windows(padded(x, window, -math.inf, xp=xp), window))
    return y, MaxPool2dCache(x, y, window)


@portable
def max_pool2d_backward(dy: Array, cache: MaxPool2dCache, *, xp: Namespace = None) -> Array:
    """Gradient of `max_pool2d`: all of dy goes to the first position, row by row, that has the largest value.

    dy (batch, out_height, out_width, channels); the result is shaped like x.
    """
    x, y, window = cache
    pieces: list[Array] = []
    taken = None
    for seen in windows(padded(x, window, -math.inf, xp=xp), window):
        first = seen == y
        if taken is not None:
            first = first & ~taken
        if len(pieces) + 1 < window.positions:
            taken = first if taken is None else taken | first
        pieces.append(dy * xp.astype(first, dy.dtype))
    return add_patches(pieces, (x.shape[1], x.shape[2]), window, xp=xp)


register(ImagePooling("max", max_pool2d, max_pool2d_backward, keeps_order=True))
