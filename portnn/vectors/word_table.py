"""`WordTable`: words with one vector each, looked up by word or by row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from portnn.backends import Array, backend_of, detached, is_array, native, real_numbers, to_host
from portnn.settings import brief, plain
from portnn.vectors.neighbours import inverse_lengths
from portnn.vectors.queries import Key, is_vector, unit
from portnn.vectors.single_precision import single_precision
from portnn.vectors.unknown_word import unknown_word

Host = np.ndarray[Any, Any]


class WordTable:
    """Words and one vector each, compared by their cosine; the base of `KeyedVectors`, which states the parameters."""

    def __init__(self, keys: Iterable[str], vectors: Any, counts: Any = None) -> None:
        self.index_to_key = list(keys)
        self.key_to_index = {key: index for index, key in enumerate(self.index_to_key)}
        for key in self.key_to_index:
            if not isinstance(key, str):
                raise TypeError(f"keys: {brief(key)} is {type(key).__name__}, expected str")
        if len(self.key_to_index) < len(self.index_to_key):
            repeated = next(key for index, key in enumerate(self.index_to_key) if self.key_to_index[key] != index)
            raise ValueError(f"keys: {brief(repeated)} occurs more than once")
        array = _as_array(vectors)
        if array.ndim != 2 or array.shape[0] != len(self.index_to_key) or 0 in array.shape:
            raise ValueError(
                f"vectors has shape {tuple(array.shape)}, expected ({len(self.index_to_key)}, d) with d > 0: "
                "one row per key, and at least one key"
            )
        floats = _as_floats(array, self.index_to_key, single=not is_array(vectors))
        # First, so that it is the first to be unpickled: in a new process JAX knows float64 only from then on.
        self.backend = backend_of(vectors=floats)
        self.vectors: Array = floats
        self.counts: Host | None = None if counts is None else _as_counts(counts)
        if self.counts is not None and self.counts.shape != (len(self),):
            raise ValueError(f"counts has shape {self.counts.shape}, expected ({len(self)},)")

    @property
    def vector_size(self) -> int:
        """Number of values in a vector."""
        return int(self.vectors.shape[1])

    def __len__(self) -> int:
        return len(self.index_to_key)

    def __contains__(self, key: object) -> bool:
        return key in self.key_to_index

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} words of {self.vector_size} values, {self.backend})"

    def __getitem__(self, key: str | int | Sequence[str | int]) -> Array:
        """Vector (d,) of a word, or vectors (k, d) of a list of words."""
        key = plain(key)
        if isinstance(key, str | bytes | int):
            return self.get_vector(key)
        rows = [self.get_index(word) for word in key]
        if not rows:
            raise ValueError("the list of words is empty")
        return self.backend.xp.stack([self.vectors[row, :] for row in rows])

    def get_index(self, key: Any) -> int:
        """Row of a word; an integer is a row already.

        Raises
        ------
        UnknownWordError
            If the word is not in the vocabulary; the message suggests words with a similar spelling.
        IndexError
            If the row is out of range.
        """
        if isinstance(key, str):
            index = self.key_to_index.get(key)
            if index is None:
                raise unknown_word(key, self.index_to_key)
            return index
        key = plain(key)
        if isinstance(key, int) and not isinstance(key, bool):
            if not 0 <= key < len(self):
                raise IndexError(f"row {key} is not in 0..{len(self) - 1}, the rows of this vocabulary")
            return key
        raise TypeError(f"a key is {type(key).__name__}, expected a word or its row")

    def get_vector(self, key: Any, norm: bool = False) -> Array:
        """Vector (d,) of a word; with `norm`, scaled to unit length."""
        vector = self.vectors[self.get_index(key), :]
        return self.backend.asarray(unit(_on_host(vector)).astype(self.backend.dtype)) if norm else vector

    @cached_property
    def inverse_lengths(self) -> Array:
        """Inverse length of every vector, array (n,); see `portnn.vectors.neighbours.inverse_lengths`."""
        return inverse_lengths(self.vectors, xp=self.backend.xp)

    def host_vector(self, key: Key) -> Host:
        """Vector (d,) of a word, or the given vector, as a NumPy float64 array.

        Raises
        ------
        ValueError
            If the vector is not finite or has another size.
        """
        if is_vector(key):
            vector, name = _on_host(key), "the given vector"
            if vector.shape != (self.vector_size,):
                raise ValueError(f"{name} has shape {vector.shape}, expected ({self.vector_size},)")
        else:
            index = self.get_index(key)
            vector, name = _on_host(self.vectors[index, :]), f"the vector of {brief(self.index_to_key[index])}"
        if not np.all(np.isfinite(vector)):
            raise ValueError(f"{name} contains NaN or infinity")
        return vector

    def unit_vector(self, key: Key) -> Host:
        """Direction of a word or a vector: NumPy float64 array (d,) of unit length, or zeros for a zero vector.

        Raises
        ------
        ValueError
            If the vector is not finite.
        """
        return unit(self.host_vector(key))

    def similarity(self, w1: Key, w2: Key) -> float:
        """Cosine of the angle between two words."""
        return float(self.unit_vector(w1) @ self.unit_vector(w2))

    def distance(self, w1: Key, w2: Key) -> float:
        """One minus the similarity."""
        return 1.0 - self.similarity(w1, w2)


def _on_host(vector: Array) -> Host:
    return np.asarray(real_numbers("the given vector", to_host(vector)), dtype=np.float64)


def _as_array(vectors: Any) -> Array:
    if (is_array(vectors) and not isinstance(vectors, np.ndarray)) or type(vectors) is np.memmap:
        return detached(vectors)
    if np.ma.is_masked(vectors):
        raise ValueError("vectors has masked entries")
    try:
        return real_numbers("vectors", vectors)
    except ValueError:
        raise ValueError("vectors: the rows have different lengths") from None


def _as_floats(array: Array, words: Sequence[str], single: bool) -> Array:
    """Array of another library as it is; of NumPy in native byte order, and in single precision if so wanted."""
    if not isinstance(array, np.ndarray):
        return array
    if single or array.dtype.kind != "f" or array.dtype.itemsize == 2:
        return single_precision(array, words)
    return native(array)


def _as_counts(counts: Any) -> Host:
    array = to_host(counts) if is_array(counts) else np.asarray(counts)
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"counts has dtype {array.dtype}, expected whole numbers")
    return array.astype(np.int64)
