"""Mini-batches of rows: how a table becomes batches, shuffled anew every epoch."""

from __future__ import annotations

import math

import numpy as np

from portnn.backends import Backend, keep_mask, tree_map
from portnn.models import RowBatch


class RowBatches:
    """Walk over the rows of a table, `batch_size` at a time; the last batch of an epoch may be smaller.

    The order of an epoch depends on the seed and the epoch's number alone, so that a run goes on from `position`.

    Parameters
    ----------
    rows : RowBatch
        The whole table, on the backend, without dropout masks.
    backend : Backend
    batch_size : int, optional
        Without it, or with no fewer than there are rows, every batch is the whole table.
    shuffle : bool
        Draw a new order for every epoch; otherwise rows are taken as they stand.
    seed : int
        Of the orders.
    hidden_sizes : tuple of int
        Units of the layers that need a dropout mask each.
    rate : float
        Dropout rate.

    Raises
    ------
    ValueError
        If the batch size is not positive.
    """

    unit = "row"
    terms = 1.0

    def __init__(
        self,
        rows: RowBatch,
        backend: Backend,
        *,
        batch_size: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        hidden_sizes: tuple[int, ...] = (),
        rate: float = 0.0,
    ) -> None:
        whole = isinstance(batch_size, int) and not isinstance(batch_size, bool)
        if batch_size is not None and not (whole and batch_size >= 1):
            raise ValueError(f"batch_size must be a positive whole number, got {batch_size!r}")
        self.rows, self.backend, self.shuffle, self.seed = rows, backend, shuffle, seed
        self.count = int(rows.x.shape[0])
        self.batch_size = min(batch_size or self.count, self.count)
        self.hidden_sizes, self.rate = hidden_sizes if rate else (), rate
        self.position = 0
        self._epoch = -1

    @property
    def batches(self) -> int:
        """Number of batches in one pass over the rows."""
        return math.ceil(self.count / self.batch_size)

    @property
    def tokens(self) -> float:
        """Number of rows of a batch, on average."""
        return self.count / self.batches

    def next(self, rng: np.random.Generator) -> tuple[RowBatch, bool]:
        """Return the next batch, on the backend but for dropout masks, and whether it starts an epoch."""
        epoch, number = divmod(self.position, self.batches)
        self.position += 1
        batch = self.rows
        if self.batch_size < self.count:
            start = number * self.batch_size
            batch = self._take(epoch, start, min(start + self.batch_size, self.count))
        if self.hidden_sizes:
            rows = int(batch.x.shape[0])
            batch = batch._replace(keep=tuple(keep_mask(rng, (rows, size), self.rate) for size in self.hidden_sizes))
        return batch, number == 0

    def _take(self, epoch: int, start: int, stop: int) -> RowBatch:
        if not self.shuffle:
            return tree_map(lambda array: array[start:stop, ...], self.rows)  # type: ignore[no-any-return]
        if epoch != self._epoch:
            self._order = np.random.default_rng((self.seed, epoch)).permutation(self.count)
            self._epoch = epoch
        xp, ids = self.backend.xp, self.backend.asarray(self._order[start:stop])
        return tree_map(lambda array: xp.take(array, ids, axis=0), self.rows)  # type: ignore[no-any-return]
