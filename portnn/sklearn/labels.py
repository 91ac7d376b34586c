"""Labels that classifiers learn, and what each class weighs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from portnn.sklearn.dispatch import entering, host

Host = np.ndarray[Any, Any]


def checked_y(y: Any, estimator: Any) -> Host:
    """What an estimator is to learn: y (rows,) or (rows, n), checked, on the host; a sparse one is made dense.

    Raises
    ------
    ValueError
        If there is none, or it is no such array of finite entries.
    """
    if y is None:
        name = type(estimator).__name__
        raise ValueError(f"requires y to be passed, but the target y is None: {name} learns from y")
    labels: Host = check_array(host(entering("y", y)), ensure_2d=False, dtype=None, input_name="y", estimator=estimator)
    return column_or_1d(labels, warn=True) if labels.ndim == 2 and labels.shape[1] == 1 else labels


def check_classes(y: Host) -> None:
    """Refuse y (rows,) or (rows, n) that holds neither classes nor, in several columns, 0 and 1.

    Raises
    ------
    ValueError
    """
    check_classification_targets(y)
    if type_of_target(y) == "multiclass-multioutput":
        raise ValueError("y has several columns of classes; several columns must hold 0 and 1")


def weights_by_class(class_weight: Mapping[Any, float] | str | None, y: Host, weights: Host | None) -> Host | None:
    """How much each row counts: its own weight times that of its class; None if all count the same."""
    if class_weight is None:
        return weights
    by_class: Host = compute_sample_weight(class_weight, y)
    return by_class if weights is None else by_class * weights
