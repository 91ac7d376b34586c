"""Contour plot of a cost over two weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from portnn.backends import real_numbers
from portnn.plots.axes import axes_for, axis_names, check_range, grid, label_decades
from portnn.plots.palette import SURFACE
from portnn.plots.points import Host


def plot_cost_surface(
    cost: Callable[[Any, Any], Any],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    *,
    ax: Any = None,
    title: str = "Cost",
    names: Sequence[str] = ("w1", "w2"),
    resolution: int = 101,
    log: bool = False,
) -> Any:
    """Draw a cost over two weights as filled contours.

    Parameters
    ----------
    cost : callable
        Called once with two NumPy arrays (n,) of weights on a grid; returns their costs (n,), in any array library.
        The plot stays white where the cost is not finite. `numpy.vectorize` converts a function of two scalars.
    x_range, y_range : tuple of float
        Lowest and highest value of the first and of the second weight.
    ax : matplotlib Axes, optional
        Axes to draw on. By default a new figure is made.
    title : str
    names : sequence of str
        Names of the two weights.
    resolution : int
        Number of grid points per side.
    log : bool
        Space the contours evenly in the logarithm of the cost.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    ValueError
        If a range is empty, or the cost has the wrong shape, is nowhere finite or, with `log`, is not above zero.

    Examples
    --------
    >>> from portnn.plots import plot_cost_surface
    >>> figure = plot_cost_surface(lambda a, b: a**2 + 10.0 * b**2, (-1.0, 1.0), (-1.0, 1.0))
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['w2', 'cost']
    """
    x_range, y_range = check_range("x_range", x_range), check_range("y_range", y_range)
    x_name, y_name = axis_names(names, 2)
    xs, ys = grid(x_range, y_range, resolution)
    costs = np.ma.masked_invalid(costs_at(cost, xs.ravel(), ys.ravel()).reshape(xs.shape))
    low, high = float(costs.min()), float(costs.max())
    if log:
        check_above_zero(costs)
    ax = axes_for(ax)
    if log:
        _draw_log(ax, xs, ys, costs, low, high)
    else:
        levels = 24 if high > low else [low - 0.5, low + 0.5]
        filled = ax.contourf(xs, ys, costs, levels=levels, cmap=SURFACE)
        ax.figure.colorbar(filled, ax=ax, label="cost")
    ax.set(xlabel=x_name, ylabel=y_name, title=title, xlim=x_range, ylim=y_range)
    return ax.figure


def _draw_log(ax: Any, xs: Host, ys: Host, costs: Any, low: float, high: float) -> None:
    from matplotlib.colors import LogNorm

    levels = np.geomspace(low, high * (1.0 if high > low else 2.0), 24)
    levels[0], levels[-1] = levels[0] * (1.0 - 1e-9), levels[-1] * (1.0 + 1e-9)  # so that rounding leaves no cost out
    filled = ax.contourf(xs, ys, costs, levels=levels, norm=LogNorm(levels[0], levels[-1]), cmap=SURFACE)
    bar = ax.figure.colorbar(filled, ax=ax, label="cost")
    label_decades(bar.ax.yaxis, levels[0], levels[-1])


def costs_at(cost: Callable[..., Any], *weights: Host) -> Host:
    """Costs (n,) of weights, each (n,), in float64 on the host.

    Raises
    ------
    ValueError
        If the cost has the wrong shape or is nowhere finite.
    """
    costs = real_numbers("cost", cost(*weights))
    if costs.shape != weights[0].shape:
        arrays = f"{len(weights)} array{'s' * (len(weights) > 1)} of shape {weights[0].shape}"
        raise ValueError(f"cost returned the shape {costs.shape} for {arrays}, expected one cost per entry")
    if not np.any(np.isfinite(costs)):
        raise ValueError("cost is nowhere finite in the range")
    return costs.astype(np.float64)


def check_above_zero(*costs: Host) -> None:
    """Check that the logarithm of all costs can be drawn.

    Raises
    ------
    ValueError
        If a cost is zero or less.
    """
    low = min(float(np.nanmin(array)) for array in costs)
    if low <= 0.0:
        raise ValueError(f"the lowest cost is {low:.4g}, but a logarithmic scale needs costs above zero; use log=False")
