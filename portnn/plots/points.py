"""Rows of a table as points, with the colours, markers and legend of their classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.backends import real_numbers
from portnn.plots.axes import legend_beside
from portnn.plots.palette import point_style
from portnn.tables.labels import as_labels

Host = np.ndarray[Any, Any]


def as_points(X: Any, y: Any, name: str, columns: tuple[int, ...], meaning: str) -> tuple[Host, Host]:
    """Points (rows, n) in float64 and their labels (rows,), as NumPy arrays.

    Raises
    ------
    TypeError
        If `X` is not of real numbers, or the labels are neither numbers nor strings.
    ValueError
        If `X` is empty, the number of columns or labels is wrong, or a value is not finite.
    """
    points, labels = real_numbers(name, X), as_labels(y)
    if points.ndim != 2 or points.shape[1] not in columns:
        expected = " or ".join(map(str, columns))
        raise ValueError(f"{name} has shape {points.shape}, expected (rows, {expected}): {expected} {meaning}")
    if len(points) == 0:
        raise ValueError(f"{name} has no rows to draw")
    if len(labels) != len(points):
        raise ValueError(f"y has {len(labels)} labels, but {name} has {len(points)} rows")
    points = points.astype(np.float64)
    if not np.all(np.isfinite(points)):
        raise ValueError(f"{name} contains NaN or infinity")
    return points, labels


def draw_points(ax: Any, points: Host, labels: Host, classes: Host) -> None:
    """Draw each class in its own colour and marker, with a legend of all classes beside the axes."""
    size = 30.0 if len(points) <= 200 else 20.0
    for number, label in enumerate(classes):
        rows = points[labels == label]
        ax.scatter(*rows.T, s=size, edgecolors="white", linewidths=0.4, label=str(label), **point_style(number))
    legend_beside(ax, title="class")
