"""Batches of sequences of different lengths: padded, bucketed by length, in a new order every epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from portnn.backends import keep_mask, seed_of
from portnn.batches.batch import Batch, check_rows
from portnn.batches.part import WHOLE, Part
from portnn.batches.permutation import Permutation
from portnn.models import SequenceBatch
from portnn.settings import checked_number, fraction, positive

Host = np.ndarray[Any, Any]

POOL = 64
"""Batches that are sorted by length together; the more, the less padding, and the less random the batches."""


class SequenceBatches:
    """Batches of `batch_size` sequences of similar length.

    Each epoch draws an order of all sequences. Of those that fill `POOL` batches, the shortest make the first batch and
    so on; then the batches of that pool are shuffled. So a batch depends on the seed and its position alone. Where the
    last sequences do not fill their batches, these are as equal as can be.

    Parameters
    ----------
    ids : unsigned integer array (n,), may be memory-mapped
        All sequences, one after the other; none is empty.
    ends : integer array (sequences,), may be memory-mapped
        Where each sequence ends.
    targets : array (sequences,) or (sequences, outputs)
    weights : array (sequences,), optional
    chosen : callable, optional
        Places (n,) among the sequences of this set -> their numbers (n,) among all; without it, the set is all of them.
    count : int, optional
        Sequences in the set; by default all.
    batch_size : int
        Positive; of a smaller set, the whole set.
    unknown_id : int, optional
        The id that a word is replaced by, in `word_dropout` of all cases.
    word_dropout : float
    masks : tuple of int
        Features of each dropout mask, see `SequenceClassifier.masks`.
    dropout : float
        Dropout rate.
    multiple : int
        Sequences are padded to a multiple of this length. A library that compiles does so for every length anew.
    seed : int
    release : callable, optional
        Called after each pool to release pages of a memory-mapped file that have been read.

    Raises
    ------
    ValueError
        If the batch size is not positive or a rate out of range.
    """

    unit = "text"
    speed = "texts_per_second"

    def __init__(
        self,
        ids: Host,
        ends: Host,
        targets: Host,
        weights: Host | None = None,
        *,
        chosen: Callable[[Host], Host] | None = None,
        count: int | None = None,
        batch_size: int = 32,
        unknown_id: int = 0,
        word_dropout: float = 0.0,
        masks: tuple[int, ...] = (),
        dropout: float = 0.0,
        multiple: int = 1,
        seed: int | None = 0,
        release: Callable[[], object] | None = None,
    ) -> None:
        self.ids, self.ends, self.targets, self.weights = ids, ends, targets, weights
        self.target_dtype = np.float64 if targets.dtype.kind == "f" else np.int64
        self.chosen, self.count = chosen, len(ends) if count is None else count
        self.batch_size: int = min(checked_number("batch_size", batch_size, int, positive), self.count)
        self.unknown_id = unknown_id
        self.word_dropout = checked_number("word_dropout", word_dropout, float, fraction)
        self.dropout = checked_number("dropout", dropout, float, fraction)
        self.masks, self.multiple, self.seed, self.release = masks, multiple, seed_of(seed), release
        self._epoch = self._number = -1

    @property
    def batches(self) -> int:
        """Number of batches in one pass over the sequences."""
        return math.ceil(self.count / self.batch_size)

    @property
    def tokens(self) -> float:
        """Average number of sequences in a batch."""
        return self.count / self.batches

    def at(self, position: int, part: Part = WHOLE) -> Batch:
        """Make the batch of a position, or its part, on the host: a `SequenceBatch`. Only the part's ids are read."""
        rows, longest = self.rows_of(position)
        count, part = len(rows), part.of(len(rows))
        own = part.cut(count)
        ids, lengths = padded(self.ids, self.ends, rows[own], self.multiple)
        if self.word_dropout:
            rng, times = np.random.default_rng((self.seed, position, 3)), int(lengths.max())
            dropped = rng.random((longest, count), dtype=np.float32)[:times, own] < self.word_dropout
            ids[:times][dropped] = self.unknown_id
            # Padding names no row that the batch does not use: not that of a word that was dropped.
            ids = np.take_along_axis(ids, np.minimum(np.arange(len(ids))[:, None], lengths - 1), axis=0)
        whole = self.multiple == 1 and lengths.min() == len(ids)
        targets = np.asarray(self.targets[rows[own]], self.target_dtype)
        weights = None if self.weights is None else self.weights[rows]
        keep = self._keep(position, longest, count, own, len(ids))
        data = SequenceBatch(ids, None if whole else lengths, targets, None if weights is None else weights[own], keep)
        return Batch(data, 1.0, position % self.batches == 0, part.share(count, weights), part.size)

    def check_parts(self, count: int) -> None:
        """Raise ValueError unless every part of a whole batch has a sequence."""
        check_rows(count, self.batch_size)

    def rows_of(self, position: int) -> tuple[Host, int]:
        """Numbers (n,) of the sequences of a batch, in the order of memory, and the length of the longest of them."""
        epoch, number = divmod(position, self.batches)
        pool, place = divmod(number, POOL)
        if (epoch, pool) != (self._epoch, self._number):
            self._pool, self._epoch, self._number = self._make_pool(epoch, pool), epoch, pool
        rows = np.sort(self._pool[place])  # neighbours on disk are read together
        return rows, int(lengths_of(self.ends, rows).max())

    def _make_pool(self, epoch: int, number: int) -> list[Host]:
        """Numbers of the sequences of each batch in a pool."""
        size = POOL * self.batch_size
        places = np.arange(number * size, min((number + 1) * size, self.count))
        order = self._order(epoch)(places)
        rows = order if self.chosen is None else self.chosen(order)
        lengths = lengths_of(self.ends, rows)
        rows = rows[np.argsort(lengths, kind="stable")]
        batches = np.array_split(rows, math.ceil(len(rows) / self.batch_size))
        np.random.default_rng((self.seed, epoch, number)).shuffle(batches)
        if self.release is not None:
            self.release()
        return batches

    def _order(self, epoch: int) -> Permutation:
        if epoch != self._epoch:
            self._permutation = Permutation(self.count, (self.seed, epoch))
        return self._permutation

    def _keep(self, position: int, longest: int, count: int, own: slice, times: int) -> tuple[Host, ...]:
        """Dropout masks of a batch's part, `times` long."""
        if not self.masks:
            return ()
        rng = np.random.default_rng((self.seed, position, 2))
        *over_time, once = self.masks
        masks = masks_over_time(rng, over_time, self.dropout, (longest, count), own, times)
        return (*masks, keep_mask(rng, (count, once), self.dropout)[own])


