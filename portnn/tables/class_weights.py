"""Class weights: how much the rows of a class count, whatever their number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from portnn.tables.labels import Classes


def class_weights(chosen: Mapping[Any, float] | str, classes: Classes, ids: np.ndarray[Any, Any]) -> Any:
    """Weight of each row (rows,), by its class id.

    Parameters
    ----------
    chosen : dict of label to weight, or "balanced"
        Labels that are left out weigh 1. "balanced": ``rows / (classes * rows of the class)``.
    classes : Classes
    ids : integer array (rows,)

    Raises
    ------
    ValueError
        If a label is unknown, or a weight negative or not finite.
    """
    if isinstance(chosen, str):
        counts = np.bincount(ids, minlength=len(classes.labels))
        return (len(ids) / (len(classes.labels) * np.maximum(counts, 1)))[ids]
    labels = classes.labels.tolist()
    unknown = [label for label in chosen if label not in labels]
    if unknown:
        raise ValueError(f"class_weight has labels that y does not have: {', '.join(map(repr, unknown))}")
    weights = np.asarray([float(chosen.get(label, 1.0)) for label in labels])
    if not np.all(np.isfinite(weights)) or np.any(weights < 0.0):
        raise ValueError("class_weight must be finite and not negative")
    return weights[ids]
