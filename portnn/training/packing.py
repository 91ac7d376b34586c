"""Packing: all parameters as one long vector, so that the optimizer takes a handful of operations in all."""

from __future__ import annotations

import math

import numpy as np

from portnn.backends import Array, Namespace
from portnn.models import Model, Parameters

Shapes = dict[str, tuple[int, ...]]

LARGE = 1 << 15
"""Entries of a vector below which copying takes no longer than comparing its pieces."""


def packed_shapes(model: Model) -> Shapes:
    """Shapes of the parameters that are trained whole: neither row by row nor frozen."""
    apart = {*model.row_parameters, *model.frozen_parameters}
    return {name: shape for name, shape in model.shapes().items() if name not in apart}


def entries_of(shapes: Shapes) -> int:
    """Length of the vector that arrays of some shapes make."""
    return sum(map(math.prod, shapes.values()))


def pack(arrays: Parameters, shapes: Shapes, *, xp: Namespace) -> Array:
    """Join arrays, in the order of `shapes`, into one vector (n,).

    Arrays that `unpack` cut out of a NumPy vector are not copied: the result is that vector.
    """
    pieces = [arrays[name] for name in shapes]
    whole = _cut_from(pieces)
    if whole is not None:
        return whole
    return xp.concat([array if array.ndim == 1 else xp.reshape(array, (-1,)) for array in pieces])


def _cut_from(pieces: list[Array]) -> Array | None:
    """Return the NumPy vector (n,) that the arrays together make up, in order, if there is one."""
    whole = getattr(pieces[0], "base", None)
    if not isinstance(whole, np.ndarray) or whole.ndim != 1 or whole.size < LARGE or not whole.flags.c_contiguous:
        return None
    place = whole.ctypes.data
    for piece in pieces:
        if piece.base is not whole or piece.ctypes.data != place or not piece.flags.c_contiguous:
            return None
        place += piece.nbytes
    return whole if place == whole.ctypes.data + whole.nbytes and piece.dtype == whole.dtype else None


def unpack(vector: Array, shapes: Shapes, *, xp: Namespace) -> Parameters:
    """Cut a vector (n,) into arrays of the shapes given: views, if the library has them."""
    arrays, start = {}, 0
    for name, shape in shapes.items():
        stop = start + math.prod(shape)
        piece = vector[start:stop]
        arrays[name] = piece if len(shape) == 1 else xp.reshape(piece, shape)
        start = stop
    return arrays


def row_major(array: Array, *, xp: Namespace) -> Array:
    """Return an array in row-major order, as a checkpoint restores it; it may be the argument itself.

    A transposed view has the same values, but some kernels round differently on it, and resume would not be exact.
    """
    return xp.reshape(xp.reshape(array, (-1,)), array.shape)