def masks_over_time(
    rng: np.random.Generator,
    sizes: Sequence[int],
    rate: float,
    drawn: tuple[int, int],
    own: slice,
    times: int,
) -> tuple[Host, ...]:
    """Dropout masks (times, n, size) of the sequences at `own` of a batch.

    They are drawn for the whole batch, ``(longest, count)``, so that they depend neither on padding nor on how it is
    cut; beyond the longest sequence they are zero.
    """
    masks = (keep_mask(rng, (*drawn, size), rate)[:times, own] for size in sizes)
    past = ((0, max(0, times - drawn[0])), (0, 0), (0, 0))
    return tuple(np.pad(mask, past) if past[0][1] else mask for mask in masks)


def lengths_of(ends: Host, rows: Host) -> Host:
    """Lengths (n,) of the sequences with some numbers (n,)."""
    stops = ends[rows]
    return np.asarray(stops - np.where(rows > 0, ends[rows - 1], 0), np.int64)


def padded(ids: Host, ends: Host, rows: Host, multiple: int = 1) -> tuple[Host, Host]:
    """Sequences with some numbers (n,) side by side.

    A sequence is padded with its last id, so that padding brings no row of a table into a batch that it does not use.

    Returns
    -------
    ids : int64 array (time, n)
    lengths : int64 array (n,)
    """
    lengths = lengths_of(ends, rows)
    times = math.ceil(int(lengths.max()) / multiple) * multiple
    steps = np.minimum(np.arange(times)[:, None], lengths - 1)
    return ids[steps + (ends[rows] - lengths)].astype(np.int64), lengths
