"""Predicted class of a classifier over two features."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.backends import on_host
from portnn.plots.axes import axes_for, axis_names, grid, range_around
from portnn.plots.palette import tint
from portnn.plots.points import Host, as_points, draw_points
from portnn.settings import brief


def plot_decision_boundary(
    model: Any,
    X: Any,
    y: Any,
    *,
    ax: Any = None,
    title: str = "Decision boundary",
    names: tuple[str, str] = ("x1", "x2"),
    resolution: int = 200,
) -> Any:
    """Draw the regions of the predicted classes, and the points of a table on them.

    Parameters
    ----------
    model : object with predict(X)
        A classifier of portnn or scikit-learn; its `predict` takes a NumPy float64 array (rows, 2) and returns labels
        (rows,).
    X : array (rows, 2)
        Features, in any array library.
    y : array (rows,)
        Class labels, numbers or strings.
    ax : matplotlib Axes, optional
        Axes to draw on. By default a new figure is made.
    title : str
    names : tuple of str
        Names of the two features.
    resolution : int
        Number of grid points per side.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    ValueError
        If `X` is empty or does not have two features, `y` does not have one label per row, or the model does not
        predict class labels.

    Examples
    --------
    >>> import portnn
    >>> from portnn.plots import plot_decision_boundary
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["no", "yes", "yes", "yes"]
    >>> model = portnn.LogisticRegression().fit(X, y, progress=False)
    >>> figure = plot_decision_boundary(model, X, y, title="Or")
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['no', 'yes']
    """
    points, labels = as_points(X, y, "X", (2,), "features")
    x_name, y_name = axis_names(names, 2)
    x_range, y_range = (range_around(column, 0.08) for column in points.T)
    xs, ys = grid(x_range, y_range, resolution)
    predicted = _predict(model, np.stack([xs.ravel(), ys.ravel()], axis=1), labels)
    classes = np.unique(np.concatenate([labels, predicted]))
    regions = np.searchsorted(classes, predicted).reshape(xs.shape)
    ax = axes_for(ax)
    tints = np.stack([tint(number) for number in range(len(classes))])
    ax.imshow(tints[regions], extent=(*x_range, *y_range), origin="lower", aspect="auto", interpolation="nearest")
    for number in np.unique(regions)[1:]:
        ax.contour(xs, ys, regions == number, levels=[0.5], colors="0.35", linewidths=0.9)
    draw_points(ax, points, labels, classes)
    ax.set(xlabel=x_name, ylabel=y_name, title=title, xlim=x_range, ylim=y_range)
    return ax.figure


def _predict(model: Any, table: Host, labels: Host) -> Host:
    predicted = on_host("the prediction", model.predict(table))
    if predicted.shape != (len(table),):
        raise ValueError(f"the model predicts an array of shape {predicted.shape}, expected one label per row")
    if predicted.dtype.kind == "f" and np.any(predicted != np.round(predicted)):
        raise ValueError(f"the model predicts values such as {predicted[0]:.4g}, expected class labels")
    if (predicted.dtype.kind in "US") != (labels.dtype.kind in "US"):
        raise ValueError(
            f"the model predicts labels such as {brief(predicted[0])}, but y has labels such as {brief(labels[0])}"
        )
    return predicted
