"""`WordTable`: words with one vector each, looked up by word or by row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from portnn.backends import Array, backend_of, is_array, to_host
from portnn.vectors.neighbours import inverse_lengths
from portnn.vectors.queries import Key, is_vector, unit
from portnn.vectors.unknown_word import unknown_word

Host = np.ndarray[Any, Any]


class WordTable:
    """Words and one vector each, compared by their cosine; the base of `KeyedVectors`, which states the parameters."""

    def __init__(self, keys: Iterable[str], vectors: Any, counts: Any = None) -> None:
        self.index_to_key = list(keys)
        self.key_to_index = {key: index for index, key in enumerate(self.index_to_key)}
        for key in self.key_to_index:
            if not isinstance(key, str):
                raise TypeError(f"keys: {key!r} is {type(key).__name__}, expected str")
        if len(self.key_to_index) < len(self.index_to_key):
            repeated = next(key for index, key in enumerate(self.index_to_key) if self.key_to_index[key] != index)
            raise ValueError(f"keys: {repeated!r} occurs more than once")
        self.vectors: Array = _as_floats(vectors)
        self.backend = backend_of(vectors=self.vectors)
        if self.vectors.ndim != 2 or self.vectors.shape[0] != len(self.index_to_key) or 0 in self.vectors.shape:
            raise ValueError(
                f"vectors has shape {tuple(self.vectors.shape)}, expected ({len(self.index_to_key)}, d) with d > 0: "
                "one row per key, and at least one key"
            )
        self.counts: Host | None = None if counts is None else np.asarray(counts, dtype=np.int64)
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
        if isinstance(key, str | int | np.integer):
            return self.get_vector(key)
        rows = [self.get_index(word) for word in key]
        if not rows:
            raise ValueError("the list of words is empty")
        return self.backend.xp.stack([self.vectors[row, :] for row in rows])

    def get_index(self, key: str | int) -> int:
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
        if isinstance(key, int | np.integer) and not isinstance(key, bool):
            if not 0 <= key < len(self):
                raise IndexError(f"row {key} is not in 0..{len(self) - 1}, the rows of this vocabulary")
            return int(key)
        raise TypeError(f"a key is {type(key).__name__}, expected a word or its row")

    def get_vector(self, key: str | int, norm: bool = False) -> Array:
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
            vector, name = _on_host(self.vectors[index, :]), f"the vector of {self.index_to_key[index]!r}"
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
    return np.asarray(to_host(vector), dtype=np.float64)


def _as_floats(vectors: Any) -> Array:
    if is_array(vectors) and not isinstance(vectors, np.ndarray):
        return vectors
    array = vectors if isinstance(vectors, np.ndarray) else np.asarray(vectors, dtype=np.float32)
    return array.astype(np.float32) if array.dtype.kind in "iu" or array.dtype == np.float16 else array
