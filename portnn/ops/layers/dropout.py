"""Dropout."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, portable
from portnn.ops.shapes import check_shape, shape

__all__ = ["DropoutCache", "dropout", "dropout_backward"]


class DropoutCache(NamedTuple):
    """What `dropout_backward` needs."""

    scale: Array


@portable
def dropout(x: Array, mask: Array, *, rate: float, xp: Namespace = None) -> tuple[Array, DropoutCache]:
    """Drop units and scale those kept by ``1 / (1 - rate)``, so that the expectation is unchanged.

    Parameters
    ----------
    x : array (...), real floating
    mask : array (...), dtype of x
        1 where a unit is kept, 0 where it is dropped. It is drawn on the host
        (`portnn.backends.keep_mask`) so that every library drops the same units.
    rate : float in [0, 1)
        Probability with which each unit was dropped.

    Returns
    -------
    y : array (...)
    cache : DropoutCache

    Raises
    ------
    ValueError
        If the rate is out of range or the mask is not shaped like x.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov. Dropout: a simple way to prevent neural networks
    from overfitting. JMLR 15, 2014.
    """
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"dropout: rate must be in [0, 1), got {rate}")
    check_shape("dropout", "mask", mask, shape(x), "x expects")
    scale = mask * (1.0 / (1.0 - rate))
    return x * scale, DropoutCache(scale)


@portable
def dropout_backward(dy: Array, cache: DropoutCache, *, xp: Namespace = None) -> Array:
    """Gradient of `dropout`: ``dx = dy * mask / (1 - rate)``, all (...)."""
    return dy * cache.scale
