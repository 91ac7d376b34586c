"""Weights of rows: how much each counts, by itself and by its class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from portnn.backends import Array, Backend, real_numbers
from portnn.tables.labels import Classes, listed

Host = np.ndarray[Any, Any]


def class_weights(class_weight: Mapping[Any, float] | str, classes: Classes, ids: Host) -> Host:
    """Weight of each row (rows,), by its class.

    Parameters
    ----------
    class_weight : dict of label to weight, or "balanced"
        Labels left out weigh 1. "balanced" stands for ``rows / (classes * rows of the class)``.
    classes : Classes
    ids : integer array (rows,)

    Raises
    ------
    ValueError
        If a label is unknown, or a weight is negative or not finite.
    """
    if isinstance(class_weight, str):
        counts = np.bincount(ids, minlength=len(classes.labels))
        balanced: Host = len(ids) / (len(classes.labels) * np.maximum(counts, 1))
        return balanced[ids]
    labels = classes.labels.tolist()
    unknown = [label for label in class_weight if label not in labels]
    if unknown:
        raise ValueError(f"class_weight has labels that y does not have: {listed(unknown)}; y has {listed(labels)}")
    weights: Host = np.asarray([float(class_weight.get(label, 1.0)) for label in labels])
    if not np.all(np.isfinite(weights)) or np.any(weights < 0.0):
        raise ValueError("class_weight must be finite and not negative")
    return weights[ids]


def place_weights(weights: Any, rows: int, backend: Backend) -> Array | None:
    """Weights of rows (rows,) on the backend; None if all rows count the same.

    Raises
    ------
    TypeError
        If they are not real numbers.
    ValueError
        If their number is not that of the rows, or they are negative, not finite, or all zero.
    """
    if weights is None:
        return None
    host = real_numbers("sample_weight", weights).astype(np.float64)
    if host.shape != (rows,):
        raise ValueError(f"sample_weight has shape {host.shape}, expected {(rows,)}")
    if not np.all(np.isfinite(host)) or np.any(host < 0.0):
        raise ValueError("sample_weight must be finite and not negative")
    if not np.any(host):
        raise ValueError("sample_weight is zero everywhere, so there is nothing to learn from")
    with np.errstate(over="ignore"):
        total = host.astype(backend.dtype).sum()
    if not 0.0 < total < np.inf:
        raise ValueError(f"sample_weight has the sum {host.sum():g}, which {backend.dtype} cannot hold")
    return backend.asarray(host)
