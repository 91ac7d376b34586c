"""Scaling: every column to mean 0 and standard deviation 1, as the training rows have them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Array, Backend


class Scaling(NamedTuple):
    """Mean and standard deviation of every column, on the host, float64."""

    mean: np.ndarray[Any, Any]
    deviation: np.ndarray[Any, Any]

    @classmethod
    def of(cls, x: Array, where: Backend) -> Scaling:
        """Scaling of a table (rows, features) on a backend, in its dtype; see `of_host`."""
        xp = where.xp
        found = (xp.mean(x, axis=0), xp.std(x, axis=0), xp.max(x, axis=0) > xp.min(x, axis=0))
        return cls._checked(*(where.to_host(array) for array in found))

    @classmethod
    def of_host(cls, values: np.ndarray[Any, Any]) -> Scaling:
        """Scaling of values (rows, n) on the host, float64; a column that never changes is only shifted.

        Raises
        ------
        ValueError
            If numbers are too large for their mean and deviation.
        """
        with np.errstate(all="ignore"):
            found = np.mean(values, axis=0), np.std(values, axis=0)
        return cls._checked(*found, np.max(values, axis=0) > np.min(values, axis=0))

    @classmethod
    def _checked(cls, mean: Any, deviation: Any, changes: Any) -> Scaling:
        # The deviation of equal numbers may be a rounding error above 0.
        mean, deviation = mean.astype(np.float64), np.where(changes & (deviation > 0.0), deviation, 1.0)
        wrong = np.flatnonzero(~(np.isfinite(mean) & np.isfinite(deviation)))
        if len(wrong):
            raise ValueError(f"column {wrong[0]} has numbers that are too large to standardize")
        return cls(mean, deviation.astype(np.float64))

    def of_rows(self, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Scaled table on the host, float64: large numbers that differ little keep what they differ by."""
        return (x.astype(np.float64) - self.mean) / self.deviation  # type: ignore[no-any-return]

    def __call__(self, x: Array, where: Backend) -> Array:
        """Scaled table: a new array."""
        x = x - where.asarray(self.mean)
        x /= where.asarray(self.deviation)
        return x

    def undo(self, x: Array, where: Backend) -> Array:
        """What the scaled table was."""
        return x * where.asarray(self.deviation) + where.asarray(self.mean)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `Scaling.from_json` makes the same of them."""
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist()}

    @classmethod
    def from_json(cls, record: Any) -> Scaling:
        """Scaling out of what `to_json` made."""
        return cls(np.asarray(record["mean"], dtype=np.float64), np.asarray(record["deviation"], dtype=np.float64))
