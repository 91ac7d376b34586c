"""Path of gradient descent on a cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from portnn.backends import real_numbers
from portnn.plots.axes import axes_for, axis_names, check_range, label_decades, range_around
from portnn.plots.cost_surface import check_above_zero, costs_at, plot_cost_surface
from portnn.plots.palette import BLUE, PURPLE, VERMILION
from portnn.plots.points import Host


def plot_descent(
    cost: Callable[..., Any],
    path: Any,
    *,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    ax: Any = None,
    title: str = "Gradient descent",
    names: Sequence[str] | None = None,
    log: bool = False,
) -> Any:
    """Draw a cost over one or two weights, and the path of gradient descent on it.

    Parameters
    ----------
    cost : callable
        For one weight, called with a NumPy array (n,), returns costs (n,); for two, as in `plot_cost_surface`.
    path : array (steps + 1,) or (steps + 1, 2)
        Weight, or both weights, before the first step and after each step.
    x_range : tuple of float, optional
        Lowest and highest value of the first weight. By default, the range of the path with a margin.
    y_range : tuple of float, optional
        Lowest and highest value of the second weight or, for one weight, of the cost.
    ax : matplotlib Axes, optional
        Axes to draw on. By default a new figure is made.
    title : str
    names : sequence of str, optional
        Names of the weights. By default "w", or "w1" and "w2".
    log : bool
        Show the cost on a logarithmic scale.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    ValueError
        If the path has the wrong shape or is not finite, a range is empty, or the cost has the wrong shape, is nowhere
        finite or, with `log`, is not above zero.

    Examples
    --------
    >>> from portnn.plots import plot_descent
    >>> figure = plot_descent(lambda w: w**2, [4.0, 2.0, 1.0, 0.5])
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('w', 'cost')
    """
    points = real_numbers("path", path).astype(np.float64)
    if points.ndim == 0 or points.shape[1:] not in ((), (2,)):
        raise ValueError(f"path has shape {points.shape}, expected (steps + 1,) or (steps + 1, 2)")
    if len(points) == 0:
        raise ValueError("path has no points to draw")
    if not np.all(np.isfinite(points)):
        raise ValueError("path contains NaN or infinity, so the descent diverged; leave out the steps from there on")
    if points.ndim == 1:
        return _draw_on_curve(cost, points, x_range, y_range, ax, title, names or ("w",), log)
    if x_range is None:
        x_range = range_around(points[:, 0], 0.25)
    if y_range is None:
        y_range = range_around(points[:, 1], 0.25)
    ax = axes_for(ax)
    plot_cost_surface(cost, x_range, y_range, ax=ax, names=names or ("w1", "w2"), log=log)
    _draw_path(ax, points, "white", title)
    return ax.figure


def _draw_on_curve(
    cost: Callable[[Any], Any], weights: Host, x_range: Any, y_range: Any, ax: Any, title: str, names: Any, log: bool
) -> Any:
    (name,) = axis_names(names, 1)
    low, high = range_around(weights, 0.25) if x_range is None else check_range("x_range", x_range)
    grid = np.linspace(low, high, 401)
    curve, visited = costs_at(cost, grid), costs_at(cost, weights)
    if log:
        check_above_zero(curve, visited)
    ax = axes_for(ax)
    ax.plot(grid, curve, color=BLUE, lw=1.6, label="cost")
    _draw_path(ax, np.stack([weights, visited], axis=1), "0.25", title)
    ax.set(xlabel=name, ylabel="cost", xlim=(low, high))
    if y_range is not None:
        ax.set_ylim(*check_range("y_range", y_range))
    if log:
        ax.set_yscale("log")
        label_decades(ax.yaxis, *ax.get_ylim())
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    return ax.figure


def _draw_path(ax: Any, points: Host, colour: str, title: str) -> None:
    """Draw the points, an arrow from each to the next, and marks at the start and the end."""
    steps = len(points) - 1
    in_data_units = {"angles": "xy", "scale_units": "xy", "scale": 1.0}
    heads = {"units": "inches", "width": 0.014, "headwidth": 7, "headlength": 8, "headaxislength": 8}
    ax.quiver(*points[:-1].T, *np.diff(points, axis=0).T, color=colour, zorder=3, **in_data_units, **heads)
    label = f"{steps} step{'s' * (steps != 1)}"
    ax.plot(*points.T, ls="none", marker="o", ms=3.5, color=colour, mec="0.2", mew=0.5, zorder=4, label=label)
    mark = {"ls": "none", "mec": "white", "mew": 0.9, "zorder": 5}
    ax.plot(*points[0], marker="s", ms=8, color=VERMILION, label="start", **mark)
    ax.plot(*points[-1], marker="*", ms=13, color=PURPLE, label="end", **mark)
    # Above the axes, where the legend covers no step.
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), borderaxespad=0.2, ncols=4)
    ax.set_title(title, pad=26.0)
