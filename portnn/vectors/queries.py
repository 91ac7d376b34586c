"""Queries to word vectors: one or several words, rows or vectors, with or without weights."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from portnn.backends import is_array

Host = np.ndarray[Any, Any]

Key = Any
"""A word, its row, or a vector (d,) of any library."""


def items_of(given: Any) -> list[Any]:
    """List of the words, rows or vectors in a query, which may also be a single one."""
    if isinstance(given, str | int | np.integer):
        return [given]
    if is_vector(given) and not (isinstance(given, np.ndarray) and given.dtype.kind in "OU"):
        return [given] if given.ndim == 1 else [given[row, :] for row in range(given.shape[0])]
    if given is not None and not isinstance(given, Iterable):
        raise TypeError(f"a query is {type(given).__name__}, expected words, rows or vectors")
    return [] if given is None else list(given)


def is_vector(key: Any) -> bool:
    """Whether a key is an array of any library; `is_array` alone would include NumPy's scalars."""
    return is_array(key) and not isinstance(key, np.generic)


def weighted(pair: tuple[Any, ...]) -> tuple[Key, float]:
    """Key and weight of a pair; ValueError for anything else."""
    with contextlib.suppress(TypeError, ValueError):
        key, weight = pair
        if math.isfinite(weight):
            return key, float(weight)
    raise ValueError(f"{pair!r} is not a pair of a word and its weight")


def unit(vector: Host) -> Host:
    """Vector scaled to unit length; zeros stay zeros."""
    largest = float(np.max(np.abs(vector)))
    if largest == 0:
        return vector
    scaled = vector / largest
    return np.asarray(scaled / np.linalg.norm(scaled))
