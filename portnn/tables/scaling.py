"""Scaling: the shift and scale that bring every column of the training rows to mean 0 and standard deviation 1."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Array, Backend
from portnn.batches import SparseTable
from portnn.settings import brief_fields


class Scaling(NamedTuple):
    """Mean and standard deviation of every column, on the host, float64."""

    mean: np.ndarray[Any, Any]
    deviation: np.ndarray[Any, Any]

    def __repr__(self) -> str:
        return brief_fields(self)

    @classmethod
    def of(cls, x: Array, backend: Backend) -> Scaling:
        """Scaling of a table (rows, features) on a backend, in its dtype; see `of_host`."""
        xp = backend.xp
        statistics = (xp.mean(x, axis=0), xp.std(x, axis=0), xp.max(x, axis=0) > xp.min(x, axis=0))
        return cls._checked(*map(backend.to_host, statistics))

    @classmethod
    def of_host(cls, values: np.ndarray[Any, Any]) -> Scaling:
        """Scaling of values (rows, n) on the host, float64; a column that never changes is only shifted.

        Raises
        ------
        ValueError
            If numbers are so large that their mean or deviation overflows.
        """
        with np.errstate(all="ignore"):
            mean, deviation = np.mean(values, axis=0), np.std(values, axis=0)
        return cls._checked(mean, deviation, np.max(values, axis=0) > np.min(values, axis=0))

    @classmethod
    def of_sparse(cls, table: SparseTable) -> Scaling:
        """Scaling of a sparse table that is not scaled yet, as `of_host`."""
        rows, (count, features) = table.rows, table.shape
        columns, numbers = rows.indices, rows.data.astype(np.float64)
        zeros = count - np.bincount(columns, minlength=features)
        with np.errstate(all="ignore"):
            mean = np.bincount(columns, numbers, features) / count
            squares = np.bincount(columns, (numbers - mean[columns]) ** 2, features) + zeros * mean**2
        highest, lowest = (extreme(axis=0).toarray().reshape(-1) for extreme in (rows.max, rows.min))
        return cls._checked(mean, np.sqrt(squares / count), highest > lowest)

    @classmethod
    def _checked(cls, mean: Any, deviation: Any, changes: Any) -> Scaling:
        # Rounding may give equal numbers a deviation slightly above 0.
        mean, deviation = mean.astype(np.float64), np.where(changes & (deviation > 0.0), deviation, 1.0)
        wrong = np.flatnonzero(~(np.isfinite(mean) & np.isfinite(deviation)))
        if len(wrong):
            raise ValueError(f"column {wrong[0]} has numbers that are too large to standardize")
        return cls(mean, deviation.astype(np.float64))

    def of_rows(self, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Scaled table on the host, in float64, so that large numbers keep their small differences."""
        return (x.astype(np.float64) - self.mean) / self.deviation  # type: ignore[no-any-return]

    def __call__(self, x: Array, backend: Backend) -> Array:
        """Scaled table, a new array."""
        x = x - backend.asarray(self.mean)
        x /= backend.asarray(self.deviation)
        return x

    def undo(self, x: Array, backend: Backend) -> Array:
        """Table before it was scaled, a new array."""
        return x * backend.asarray(self.deviation) + backend.asarray(self.mean)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, from which `from_json` makes an equal scaling."""
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist()}

    @classmethod
    def from_json(cls, record: Any) -> Scaling:
        """Scaling from what `to_json` returned."""
        return cls(np.asarray(record["mean"], dtype=np.float64), np.asarray(record["deviation"], dtype=np.float64))
