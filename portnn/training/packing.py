"""Packing: all parameters as one long vector, so that the optimizer takes a handful of operations in all."""

from __future__ import annotations

import math

from portnn.backends import Array, Namespace
from portnn.models import Parameters

Shapes = dict[str, tuple[int, ...]]


def pack(arrays: Parameters, shapes: Shapes, *, xp: Namespace) -> Array:
    """Join arrays, in the order of `shapes`, to one vector (n,)."""
    return xp.concat([xp.reshape(arrays[name], (-1,)) for name in shapes])


def unpack(vector: Array, shapes: Shapes, *, xp: Namespace) -> Parameters:
    """Cut a vector (n,) into arrays of the shapes given: views, where the library has them."""
    arrays, start = {}, 0
    for name, shape in shapes.items():
        stop = start + math.prod(shape)
        arrays[name] = xp.reshape(vector[start:stop], shape)
        start = stop
    return arrays


def row_major(array: Array, *, xp: Namespace) -> Array:
    """Array in row-major order, as a checkpoint brings it back; it may be the same one.

    A transposed view has the same values, but some kernels round them otherwise, and resume would not be exact.
    """
    return xp.reshape(xp.reshape(array, (-1,)), array.shape)
