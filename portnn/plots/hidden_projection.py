"""Activations of a narrow hidden layer, by class."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.plots.axes import axes_for, legend_beside
from portnn.plots.points import as_points, draw_points


def plot_hidden_projection(hidden: Any, y: Any, *, ax: Any = None, title: str = "Hidden layer") -> Any:
    """Draw the activations of a hidden layer of two or three units, one point per row.

    Parameters
    ----------
    hidden : array (rows, 2) or (rows, 3)
        Activations, for example one of the arrays of `MLP.hidden`, in any array library.
    y : array (rows,)
        Class labels, numbers or strings.
    ax : matplotlib Axes, optional
        Axes to draw on, with the projection "3d" for three units. By default a new figure is made.
    title : str

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    ValueError
        If `hidden` is empty or does not have two or three units, `y` does not have one label per row, or `ax` has
        another projection.

    Examples
    --------
    >>> from portnn.plots import plot_hidden_projection
    >>> figure = plot_hidden_projection([[0.0, 0.1, 0.9], [1.0, 0.8, 0.2]], ["inner", "outer"])
    >>> figure.axes[0].get_zlabel()
    'hidden unit 3 [activation]'
    """
    points, labels = as_points(hidden, y, "hidden", (2, 3), "hidden units")
    units = points.shape[1]
    ax = axes_for(ax, size=(6.8, 5.2), projection="3d") if units == 3 else axes_for(ax)
    draw_points(ax, points, labels, np.unique(labels))
    for number, axis in enumerate("xyz"[:units], start=1):
        ax.set(**{f"{axis}label": f"hidden unit {number} [activation]"})
    ax.set_title(title)
    if units == 3:
        # The layout does not reserve space for the labels and numbers of three axes.
        ax.set_box_aspect(None, zoom=0.85)
        ax.locator_params(nbins=5)
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
            axis.labelpad = 6.0
            axis.label.set_size("small")
            axis.set_tick_params(labelsize="small")
        legend_beside(ax, title="class", gap=3.0)
    return ax.figure
