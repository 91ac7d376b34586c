"""Poolings of pictures by name: how a convolutional network makes its pictures smaller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from portnn.backends import Array

__all__ = ["IMAGE_POOLINGS", "ImagePooling"]


class ImagePooling(NamedTuple):
    """Pixels that a window sees to one, channel by channel, as a pair.

    Attributes
    ----------
    name : str
    forward : callable
        ``forward(x, kernel, *, stride, padding, xp) -> (y, cache)``.
    backward : callable
        ``backward(dy, cache, *, xp) -> dx``.
    keeps_order : bool
        An increasing function may be applied before or after it, with the same result and the same gradient.
    """

    name: str
    forward: Callable[..., tuple[Array, Any]]
    backward: Callable[..., Array]
    keeps_order: bool = False


IMAGE_POOLINGS: dict[str, ImagePooling] = {}
"""Each pooling's file adds its own."""


def register(pooling: ImagePooling) -> None:
    """Make a pooling available to models under its name."""
    IMAGE_POOLINGS[pooling.name] = pooling
