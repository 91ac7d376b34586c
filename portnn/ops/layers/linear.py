"""Affine map."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, device, portable
from portnn.ops.rows import as_rows
from portnn.ops.shapes import check_inner, check_shape

__all__ = ["LinearCache", "LinearGradients", "linear", "linear_backward"]


class LinearCache(NamedTuple):
    """What `linear_backward` needs."""

    x: Array
    weight: Array


class LinearGradients(NamedTuple):
    """Gradients of `linear`, each shaped like the argument of the same name; `x` is None if not requested."""

    x: Array | None
    weight: Array
    bias: Array


@portable
def linear(x: Array, weight: Array, bias: Array, *, xp: Namespace = None) -> tuple[Array, LinearCache]:
    """Affine map ``y = x W + b``.

    Parameters
    ----------
    x : array (..., n_in), real floating
    weight : array (n_in, n_out)
    bias : array (n_out,)

    Returns
    -------
    y : array (..., n_out)
    cache : LinearCache

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    check_inner("linear", x=x, weight=weight)
    check_shape("linear", "bias", bias, (weight.shape[1],), "the weight expects")
    y = xp.matmul(as_rows(x, xp=xp), weight)
    y += bias
    return y if x.ndim == 2 else xp.reshape(y, (*x.shape[:-1], weight.shape[1])), LinearCache(x, weight)


@portable
def linear_backward(dy: Array, cache: LinearCache, *, of_x: bool = True, xp: Namespace = None) -> LinearGradients:
    """Gradients of `linear`: ``dx = dy W^T``; ``dW = x^T dy`` and ``db = sum dy`` over the leading axes.

    Parameters
    ----------
    dy : array (..., n_out)
    cache : LinearCache
    of_x : bool
        Whether to compute the gradient of x. If x is data it is not needed; leaving it out saves a third of the work.

    Returns
    -------
    LinearGradients
    """
    x, weight = cache
    rows, drows = as_rows(x, xp=xp), as_rows(dy, xp=xp)
    # A sum over rows as a product: BLAS adds whole rows at once, in half the time.
    ones = xp.ones(drows.shape[0], dtype=dy.dtype, device=device(dy))
    dx = None
    if of_x:
        dx = xp.matmul(drows, weight.T)
        dx = dx if x.ndim == 2 else xp.reshape(dx, x.shape)
    return LinearGradients(dx, xp.matmul(rows.T, drows), xp.matmul(ones, drows))
