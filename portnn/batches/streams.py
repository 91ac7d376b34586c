"""Chunks of parallel streams: how a long sequence of ids becomes batches for truncated backpropagation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from portnn.backends import keep_mask
from portnn.models import LanguageBatch

Ids = np.ndarray[Any, Any]

RELEASE_EVERY = 1 << 22
"""Pages of a memory-mapped corpus are let go after so many ids."""


class ChunkStreams:
    """Cut ids into `batch_size` parallel streams and walk them together, `seq_length` ids a chunk.

    Stream b reads its own part of the data; chunk after chunk the targets run one id ahead of the inputs. At the
    end of the data all streams start over (and the state that is carried along must too).

    Parameters
    ----------
    ids : integer array (n,), may be memory-mapped
    batch_size, seq_length : int
    vocabulary_size : int, optional
        Every id of a batch must be below it.
    layers : int
        Number of dropout masks a batch needs; 0 where nothing is dropped.
    hidden_size : int
    rate : float
        Dropout rate.
    release : callable, optional
        Called now and then to let go of what has been read (`portnn.text.Corpus.release`), so that a corpus
        larger than memory never fills it.

    Raises
    ------
    TypeError
        If the ids are no integers.
    ValueError
        If there are fewer ids than one chunk of every stream needs.
    """

    unit = "char"
    terms = 1.0

    def __init__(
        self,
        ids: Ids,
        *,
        batch_size: int,
        seq_length: int,
        vocabulary_size: int | None = None,
        layers: int = 0,
        hidden_size: int = 0,
        rate: float = 0.0,
        release: Callable[[], object] | None = None,
    ) -> None:
        check_integers(ids)
        for name, value in (("batch_size", batch_size), ("seq_length", seq_length)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a positive whole number, got {value!r}")
        self.stream_length = (len(ids) - 1) // batch_size
        if self.stream_length < seq_length:
            raise ValueError(
                f"the corpus is too short: {len(ids)} tokens to train on, but batch_size {batch_size} x "
                f"seq_length {seq_length} needs {batch_size * seq_length + 1}; take more text or smaller chunks"
            )
        self.ids, self.batch_size, self.seq_length = ids, batch_size, seq_length
        self.vocabulary_size = vocabulary_size
        self.masks = (layers if rate else 0, seq_length, batch_size, hidden_size)
        self.rate = rate
        self.release = release
        self.position = 0

    @property
    def batches(self) -> int:
        """Number of batches in one pass over the data."""
        return self.stream_length // self.seq_length

    @property
    def tokens(self) -> int:
        """Number of ids that one batch predicts."""
        return self.batch_size * self.seq_length

    def next(self, rng: np.random.Generator) -> tuple[LanguageBatch, bool]:
        """Return the next batch, on the host, and whether it starts the data, so that the carry starts at zero.

        Raises
        ------
        ValueError
            If an id is negative or past the vocabulary.
        """
        if self.position + self.seq_length > self.stream_length:
            self.position = 0
        start = self.position
        chunk = np.empty((self.seq_length + 1, self.batch_size), dtype=np.int64)
        for stream in range(self.batch_size):
            begin = stream * self.stream_length + start
            chunk[:, stream] = self.ids[begin : begin + self.seq_length + 1]
        check_range(chunk, self.vocabulary_size)
        keep = tuple(keep_mask(rng, self.masks[1:], self.rate) for _ in range(self.masks[0]))
        self.position += self.seq_length
        if self.release is not None and start * self.batch_size % RELEASE_EVERY < self.tokens:
            self.release()
        return LanguageBatch(chunk[:-1], chunk[1:], keep), start == 0


def check_integers(ids: Ids) -> None:
    """Raise TypeError unless ids are integers, in one axis."""
    if ids.dtype.kind not in "iu":
        raise TypeError(f"ids have dtype {ids.dtype}, expected integers")
    if ids.ndim != 1:
        raise ValueError(f"ids have shape {ids.shape}, expected one axis")


def check_range(ids: Ids, vocabulary_size: int | None) -> None:
    """Raise ValueError if an id is negative or past the vocabulary: no step could say which."""
    low, high = int(ids.min()), int(ids.max())
    if low < 0:
        raise ValueError(f"id {low} is negative; ids run from 0")
    if vocabulary_size is not None and high >= vocabulary_size:
        raise ValueError(f"id {high} is past the vocabulary, whose ids are 0..{vocabulary_size - 1}")
