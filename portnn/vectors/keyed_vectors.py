"""`KeyedVectors`: nearest words, evaluations, and files of words and their vectors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self, Unpack, overload

import numpy as np

from portnn.backends import Array, Backend, to_host
from portnn.backends import backend as choose_backend
from portnn.settings import brief, checked_number, not_negative
from portnn.training import checkpoint_at
from portnn.vectors.analogies import AnalogyScores, evaluate_analogies
from portnn.vectors.neighbours import BLOCK, Combine, nearest, score_blocks
from portnn.vectors.queries import is_vector, items_of, searched, unit, weighted
from portnn.vectors.single_precision import single_precision
from portnn.vectors.storage import is_safetensors, load_vectors, save_vectors
from portnn.vectors.word2vec_reading import Word2VecForm, read_word2vec_format
from portnn.vectors.word2vec_writing import write_word2vec_format
from portnn.vectors.word_pairs import PairScores, evaluate_pairs
from portnn.vectors.word_table import Host, WordTable

Neighbours = list[tuple[str, float]]
"""Words and their scores, best first."""


class KeyedVectors(WordTable):
    """Words and one vector each, on the array library of the vectors.

    Parameters
    ----------
    keys : iterable of str
        Distinct words, most frequent first.
    vectors : array (n, d), float32 or float64
        From any array library. Sequences and integers become a NumPy float32 array. Do not change the vectors after
        the first comparison of words: their lengths are cached.
    counts : sequence (n,) of int, optional
        How often each word occurs in the text.

    Attributes
    ----------
    index_to_key : list of str
    key_to_index : dict of str to int
    vectors : array (n, d)
    counts : numpy array (n,), int64, or None
    vector_size : int

    Notes
    -----
    Similarity is the cosine. A zero vector has similarity 0 to everything; a vector that contains NaN or infinity is
    never returned as a neighbour.

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

    def to(self, backend: str | Backend, *, device: Any = None, dtype: str | None = None) -> KeyedVectors:
        """Same words with their vectors on another library, device or dtype."""
        if not isinstance(backend, Backend):
            backend = choose_backend(backend, device=device, dtype=dtype or self.backend.dtype)
        return KeyedVectors(self.index_to_key, _moved(to_host(self.vectors), self.index_to_key, backend), self.counts)

    @overload
    def most_similar(
        self, positive: Any = (), negative: Any = (), topn: int = 10, restrict_vocab: int | None = None
    ) -> Neighbours: ...
    @overload
    def most_similar(
        self, positive: Any = (), negative: Any = (), *, topn: None, restrict_vocab: int | None = None
    ) -> Host: ...
    def most_similar(
        self, positive: Any = (), negative: Any = (), topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Neighbours | Host:
        """Words nearest to the sum of `positive` minus `negative`, by cosine (3CosAdd).

        Parameters
        ----------
        positive, negative : str, vector or sequence of them
            Words are added or subtracted as vectors of unit length; vectors (d,) as they are. A pair (word, weight)
            replaces the weight of 1 or -1.
        topn : int or None
            Number of words to return; None for the cosines of all words.
        restrict_vocab : int, optional
            Search only this many words from the start of the vocabulary.

        Returns
        -------
        list of (str, float), or numpy array (n,)
            Nearest first; equal scores in the order of the vocabulary. The query words are left out. With topn=None,
            the cosine of every word that is searched, in the order of the vocabulary, the query words among them; NaN
            for a vector that contains NaN or infinity.

        Raises
        ------
        UnknownWordError
            If a word is not in the vocabulary.
        ValueError
            If the query is empty, a vector is not finite, or a number of words is negative or no whole number.
        """
        items = [*((item, 1.0) for item in items_of(positive)), *((item, -1.0) for item in items_of(negative))]
        if not items:
            raise ValueError("most_similar: neither a positive nor a negative word was given")
        total, weights = np.zeros(self.vector_size), 0.0
        asked = []
        for item, sign in items:
            key, weight = weighted(item) if isinstance(item, tuple) else (item, sign)
            total += weight * (self.host_vector(key) if is_vector(key) else self.unit_vector(key))
            weights += abs(weight)
            if not is_vector(key):
                asked.append(self.get_index(key))
        direction = unit(total / weights if weights else total)
        return self._nearest(direction[None, :], asked, topn, restrict_vocab)

    @overload
    def most_similar_cosmul(
        self, positive: Any = (), negative: Any = (), topn: int = 10, restrict_vocab: int | None = None
    ) -> Neighbours: ...
    @overload
    def most_similar_cosmul(
        self, positive: Any = (), negative: Any = (), *, topn: None, restrict_vocab: int | None = None
    ) -> Host: ...
    def most_similar_cosmul(
        self, positive: Any = (), negative: Any = (), topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Neighbours | Host:
        """Words with the largest product of similarities to `positive` divided by that to `negative` (3CosMul).

        The score is the product of (1 + cosine) / 2 over the positive words, divided by the same over the negative
        ones plus 1e-6. Parameters are those of `most_similar`, without weights.
        """
        given, against = items_of(positive), items_of(negative)
        if not given:
            raise ValueError("most_similar_cosmul: no positive word was given")
        for item in (*given, *against):
            if isinstance(item, tuple):
                raise ValueError(f"most_similar_cosmul takes no weights, got {brief(item)}")
        directions = np.stack([self.unit_vector(key) for key in (*given, *against)])
        xp, count = self.backend.xp, len(given)

        def combine(cosines: Array) -> Array:
            closeness = (1 + cosines) / 2
            scores = xp.prod(closeness[:count, :], axis=0, keepdims=True)
            return scores / (xp.prod(closeness[count:, :], axis=0, keepdims=True) + 1e-6)

        asked = [self.get_index(key) for key in (*given, *against) if not is_vector(key)]
        return self._nearest(directions, asked, topn, restrict_vocab, combine)

    def doesnt_match(self, words: Sequence[str]) -> str:
        """Word of a list that is least similar to their mean."""
        if isinstance(words, str):
            raise TypeError(f"doesnt_match takes a list of words, got the str {brief(words)}")
        rows = [self.get_index(word) for word in words]
        if not rows:
            raise ValueError("doesnt_match: the list of words is empty")
        units = np.stack([self.unit_vector(row) for row in rows])
        cosines = units @ unit(units.mean(axis=0))
        return min(zip(cosines.tolist(), (self.index_to_key[row] for row in rows), strict=True))[1]

    def rank(self, key1: str, key2: str) -> int:
        """Rank of `key2` among the neighbours of `key1`; the nearest has rank 1."""
        reference = self.similarity(key1, key2)
        neighbours = self.most_similar(key1, topn=len(self))
        return 1 + sum(score > reference for word, score in neighbours if word != key2)

    def evaluate_word_analogies(
        self, analogies: str | os.PathLike[str], restrict_vocab: int | None = 300_000, case_insensitive: bool = True
    ) -> AnalogyScores:
        """Share of questions "a is to b as c is to ?" answered correctly; see `portnn.vectors.evaluate_analogies`."""
        return evaluate_analogies(self, Path(analogies), restrict_vocab, case_insensitive)

    def evaluate_word_pairs(
        self, pairs: str | os.PathLike[str], restrict_vocab: int | None = 300_000, case_insensitive: bool = True
    ) -> PairScores:
        """Correlation of similarities with human ratings; see `portnn.vectors.evaluate_pairs`."""
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
        binary: bool | None = None,
        **form: Unpack[Word2VecForm],
    ) -> Self:
        """Read a file written by `save`, by a trained model or in the word2vec format.

        Parameters
        ----------
        path : path-like
            The first bytes tell whether it is a safetensors file. The folder of a run stands for its best checkpoint,
            or else its last.
        mmap : bool
            Map the vectors of a safetensors file, read-only, instead of reading them: only the parts in use take
            memory. The digest of the file is then not checked.
        vectors : {"input", "output", "sum"}
            Table of a trained model to load.
        backend : str or Backend
            Library of the vectors. All but NumPy copy mapped vectors.
        device : str, optional
        dtype : {"float32", "float64"}, optional
            Defaults to the dtype in the file.
        binary : bool, optional
            Whether a file in the word2vec format is binary, where it does not show that by itself.
        **form
            `no_header`, `encoding`, `errors` and `limit` of `portnn.vectors.read_word2vec_format`, for such a file.

        Raises
        ------
        OSError, CheckpointError, ValueError
            If the file is missing, damaged, or in neither format.
        """
        path = checkpoint_at(path)
        if is_safetensors(path):
            if form or binary is not None:
                option = next(iter(form), "binary")
                raise ValueError(f"{path} is a safetensors file; {option} is for files in the word2vec format")
            words, table, counts = load_vectors(path, table=vectors, mmap=mmap)
        else:
            if mmap or vectors != "input":
                option = "mmap=True" if mmap else f"vectors={brief(vectors)}"
                raise ValueError(f"{path} is not a safetensors file, which {option} needs")
            (words, table), counts = read_word2vec_format(path, binary=binary, **form), None
        if not isinstance(backend, Backend):
            backend = choose_backend(backend, device=device, dtype=dtype or table.dtype.name)
        mapped = mmap and backend.library.on_host and backend.dtype == table.dtype.name
        return cls(words, table if mapped else _moved(table, words, backend), counts)

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
        **form: Unpack[Word2VecForm],
    ) -> Self:
        """Read the word2vec format; see `portnn.vectors.read_word2vec_format`."""
        return cls(*read_word2vec_format(path, binary=binary, **form))

    def _nearest(
        self, directions: Host, asked: list[int], topn: int | None, restrict: int | None, combine: Combine | None = None
    ) -> Neighbours | Host:
        """Best words for one query, without the rows `asked`, or the scores of all words."""
        options: dict[str, Any] = {"restrict": searched(restrict), "combine": combine}
        if topn is None:
            blocks = score_blocks(self.vectors, self.inverse_lengths, directions, self.backend, **options)
            return np.concatenate([scores[0, :] for scores in blocks])
        topn = checked_number("topn", topn, int, not_negative)
        if topn == 0:
            return []
        options |= {"topn": topn, "excluded": [asked]}
        ((rows, scores),) = nearest(self.vectors, self.inverse_lengths, directions, self.backend, **options)
        return [(self.index_to_key[row], score) for row, score in zip(rows.tolist(), scores.tolist(), strict=True)]


def _moved(vectors: Host, words: list[str], backend: Backend) -> Array:
    """Vectors on a library, in its dtype, where a number too large for that is an error."""
    return backend.asarray(single_precision(vectors, words) if backend.dtype == "float32" else vectors)
