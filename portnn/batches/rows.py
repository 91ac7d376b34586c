"""Mini-batches of a table's rows, in a new order every epoch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from portnn.backends import Backend, keep_mask, seed_of, to_host, tree_map
from portnn.batches.augmentation import Augmentation
from portnn.batches.batch import Batch, check_rows
from portnn.batches.host_table import HostTable
from portnn.batches.part import WHOLE, Part
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
        self._host_weights: np.ndarray[Any, Any] | None = None

    @property
    def batches(self) -> int:
        """Number of batches in one pass over the rows."""
        return math.ceil(self.count / self.batch_size)

    @property
    def tokens(self) -> float:
        """Average number of rows in a batch."""
        return self.count / self.batches

    def at(self, position: int, part: Part = WHOLE) -> Batch:
        """Make the batch of a position, or its part: a `RowBatch` on the backend, with dropout masks on the host."""
        epoch, number = divmod(position, self.batches)
        start = number * self.batch_size
        count = min(self.batch_size, self.count - start)
        part = part.of(count)
        own, rows = part.cut(count), self.rows
        if own.stop - own.start < self.count:
            rows = self._take(epoch, start + own.start, start + own.stop)
        if isinstance(rows.x, HostTable):
            rows = rows._replace(x=rows.x[:, ...])
        if self.augmentation is not None:
            changes = np.random.default_rng((self.seed, position, 3))
            rows = rows._replace(x=self.augmentation.apply(rows.x, changes, self.backend, count=count, own=own))
        if self.hidden_sizes:
            rng = np.random.default_rng((self.seed, position, 2))
            masks = (keep_mask(rng, (count, size), self.dropout) for size in self.hidden_sizes)
            rows = rows._replace(keep=tuple(mask[own] for mask in masks))
        share = 1.0 if part == WHOLE else part.share(count, self._weights(epoch, start, count))
        return Batch(rows, 1.0, number == 0, share, part.size)

    def check_parts(self, count: int) -> None:
        """Raise ValueError unless every part of a whole batch has a row."""
        check_rows(count, self.batch_size)

    def _take(self, epoch: int, start: int, stop: int) -> RowBatch:
        if not self.shuffle or self.batch_size == self.count:
            return tree_map(lambda array: array[start:stop, ...], self.rows)  # type: ignore[no-any-return]
        return rows_at(self.rows, self._order_of(epoch)[start:stop], self.backend)

    def _order_of(self, epoch: int) -> Ids:
        if epoch != self._epoch:
            self._order = np.random.default_rng((self.seed, epoch)).permutation(self.count)
            self._epoch = epoch
        return self._order

    def _weights(self, epoch: int, start: int, count: int) -> np.ndarray[Any, Any] | None:
        """Weights of the rows of a whole batch, on the host; None if all count the same."""
        if self.rows.weights is None:
            return None
        if self._host_weights is None:
            self._host_weights = to_host(self.rows.weights)
        if not self.shuffle or self.batch_size == self.count:
            return self._host_weights[start : start + count]
        return np.asarray(self._host_weights[self._order_of(epoch)[start : start + count]])


def rows_at(rows: RowBatch, ids: Ids, backend: Backend) -> RowBatch:
    """Rows with the given ids; those of a table on the host stay there."""
    xp, placed = backend.xp, backend.asarray(ids)

    def take(array: Any) -> Any:
        return array.take(ids) if isinstance(array, HostTable) else xp.take(array, placed, axis=0)

    return tree_map(take, rows)  # type: ignore[no-any-return]
