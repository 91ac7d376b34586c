"""`Part`: what one process of several computes of every batch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Part(NamedTuple):
    """One of `size` parts of a batch, as equal as can be: the one of process `rank`."""

    rank: int = 0
    size: int = 1

    def of(self, rows: int) -> Part:
        """The part of a batch of some rows: the whole, for every process, of a batch with fewer rows than processes."""
        return self if self.size <= rows else WHOLE

    def cut(self, rows: int) -> slice:
        """Its rows, of so many."""
        return slice(rows * self.rank // self.size, rows * (self.rank + 1) // self.size)

    def share(self, rows: int, weights: np.ndarray[Any, Any] | None = None) -> float:
        """What its mean loss counts in that of the whole batch of some rows, which may have weights (rows,)."""
        own = self.cut(rows)
        if weights is None or not weights.any():
            return float(own.stop - own.start) / rows
        return float(weights[own].sum()) / float(weights.sum())


WHOLE = Part()
"""The whole batch."""
