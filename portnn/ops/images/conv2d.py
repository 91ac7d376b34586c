"""Convolution of pictures."""

from __future__ import annotations

import math
from typing import NamedTuple

from portnn.backends import (
    Array,
    Namespace,
    Window,
    add_patches,
    device,
    image_blocks,
    padded,
    patches,
    portable,
    products,
)
from portnn.ops.images.geometry import Padding, Size, window_over
from portnn.ops.shapes import check_ndim, check_shape, shape

__all__ = ["Conv2dCache", "Conv2dGradients", "conv2d", "conv2d_backward"]


class Conv2dCache(NamedTuple):
    """What `conv2d_backward` needs: patches are gathered once more, since they are many times as large as x."""

    x: Array
    weight: Array
    window: Window
    groups: int
    has_bias: bool


class Conv2dGradients(NamedTuple):
    """Gradients of `conv2d`, each shaped like the argument of the same name.

    `x` is None if not requested, `bias` if there was none.
    """

    x: Array | None
    weight: Array
    bias: Array | None


@portable
def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    groups: int = 1,
    xp: Namespace = None,
) -> tuple[Array, Conv2dCache]:
    """Convolve pictures: at each place of a window, an affine map of the pixels that it sees.

    ``y[b, i, j, o] = bias[o] + sum_{k, l, c} x[b, i s + k d, j s + l d, c] weight[k, l, c, o]``, with stride s and
    dilation d. (Strictly a cross-correlation, as in every library of neural networks: the kernel is not flipped.)

    Parameters
    ----------
    x : array (batch, height, width, channels), real floating
    weight : array (kernel_height, kernel_width, channels / groups, n_out)
    bias : array (n_out,), optional
        Before batch normalisation it would have no effect.
    stride, dilation : int or tuple of int
        Pixels from place to place, and from one position of the window to the next; for rows and columns, or for each.
    padding : int, tuple of int, or "same"
        Rows and columns of zeros around the picture; "same" are as many as keep its size.
    groups : int
        Cuts the channels into so many groups, of which each sees its own part of the outputs' weights.

    Returns
    -------
    y : array (batch, out_height, out_width, n_out)
    cache : Conv2dCache

    Raises
    ------
    ValueError
        If shapes do not fit, or nothing is left of a picture.

    Notes
    -----
    Patches are gathered for some pictures at a time, so that they never have more entries than
    ``portnn.backends.libraries.Library.patch_entries``, or than those of one picture.

    References
    ----------
    V. Dumoulin, F. Visin. A guide to convolution arithmetic for deep learning. arXiv:1603.07285, 2016.
    """
    check_ndim("conv2d", "weight", weight, 4)
    *kernel, of_group, n_out = shape(weight)
    check_ndim("conv2d", "x", x, 4)
    if groups < 1 or n_out % groups:
        raise ValueError(f"conv2d: {n_out} outputs cannot be cut into {groups} groups")
    if x.shape[3] != of_group * groups:
        raise ValueError(f"conv2d: x has shape {shape(x)} but the weight expects (..., {of_group * groups})")
    if bias is not None:
        check_shape("conv2d", "bias", bias, (n_out,), "the weight expects")
    window, places = window_over(
        "conv2d", x, kernel=(kernel[0], kernel[1]), stride=stride, padding=padding, dilation=dilation
    )
    framed, kernels, parts = padded(x, window, xp=xp), _grouped_kernels(weight, groups, xp), []
    for start, stop in image_blocks(x.shape[0], places[0] * places[1] * window.positions * x.shape[3], xp=xp):
        rows = _grouped_rows(patches(framed[start:stop, ...], window, xp=xp), window.positions, groups, xp)
        parts.append(_side_by_side(xp.matmul(rows, kernels), groups, xp))
    y = parts[0] if len(parts) == 1 else xp.concat(parts)
    if bias is not None:
        y += bias
    return xp.reshape(y, (x.shape[0], *places, n_out)), Conv2dCache(x, weight, window, groups, bias is not None)


