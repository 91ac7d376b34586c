"""Scores: how good predictions are, as a familiar number."""

from __future__ import annotations

from typing import Any

import numpy as np

Host = np.ndarray[Any, Any]


def accuracy(correct: Host, weights: Host | None) -> float:
    """Share of rows that are correct: booleans (rows,), weights (rows,)."""
    return float(np.average(correct, weights=weights))


def r2(predicted: Host, values: Host, weights: Host | None) -> float:
    """Coefficient of determination R^2 of predictions (rows, n), averaged over the columns.

    A column that never changes scores 1 if every prediction is exact, else 0.
    """
    predicted = predicted.astype(np.float64)
    mean = np.average(values, axis=0, weights=weights)
    residual = np.average((values - predicted) ** 2, axis=0, weights=weights)
    variance = np.average((values - mean) ** 2, axis=0, weights=weights)
    constant = np.where(residual > 0.0, 0.0, 1.0)
    return float(np.mean(np.where(variance > 0.0, 1.0 - residual / np.where(variance > 0.0, variance, 1.0), constant)))
