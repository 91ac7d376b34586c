"""Rows that are held out of training, to be measured on."""

from __future__ import annotations

import numpy as np

from portnn.backends import Backend, tree_map
from portnn.models import RowBatch


def hold_out(rows: RowBatch, fraction: float, where: Backend, *, seed: int) -> tuple[RowBatch, RowBatch | None]:
    """Rows to train on, and a fraction drawn by the seed to measure on (None where that is no row).

    Raises
    ------
    ValueError
        If the fraction is out of range or leaves nothing to train on.
    """
    if not 0.0 <= fraction < 1.0:
        raise ValueError(f"held_out must be in [0, 1), got {fraction}")
    count = int(rows.x.shape[0])
    held = round(count * fraction)
    if not held:
        return rows, None
    if held == count:
        raise ValueError(f"held_out {fraction} leaves none of {count} rows to train on")
    held_ids = held_out_ids(count, fraction, seed=seed)
    others = np.setdiff1d(np.arange(count), held_ids)
    xp = where.xp

    def taken(ids: np.ndarray[tuple[int], np.dtype[np.int64]]) -> RowBatch:
        placed = where.asarray(ids)
        return tree_map(lambda array: xp.take(array, placed, axis=0), rows)  # type: ignore[no-any-return]

    return taken(others), taken(held_ids)


def held_out_ids(count: int, fraction: float, *, seed: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Ids of the rows that `hold_out` draws for a seed, ascending."""
    order = np.random.default_rng((seed, 0, 1)).permutation(count)
    return np.sort(order[: round(count * fraction)])
