"""Batches of captions with what they are about: padded, bucketed by length, in a new order every epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from portnn.backends import Array, Backend
from portnn.batches.batch import Batch, check_rows
from portnn.batches.host_table import HostTable
from portnn.batches.part import WHOLE, Part
from portnn.batches.sequences import SequenceBatches, lengths_of, masks_over_time
from portnn.models import CaptionBatch

Host = np.ndarray[Any, Any]


class CaptionBatches:
    """Batches of `batch_size` captions of similar length, in the order of `SequenceBatches`.

    Parameters
    ----------
    features : array (images, ...) on the host or the backend, or HostTable
        What captions are about: features, or the images themselves.
    rows : integer array (captions,), may be memory-mapped
        Row of `features` that each caption is about.
    ids : unsigned integer array (n,), may be memory-mapped
        All captions, one after the other; none is empty.
    ends : integer array (captions,), may be memory-mapped
        Where each caption ends.
    boundary : int
        The id before and after every caption.
    backend : Backend, optional
        Where `features` are; without it, on the host.
    chosen : callable, optional
        Places (n,) among the captions of this set -> their numbers (n,) among all; without it, the set is all of them.
    count : int, optional
        Captions in the set; by default all.
    batch_size : int
    masks : tuple of int
        Features of each dropout mask, see `RecurrentDecoder.masks`.
    dropout : float
        Dropout rate.
    multiple : int
        Captions are padded to a multiple of this length.
    seed : int
    release : callable, optional
        Called now and then to release pages of memory-mapped files that have been read.

    Raises
    ------
    ValueError
        If the batch size is not positive or the rate out of range.
    """

    unit = "caption"
    speed = "captions_per_second"

    def __init__(
        self,
        features: Array | HostTable,
        rows: Host,
        ids: Host,
        ends: Host,
        *,
        boundary: int,
        backend: Backend | None = None,
        chosen: Callable[[Host], Host] | None = None,
        count: int | None = None,
        batch_size: int = 32,
        masks: tuple[int, ...] = (),
        dropout: float = 0.0,
        multiple: int = 1,
        seed: int | None = 0,
        release: Callable[[], object] | None = None,
    ) -> None:
        self.features, self.boundary, self.backend = features, boundary, backend
        self.masks, self.multiple = masks, multiple
        self._sequences = SequenceBatches(
            ids,
            ends,
            rows,
            chosen=chosen,
            count=count,
            batch_size=batch_size,
            dropout=dropout,
            seed=seed,
            release=release,
        )
        self.batch_size = self._sequences.batch_size

    @property
    def batches(self) -> int:
        """Number of batches in one pass over the captions."""
        return self._sequences.batches

    @property
    def tokens(self) -> float:
        """Average number of captions in a batch."""
        return self._sequences.tokens

    def at(self, position: int, part: Part = WHOLE) -> Batch:
        """Make the batch of a position, or its part: a `CaptionBatch`, on the host but for features on the backend."""
        rows, longest = self._sequences.rows_of(position)
        count, part = len(rows), part.of(len(rows))
        batch, own = self._sequences.at(position, part), part.cut(count)
        ids, lengths, of_images, *_ = batch.data
        lengths = np.full(ids.shape[1], len(ids)) if lengths is None else lengths
        inputs, targets, weights = bounded(ids, lengths, self.boundary, self.multiple)
        rng = np.random.default_rng((self._sequences.seed, position, 2))
        drawn = (longest + 1, count)
        keep = masks_over_time(rng, self.masks, self._sequences.dropout, drawn, own, len(inputs))
        data = CaptionBatch(rows_of(self.features, of_images, self.backend), inputs, targets, weights, keep)
        words = lengths_of(self._sequences.ends, rows) + 1
        return batch._replace(data=data, share=part.share(count, words))

    def check_parts(self, count: int) -> None:
        """Raise ValueError unless every part of a whole batch has a caption."""
        check_rows(count, self.batch_size)


def rows_of(features: Array | HostTable, rows: Host, backend: Backend | None) -> Array:
    """Rows of a table with some numbers (n,): on the host if it is NumPy's, else on the backend."""
    if isinstance(features, HostTable):
        return features.take(rows)[:, ...]
    if isinstance(features, np.ndarray) or backend is None:
        taken = np.asarray(features[rows])
        return taken if taken.dtype.kind == "f" else taken.astype(np.float64)
    return backend.xp.take(features, backend.asarray(rows), axis=0)


def bounded(ids: Host, lengths: Host, boundary: int, multiple: int = 1) -> tuple[Host, Host, Host]:
    """Inputs, targets and weights of padded captions.

    Parameters
    ----------
    ids : int64 array (time, n)
    lengths : int64 array (n,)
    boundary : int
    multiple : int
        The results have a multiple of so many time steps.

    Returns
    -------
    inputs, targets : int64 arrays (time + 1 or more, n)
        Each caption with the boundary before it, and with the boundary after it.
    weights : float64 array shaped like them
        1 for each target, 0 for padding.
    """
    times, count = len(ids) + 1, ids.shape[1]
    inputs = np.full((-(-times // multiple) * multiple, count), boundary, np.int64)
    targets = inputs.copy()
    steps = np.arange(len(inputs))[:, None]
    inputs[1:times] = ids
    np.copyto(targets[: times - 1], ids, where=steps[: times - 1] < lengths)
    return inputs, targets, (steps <= lengths).astype(np.float64)
