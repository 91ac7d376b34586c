"""Chunks of parallel streams: batches of a long sequence of ids for truncated backpropagation through time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from portnn.backends import keep_mask, seed_of
from portnn.batches.batch import Batch, check_rows
from portnn.batches.part import WHOLE, Part
from portnn.groups import ALONE, Group
from portnn.models import LanguageBatch
from portnn.settings import checked_number, fraction, positive

Ids = np.ndarray[Any, Any]

RELEASE_EVERY = 1 << 22
"""Number of ids after which pages of a memory-mapped corpus are released."""


class ChunkStreams:
    """Cut ids into `batch_size` parallel streams; a batch is a chunk of `seq_length` ids from each.

    Each stream reads its own part of the data; targets are one id ahead of inputs. At the end of the data all streams
    start again, and so must the carry.

    Parameters
    ----------
    ids : integer array (n,), may be memory-mapped
    batch_size, seq_length : int
        Positive.
    vocabulary_size : int, optional
        Every id of a batch must be below it.
    layers : int
        Number of dropout masks in a batch; 0 for none.
    hidden_size : int
    dropout : float
        Dropout rate.
    seed : int
        Seed of the dropout masks.
    release : callable, optional
        Called now and then to release pages that have been read (`portnn.text.Corpus.release`), so that a corpus larger
        than memory does not fill it.
    group : Group
        Processes that each have ids of their own, from which they read their part of the streams. Those with fewer
        start again sooner.
    unit : {"char", "byte", "word"}
        What an id stands for, to name the speed.

    Attributes
    ----------
    batches : int
        Number of batches in one pass over the data, the longest of all processes.

    Raises
    ------
    TypeError
        If ids are not integers.
    ValueError
        If a size is not a positive whole number, or there are fewer ids than one chunk of every stream needs.
    """

    speed = "characters_per_second"

    def __init__(
        self,
        ids: Ids,
        *,
        batch_size: int,
        seq_length: int,
        vocabulary_size: int | None = None,
        layers: int = 0,
        hidden_size: int = 0,
        dropout: float = 0.0,
        seed: int | None = 0,
        release: Callable[[], object] | None = None,
        group: Group = ALONE,
        unit: str = "char",
    ) -> None:
        check_integers(ids)
        batch_size = checked_number("batch_size", batch_size, int, positive)
        seq_length = checked_number("seq_length", seq_length, int, positive)
        check_rows(group.size, batch_size)
        held = Part(group.rank, group.size).cut(batch_size)
        self.first_stream, streams = held.start, held.stop - held.start
        self.stream_length = (len(ids) - 1) // streams
        if self.stream_length < seq_length:
            raise ValueError(
                f"the corpus is too short: {len(ids)} tokens to train on, but batch_size {streams} x "
                f"seq_length {seq_length} needs {streams * seq_length + 1}; take more text or smaller chunks"
            )
        self.batches = max(group.gather(self.stream_length // seq_length))
        self.ids, self.batch_size, self.seq_length = ids, batch_size, seq_length
        self.vocabulary_size = vocabulary_size
        self.dropout, self.seed = checked_number("dropout", dropout, float, fraction), seed_of(seed)
        self.masks = (layers if self.dropout else 0, seq_length, batch_size, hidden_size)
        self.release, self.unit = release, unit

    @property
    def tokens(self) -> int:
        """Number of ids that one batch predicts."""
        return self.batch_size * self.seq_length

    def at(self, position: int, part: Part = WHOLE) -> Batch:
        """Make the batch of a position, or its part, on the host: a `LanguageBatch`. Only the part's streams are read.

        Raises
        ------
        ValueError
            If an id is negative or past the vocabulary.
        """
        start, part = position % (self.stream_length // self.seq_length) * self.seq_length, part.of(self.batch_size)
        own = part.cut(self.batch_size)
        chunk = np.empty((self.seq_length + 1, own.stop - own.start), dtype=np.int64)
        for column, stream in enumerate(range(own.start, own.stop)):
            begin = (stream - self.first_stream) * self.stream_length + start
            chunk[:, column] = self.ids[begin : begin + self.seq_length + 1]
        check_range(chunk, self.vocabulary_size)
        if self.release is not None and start * self.batch_size % RELEASE_EVERY < self.tokens:
            self.release()
        data = LanguageBatch(chunk[:-1], chunk[1:], self._masks(position, own))
        return Batch(data, 1.0, start == 0, part.share(self.batch_size), part.size)

    def check_parts(self, count: int) -> None:
        """Raise ValueError unless every part has a stream."""
        check_rows(count, self.batch_size)

    def _masks(self, position: int, own: slice) -> tuple[Any, ...]:
        layers, *shape = self.masks
        if not layers:
            return ()
        rng = np.random.default_rng((self.seed, position))
        return tuple(keep_mask(rng, tuple(shape), self.dropout)[:, own] for _ in range(layers))


def check_integers(ids: Ids) -> None:
    """Raise an error unless ids are integers along one axis."""
    if ids.dtype.kind not in "iu":
        raise TypeError(f"ids have dtype {ids.dtype}, expected integers")
    if ids.ndim != 1:
        raise ValueError(f"ids have shape {ids.shape}, expected one axis")


def check_range(ids: Ids, vocabulary_size: int | None) -> None:
    """Raise ValueError if an id is negative or past the vocabulary; the step itself could not name the id."""
    low, high = int(ids.min()), int(ids.max())
    if low < 0:
        raise ValueError(f"id {low} is negative; ids run from 0")
    if vocabulary_size is not None and high >= vocabulary_size:
        raise ValueError(f"id {high} is past the vocabulary, whose ids are 0..{vocabulary_size - 1}")
