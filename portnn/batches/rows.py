"""Mini-batches of a table's rows, in a new order every epoch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from portnn.backends import Backend, keep_mask, seed_of, tree_map
from portnn.batches.augmentation import Augmentation
from portnn.batches.batch import Batch
from portnn.batches.host_table import HostTable
from portnn.models import RowBatch
from portnn.settings import checked_number, fraction, positive

Ids = np.ndarray[Any, np.dtype[np.int64]]


class RowBatches:
    """Batches of `batch_size` rows of a table; the last batch of an epoch may be smaller.

    Parameters
    ----------
    rows : RowBatch
        The whole table, without dropout masks, on the backend; of a `HostTable` a batch is moved there.
    backend : Backend
    batch_size : int, optional
        Positive. If None, or at least the number of rows, every batch is the whole table.
    shuffle : bool
        Draw a new order for every epoch; otherwise keep the order of the table.
    seed : int
        Seed of the orders and the dropout masks.
    hidden_sizes : tuple of int
        Units of each layer that needs a dropout mask.
    dropout : float
        Dropout rate.
    augmentation : Augmentation, optional
        What changes the pictures of a batch.

    Raises
    ------
    ValueError
        If the batch size is not positive.
    """

    unit = "row"
    speed = "rows_per_second"

    def __init__(
        self,
        rows: RowBatch,
        backend: Backend,
        *,
        batch_size: int | None = None,
        shuffle: bool = True,
        seed: int | None = 0,
        hidden_sizes: tuple[int, ...] = (),
        dropout: float = 0.0,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.rows, self.backend, self.shuffle, self.seed = rows, backend, shuffle, seed_of(seed)
        self.count = int(rows.x.shape[0])
        if batch_size is None:
            batch_size = self.count
        self.batch_size: int = min(checked_number("batch_size", batch_size, int, positive), self.count)
        self.dropout = checked_number("dropout", dropout, float, fraction)
        self.hidden_sizes = hidden_sizes if self.dropout else ()
        self.augmentation = None if augmentation in (None, Augmentation()) else augmentation
        self._epoch = -1

    @property
    def batches(self) -> int:
        """Number of batches in one pass over the rows."""
        return math.ceil(self.count / self.batch_size)

    @property
    def tokens(self) -> float:
        """Average number of rows in a batch."""
        return self.count / self.batches

    def at(self, position: int) -> Batch:
        """Make the batch of a position: a `RowBatch` on the backend, with dropout masks on the host."""
        epoch, number = divmod(position, self.batches)
        rows = self.rows
        if self.batch_size < self.count:
            start = number * self.batch_size
            rows = self._take(epoch, start, min(start + self.batch_size, self.count))
        if isinstance(rows.x, HostTable):
            rows = rows._replace(x=rows.x[:, ...])
        if self.augmentation is not None:
            changes = np.random.default_rng((self.seed, position, 3))
            rows = rows._replace(x=self.augmentation.apply(rows.x, changes, self.backend))
        if self.hidden_sizes:
            rng = np.random.default_rng((self.seed, position, 2))
            count = int(rows.x.shape[0])
            rows = rows._replace(keep=tuple(keep_mask(rng, (count, size), self.dropout) for size in self.hidden_sizes))
        return Batch(rows, 1.0, number == 0)

    def _take(self, epoch: int, start: int, stop: int) -> RowBatch:
        if not self.shuffle:
            return tree_map(lambda array: array[start:stop, ...], self.rows)  # type: ignore[no-any-return]
        if epoch != self._epoch:
            self._order = np.random.default_rng((self.seed, epoch)).permutation(self.count)
            self._epoch = epoch
        return rows_at(self.rows, self._order[start:stop], self.backend)


def rows_at(rows: RowBatch, ids: Ids, backend: Backend) -> RowBatch:
    """Rows with the given ids; those of a table on the host stay there."""
    xp, placed = backend.xp, backend.asarray(ids)

    def take(array: Any) -> Any:
        return array.take(ids) if isinstance(array, HostTable) else xp.take(array, placed, axis=0)

    return tree_map(take, rows)  # type: ignore[no-any-return]
