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
        """Scaling of a table (rows, features); a column that never changes is only shifted."""
        mean = where.xp.mean(x, axis=0)
        deviation = where.to_host(where.xp.std(x, axis=0)).astype(np.float64)
        return cls(where.to_host(mean).astype(np.float64), np.where(deviation > 0.0, deviation, 1.0))

    @classmethod
    def of_host(cls, values: np.ndarray[Any, Any]) -> Scaling:
        """Scaling of values (rows, n) on the host."""
        deviation = np.std(values, axis=0)
        return cls(np.mean(values, axis=0), np.where(deviation > 0.0, deviation, 1.0))

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