@portable
def conv2d_backward(dy: Array, cache: Conv2dCache, *, of_x: bool = True, xp: Namespace = None) -> Conv2dGradients:
    """Gradients of `conv2d`.

    Each patch is a row of an affine map, so dW and db are those of `linear`. dx adds up, over all patches, what `dy
    W^T` says of each pixel in it.

    Parameters
    ----------
    dy : array (batch, out_height, out_width, n_out)
    cache : Conv2dCache
    of_x : bool
        Whether to compute the gradient of x.

    Returns
    -------
    Conv2dGradients
    """
    x, weight, window, groups, has_bias = cache
    (count, down, across, n_out), (_, height, width, channels) = dy.shape, x.shape
    framed, dweight, dx = padded(x, window, xp=xp), None, []
    for start, stop in image_blocks(count, down * across * window.positions * channels, xp=xp):
        rows = _grouped_rows(patches(framed[start:stop, ...], window, xp=xp), window.positions, groups, xp)
        drows = _grouped_rows(dy[start:stop, ...], 1, groups, xp)
        of_block = xp.matmul(xp.matrix_transpose(rows), drows)
        dweight = of_block if dweight is None else dweight + of_block
        if of_x:
            pieces = _pieces(drows, weight, groups, xp)
            pieces = xp.reshape(pieces, (window.positions, stop - start, down, across, channels))
            dx.append(add_patches(xp.unstack(pieces), (height, width), window, xp=xp))
    drows = xp.reshape(dy, (count * down * across, n_out))
    ones = xp.ones(drows.shape[0], dtype=dy.dtype, device=device(dy))
    return Conv2dGradients(
        None if not dx else dx[0] if len(dx) == 1 else xp.concat(dx),
        xp.reshape(_side_by_side(dweight, groups, xp), weight.shape),
        xp.matmul(ones, drows) if has_bias else None,
    )


def _grouped_rows(patches: Array, positions: int, groups: int, xp: Namespace) -> Array:
    """Patches (batch, down, across, positions * channels) as rows (places, n), or of each group (groups, places, n)."""
    places, n = math.prod(patches.shape[:3]), patches.shape[3]
    if groups == 1:
        return xp.reshape(patches, (places, n))
    apart = xp.reshape(patches, (places, positions, groups, n // (positions * groups)))
    return xp.reshape(xp.permute_dims(apart, (2, 0, 1, 3)), (groups, places, n // groups))


def _grouped_kernels(weight: Array, groups: int, xp: Namespace) -> Array:
    """Weight as a matrix (n, n_out), or one of each group (groups, n, n_out / groups)."""
    n, n_out = math.prod(weight.shape[:3]), weight.shape[3]
    if groups == 1:
        return xp.reshape(weight, (n, n_out))
    return xp.permute_dims(xp.reshape(weight, (n, groups, n_out // groups)), (1, 0, 2))


def _side_by_side(of_groups: Array, groups: int, xp: Namespace) -> Array:
    """Results of all groups (groups, rows, n) as (rows, groups * n); without groups the argument itself."""
    if groups == 1:
        return of_groups
    _, rows, n = of_groups.shape
    return xp.reshape(xp.permute_dims(of_groups, (1, 0, 2)), (rows, groups * n))


def _pieces(drows: Array, weight: Array, groups: int, xp: Namespace) -> Array:
    """Pieces (positions, places, channels) of dx, from rows of dy as `_grouped_rows` returns them."""
    *kernel, of_group, n_out = weight.shape
    positions = math.prod(kernel)
    if groups == 1:
        transposed = xp.reshape(weight, (positions * of_group, n_out)).T
        return products(transposed, positions, drows.shape[0], xp=xp)(drows)
    transposed = xp.matrix_transpose(_grouped_kernels(weight, groups, xp))
    apart = xp.reshape(xp.matmul(drows, transposed), (groups, drows.shape[1], positions, of_group))
    return xp.permute_dims(apart, (2, 1, 0, 3))
