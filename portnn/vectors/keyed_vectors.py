"""`KeyedVectors`: words and their vectors, which words are near which, and files of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from portnn.backends import Array, Backend, backend_of, is_array, to_host
from portnn.backends import backend as choose_backend
from portnn.vectors.analogies import AnalogyScores, evaluate_analogies
from portnn.vectors.neighbours import BLOCK, inverse_lengths, nearest
from portnn.vectors.queries import Key, is_vector, items_of, unit, weighted
from portnn.vectors.storage import is_safetensors, load_vectors, save_vectors
from portnn.vectors.unknown_word import unknown_word
from portnn.vectors.word2vec_reading import read_word2vec_format
from portnn.vectors.word2vec_writing import write_word2vec_format
from portnn.vectors.word_pairs import PairScores, evaluate_pairs

Host = np.ndarray[Any, Any]

Near = list[tuple[str, float]]


class KeyedVectors:
    """Words and one vector each, on the array library that the vectors live on.

    Parameters
    ----------
    keys : iterable of str
        The words, most frequent first, each once.
    vectors : array (n, d), float32 or float64
        Of any library. What is no array, or of whole numbers, becomes NumPy's float32. It must not be written into
        once words have been compared: the lengths of the vectors are remembered.
    counts : sequence (n,) of int, optional
        How often each word came in the text.

    Attributes
    ----------
    index_to_key : list of str
    key_to_index : dict of str to int
    vectors : array (n, d)
    counts : numpy array (n,), int64, or None
    vector_size : int

    Notes
    -----
    Similarity is the cosine. A vector of zeros has similarity 0 to everything; one with NaN or infinity in it is never
    among the neighbours of another.

    Examples
    --------
    >>> import portnn
    >>> wv = portnn.KeyedVectors(["film", "movie", "actor", "the"], [[2, 1], [4, 2.5], [1, 2], [-1, 0]])
    >>> wv["movie"].tolist(), "book" in wv, len(wv)
    ([4.0, 2.5], False, 4)
    >>> [(word, round(cosine, 3)) for word, cosine in wv.most_similar("film", topn=2)]
    [('movie', 0.995), ('actor', 0.8)]
    >>> wv.doesnt_match(["film", "movie", "the"])
    'the'
    """

    def __init__(self, keys: Iterable[str], vectors: Any, counts: Any = None) -> None:
        self.index_to_key = list(keys)
        self.key_to_index = {key: index for index, key in enumerate(self.index_to_key)}
        for key in self.key_to_index:
            if not isinstance(key, str):
                raise TypeError(f"keys: {key!r} is {type(key).__name__}, expected str")
        if len(self.key_to_index) < len(self.index_to_key):
            twice = next(key for index, key in enumerate(self.index_to_key) if self.key_to_index[key] != index)
            raise ValueError(f"keys: {twice!r} is there more than once")
        self.vectors: Array = _as_floats(vectors)
        self.backend = backend_of(vectors=self.vectors)
        if self.vectors.ndim != 2 or self.vectors.shape[0] != len(self.index_to_key) or 0 in self.vectors.shape:
            raise ValueError(
                f"vectors has shape {tuple(self.vectors.shape)}, expected ({len(self.index_to_key)}, d) with d > 0: "
                "one row for each of one key or more"
            )
        self.counts: Host | None = None if counts is None else np.asarray(counts, dtype=np.int64)
        if self.counts is not None and self.counts.shape != (len(self),):
            raise ValueError(f"counts has shape {self.counts.shape}, expected ({len(self)},)")

    @property
    def vector_size(self) -> int:
        """Values of a vector."""
        return int(self.vectors.shape[1])

    def __len__(self) -> int:
        return len(self.index_to_key)

    def __contains__(self, key: object) -> bool:
        return key in self.key_to_index

    def __repr__(self) -> str:
        return f"KeyedVectors({len(self):,} words of {self.vector_size} values, {self.backend})"

    def __getitem__(self, key: str | int | Sequence[str | int]) -> Array:
        """Vector (d,) of a word, or vectors (k, d) of a list of words."""
        if isinstance(key, str | int | np.integer):
            return self.get_vector(key)
        rows = [self.get_index(word) for word in key]
        if not rows:
            raise ValueError("the list of words is empty")
        return self.backend.xp.stack([self.vectors[row, :] for row in rows])

    def get_index(self, key: str | int) -> int:
        """Row of a word; a whole number is a row itself.

        Raises
        ------
        UnknownWordError
            If the word is not in the vocabulary; the message names words that are spelled alike.
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
        """Vector (d,) of a word; with `norm`, of unit length."""
        vector = self.vectors[self.get_index(key), :]
        return self.backend.asarray(unit(self._on_host(vector)).astype(self.backend.dtype)) if norm else vector

    def to(self, backend: str | Backend, *, device: Any = None, dtype: str | None = None) -> KeyedVectors:
        """Same words with their vectors on another library, device or dtype."""
        if not isinstance(backend, Backend):
            backend = choose_backend(backend, device=device, dtype=dtype or self.backend.dtype)
        return KeyedVectors(self.index_to_key, backend.asarray(to_host(self.vectors)), self.counts)

    def similarity(self, w1: Key, w2: Key) -> float:
        """Cosine of the angle between two words."""
        return float(self.unit_vector(w1) @ self.unit_vector(w2))

    def distance(self, w1: Key, w2: Key) -> float:
        """One minus the similarity."""
        return 1.0 - self.similarity(w1, w2)

    def most_similar(
        self, positive: Any = (), negative: Any = (), topn: int = 10, restrict_vocab: int | None = None
    ) -> Near:
        """Words nearest to the sum of some and against others, by cosine (3CosAdd).

        Parameters
        ----------
        positive, negative : str, vector or sequence of them
            Words are added, or subtracted, as vectors of unit length; vectors (d,) as they are. A pair (word, weight)
            has a weight of its own instead of 1 or -1.
        topn : int
            How many words.
        restrict_vocab : int, optional
            Only the first so many words can be found.

        Returns
        -------
        list of (str, float)
            Nearest first; equal ones in the order of the vocabulary. The words asked about are left out.

        Raises
        ------
        UnknownWordError
            If a word is not in the vocabulary.
        ValueError
            If there is nothing to compare with, or a vector is not finite.
        """
        items = [*((item, 1.0) for item in items_of(positive)), *((item, -1.0) for item in items_of(negative))]
        if not items:
            raise ValueError("most_similar: neither a positive nor a negative word was given")
        total, weights = np.zeros(self.vector_size), 0.0
        asked = []
        for item, sign in items:
            key, weight = weighted(item) if isinstance(item, tuple) else (item, sign)
            total += weight * (self._vector(key) if is_vector(key) else self.unit_vector(key))
            weights += abs(weight)
            if not is_vector(key):
                asked.append(self.get_index(key))
        return self._near(unit(total / weights if weights else total)[None, :], asked, topn, restrict_vocab, None)

    def most_similar_cosmul(
        self, positive: Any = (), negative: Any = (), topn: int = 10, restrict_vocab: int | None = None
    ) -> Near:
        """Words whose similarities to some, multiplied, are large beside those to others (3CosMul).

        The score is the product of (1 + cosine) / 2 over the positive words, divided by the same over the negative
        ones plus 1e-6. Parameters are those of `most_similar`, without weights.
        """
        given, against = items_of(positive), items_of(negative)
        if not given:
            raise ValueError("most_similar_cosmul: no positive word was given")
        for item in (*given, *against):
            if isinstance(item, tuple):
                raise ValueError(f"most_similar_cosmul takes no weights, got {item!r}")
        terms = np.stack([self.unit_vector(key) for key in (*given, *against)])
        xp, count = self.backend.xp, len(given)

        def combine(cosines: Array) -> Array:
            closeness = (1 + cosines) / 2
            scores = xp.prod(closeness[:count, :], axis=0, keepdims=True)
            return scores / (xp.prod(closeness[count:, :], axis=0, keepdims=True) + 1e-6)

        asked = [self.get_index(key) for key in (*given, *against) if not is_vector(key)]
        return self._near(terms, asked, topn, restrict_vocab, combine)

    def doesnt_match(self, words: Sequence[str]) -> str:
        """Word of a list that is least like their mean."""
        if isinstance(words, str):
            raise TypeError(f"doesnt_match takes a list of words, got the str {words!r}")
        rows = [self.get_index(word) for word in words]
        if not rows:
            raise ValueError("doesnt_match: the list of words is empty")
        units = np.stack([self.unit_vector(row) for row in rows])
        likeness = units @ unit(units.mean(axis=0))
        return min(zip(likeness.tolist(), (self.index_to_key[row] for row in rows), strict=True))[1]

    def rank(self, key1: str, key2: str) -> int:
        """Place of `key2` among the neighbours of `key1`: 1 is the nearest."""
        reference = self.similarity(key1, key2)
        near = self.most_similar(key1, topn=len(self))
        return 1 + sum(score > reference for word, score in near if word != key2)

    def evaluate_word_analogies(
        self, analogies: str | os.PathLike[str], restrict_vocab: int | None = 300_000, case_insensitive: bool = True
    ) -> AnalogyScores:
        """Share of questions "a is to b as c is to ?" answered right; see `portnn.vectors.evaluate_analogies`."""
        return evaluate_analogies(self, Path(analogies), restrict_vocab, case_insensitive)

    def evaluate_word_pairs(
        self, pairs: str | os.PathLike[str], restrict_vocab: int | None = 300_000, case_insensitive: bool = True
    ) -> PairScores:
        """Correlation of similarities with people's; see `portnn.vectors.evaluate_pairs`."""
        return evaluate_pairs(self, Path(pairs), restrict_vocab, case_insensitive)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write words, vectors and counts to a safetensors file, whole or not at all."""
        save_vectors(path, self.index_to_key, to_host(self.vectors), self.counts)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        mmap: bool = False,
        vectors: str = "input",
        *,
        backend: str | Backend = "numpy",
        device: Any = None,
        dtype: str | None = None,
    ) -> Self:
        """Read what `save` or a trained model wrote, or a file of the word2vec format.

        Parameters
        ----------
        path : path-like
            A safetensors file is known by its first bytes.
        mmap : bool
            Map the vectors from a safetensors file, read-only, instead of reading them: they take memory only where
            they are looked at. The digest of the file is then not checked.
        vectors : {"input", "output", "sum"}
            Which table of a trained model.
        backend : str or Backend
            Where the vectors go. All but NumPy have a copy of what is mapped.
        device : str, optional
        dtype : {"float32", "float64"}, optional
            Without it, the one in the file.

        Raises
        ------
        OSError, CheckpointError, ValueError
            If the file is not there, is damaged, or is neither of both.
        """
        if is_safetensors(path):
            words, table, counts = load_vectors(path, table=vectors, mmap=mmap)
        else:
            if mmap or vectors != "input":
                what = "mmap=True" if mmap else f"vectors={vectors!r}"
                raise ValueError(f"{path} is no safetensors file, which {what} needs")
            (words, table), counts = read_word2vec_format(path), None
        if not isinstance(backend, Backend):
            backend = choose_backend(backend, device=device, dtype=dtype or table.dtype.name)
        mapped = mmap and backend.library.on_host and backend.dtype == table.dtype.name
        return cls(words, table if mapped else backend.asarray(table), counts)

    def save_word2vec_format(self, path: str | os.PathLike[str], binary: bool = False) -> None:
        """Write the word2vec format, text or binary, in single precision; .gz, .bz2 and .xz are compressed."""
        step = max(1, BLOCK // self.vector_size)
        blocks = (to_host(self.vectors[start : min(start + step, len(self)), :]) for start in range(0, len(self), step))
        write_word2vec_format(path, self.index_to_key, blocks, self.vector_size, binary=binary)

    @classmethod
    def load_word2vec_format(
        cls,
        path: str | os.PathLike[str],
        binary: bool | None = None,
        *,
        encoding: str = "utf-8",
        errors: str = "strict",
        limit: int | None = None,
    ) -> Self:
        """Read the word2vec format; see `portnn.vectors.read_word2vec_format`."""
        return cls(*read_word2vec_format(path, binary=binary, encoding=encoding, errors=errors, limit=limit))

    @cached_property
    def inverse_lengths(self) -> Array:
        """One over the length of every vector, array (n,); see `portnn.vectors.neighbours.inverse_lengths`."""
        return inverse_lengths(self.vectors, xp=self.backend.xp)

    def unit_vector(self, key: Key) -> Host:
        """Direction of a word or a vector on the host: NumPy array (d,), float64, of unit length, or zeros.

        Raises
        ------
        ValueError
            If the vector is not finite.
        """
        return unit(self._vector(key))

    def _near(self, terms: Host, asked: list[int], topn: int, restrict: int | None, combine: Any) -> Near:
        if topn < 1:
            raise ValueError(f"topn must be at least 1, got {topn}")
        if restrict is not None and restrict < 1:
            raise ValueError(f"restrict_vocab must be at least 1, got {restrict}")
        ((rows, scores),) = nearest(
            self.vectors, self.inverse_lengths, terms, self.backend,
            topn=topn, excluded=[asked], restrict=restrict, combine=combine,
        )  # fmt: skip
        return [(self.index_to_key[row], score) for row, score in zip(rows.tolist(), scores.tolist(), strict=True)]

    def _on_host(self, vector: Array) -> Host:
        return np.asarray(to_host(vector), dtype=np.float64)

    def _vector(self, key: Key) -> Host:
        """Vector (d,), float64, of a word or as it was given; refused if it is not finite."""
        if is_vector(key):
            vector, name = self._on_host(key), "the vector given"
            if vector.shape != (self.vector_size,):
                raise ValueError(f"{name} has shape {vector.shape}, expected ({self.vector_size},)")
        else:
            index = self.get_index(key)
            vector, name = self._on_host(self.vectors[index, :]), f"the vector of {self.index_to_key[index]!r}"
        if not np.all(np.isfinite(vector)):
            raise ValueError(f"{name} has NaN or infinity in it")
        return vector


def _as_floats(vectors: Any) -> Array:
    if is_array(vectors) and not isinstance(vectors, np.ndarray):
        return vectors
    array = vectors if isinstance(vectors, np.ndarray) else np.asarray(vectors, dtype=np.float32)
    return array.astype(np.float32) if array.dtype.kind in "iu" or array.dtype == np.float16 else array
