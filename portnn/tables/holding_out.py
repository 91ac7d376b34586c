"""Rows held out of training for evaluation."""

from __future__ import annotations

import numpy as np

from portnn.backends import Backend, seed_of, to_host
from portnn.batches import rows_at
from portnn.models import RowBatch
from portnn.settings import checked_number, fraction

Ids = np.ndarray[tuple[int], np.dtype[np.int64]]


def split_ids(count: int, part: float, *, seed: int | None) -> tuple[Ids, Ids]:
    """Ids of rows to train on and of rows to measure on, drawn by the seed; both ascending.

    Raises
    ------
    ValueError
        If the fraction is out of range or leaves nothing to train on.
    """
    return _split("held_out", count, part, np.random.default_rng((seed_of(seed), 0, 1)))


def kept_for_test(count: int, part: float, *, seed: int | None) -> tuple[Ids, Ids]:
    """Ids of rows to train and to choose with, and of rows for a test at the end, drawn by the seed; both ascending.

    Raises
    ------
    ValueError
        If the fraction is out of range, or leaves nothing for either.
    """
    others, kept = _split("test", count, part, np.random.default_rng((seed_of(seed), 0, 2)))
    if not len(kept):
        raise ValueError(f"test {part} keeps none of {count} rows for the test")
    return others, kept


def _split(name: str, count: int, part: float, rng: np.random.Generator) -> tuple[Ids, Ids]:
    part = checked_number(name, part, float, fraction)
    held_count = round(count * part)
    if held_count == count:
        raise ValueError(f"{name} {part} leaves none of {count} rows to train on")
    order = rng.permutation(count)
    return np.sort(order[held_count:]), np.sort(order[:held_count])


def take_rows(rows: RowBatch, ids: Ids, backend: Backend) -> RowBatch:
    """Rows with the given ids; the same object if that is all of them.

    Raises
    ------
    ValueError
        If all of these rows weigh 0.
    """
    if len(ids) == rows.x.shape[0]:
        return rows
    return check_counts(rows_at(rows, ids, backend))


def check_counts(rows: RowBatch) -> RowBatch:
    """Return the rows; raise ValueError if all of them weigh 0."""
    if rows.weights is not None and not np.any(to_host(rows.weights)):
        raise ValueError(f"all of {rows.x.shape[0]} rows to train or to measure on weigh 0")
    return rows
