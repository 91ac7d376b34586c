"""The axes to draw on, their ranges and their labels."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np

from portnn.backends import real_numbers
from portnn.settings import brief, whole_number


def axes_for(ax: Any, *, size: tuple[float, float] = (6.4, 4.4), projection: str | None = None) -> Any:
    """The given axes, or those of a new figure of `size` inches.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    ValueError
        If the given axes have another projection.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ModuleNotFoundError(
            'portnn.plots needs matplotlib; python -m pip install "portnn[plot]"', name="matplotlib"
        )
    if ax is None:
        from portnn.plots.figure import ShownFigure

        return ShownFigure(figsize=size, layout="constrained").subplots(subplot_kw={"projection": projection})
    if (ax.name == "3d") != (projection == "3d"):
        raise ValueError(f"ax has the projection {brief(ax.name)}, expected {brief(projection or 'rectilinear')}")
    return ax


def legend_beside(ax: Any, *, title: str | None = None, gap: float = 0.8) -> None:
    """Legend to the right of the axes, where it covers nothing; `gap` between them is in font sizes."""
    ax.legend(title=title, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), borderaxespad=gap)


def label_decades(axis: Any, low: float, high: float) -> None:
    """Label a logarithmic axis from low to high: at powers of ten, and in between if those are few."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 300.0 * low else (1.0,)))
    if low >= 1e-4 and high < 1e6:
        axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def axis_names(names: Sequence[str], count: int) -> list[str]:
    """List of the names of the axes.

    Raises
    ------
    ValueError
        If there are not `count` names.
    """
    listed = [names] if isinstance(names, str) else list(names)
    if len(listed) != count:
        raise ValueError(f"names must be {count} name{'s' * (count > 1)}, got {brief(names)}")
    return listed


def check_range(name: str, ends: tuple[float, float]) -> tuple[float, float]:
    """Ends of a range, as floats.

    Raises
    ------
    ValueError
        If they are not two finite numbers in ascending order.
    """
    values = real_numbers(name, ends).astype(np.float64)
    if values.shape != (2,) or not np.all(np.isfinite(values)) or values[0] >= values[1]:
        raise ValueError(f"{name} must be (lowest, highest), got {brief(ends)}")
    return float(values[0]), float(values[1])


def range_around(values: np.ndarray[Any, Any], margin: float) -> tuple[float, float]:
    """Range of values with a margin on both sides, as a share of the range; a single value is padded by 1."""
    low, high = float(np.min(values)), float(np.max(values))
    padding = margin * (high - low) or 1.0
    return low - padding, high + padding


def grid(x_range: tuple[float, float], y_range: tuple[float, float], resolution: int) -> tuple[Any, Any]:
    """Coordinates of a grid over a rectangle: x and y, both (resolution, resolution), with y along the rows.

    Raises
    ------
    ValueError
        If the resolution is less than 2.
    """
    resolution = whole_number("resolution", resolution)
    if resolution < 2:
        raise ValueError(f"resolution must be at least 2 points per side, got {resolution}")
    return tuple(np.meshgrid(np.linspace(*x_range, resolution), np.linspace(*y_range, resolution)))  # type: ignore[return-value]
