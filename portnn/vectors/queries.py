"""Queries to word vectors: one or several words, rows or vectors, with or without weights."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from portnn.backends import is_array
from portnn.settings import brief, checked_number, plain, positive

Host = np.ndarray[Any, Any]

Key = Any
"""A word, its row, or a vector (d,) of any library."""


def items_of(given: Any) -> list[Any]:
    """List of the words, rows or vectors in a query, which may also be a single one."""
    given = plain(given)
    if isinstance(given, str | int):
        return [given]
    if is_vector(given) and not (isinstance(given, np.ndarray) and given.dtype.kind in "OUT"):
        return [given] if given.ndim == 1 else [given[row, :] for row in range(given.shape[0])]
    if given is not None and (isinstance(given, bytes) or not isinstance(given, Iterable)):
        raise TypeError(f"a query is {type(given).__name__}, expected words, rows or vectors")
    return [] if given is None else [plain(item) for item in given]


def is_vector(key: Any) -> bool:
    """Whether a key is an array of any library; `is_array` alone would include NumPy's scalars."""
    return is_array(key) and not isinstance(key, np.generic)


def weighted(pair: tuple[Any, ...]) -> tuple[Key, float]:
    """Key and weight of a pair; ValueError for anything else."""
    with contextlib.suppress(TypeError, ValueError):
        key, weight = pair
        if math.isfinite(weight):
            return key, float(weight)
    raise ValueError(f"{brief(pair)} is not a pair of a word and its weight")


def searched(restrict_vocab: Any) -> int | None:
    """How many words are searched, as a plain number; None for all."""
    return None if restrict_vocab is None else checked_number("restrict_vocab", restrict_vocab, int, positive)


def unit(vector: Host) -> Host:
    """Vector scaled to unit length; zeros stay zeros."""
    largest = float(np.max(np.abs(vector)))
    if largest == 0:
        return vector
    scaled = vector / largest
    return np.asarray(scaled / np.linalg.norm(scaled))
