"""Size of the gradients of each layer during training, which shows whether they vanish or explode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from portnn.backends import real_numbers
from portnn.plots.axes import axes_for, label_decades, legend_beside
from portnn.plots.palette import line_style


def plot_gradient_magnitudes(
    steps: Any, magnitudes: Mapping[str, Any], *, ax: Any = None, title: str = "Gradient magnitude"
) -> Any:
    """Draw mean absolute gradients over training steps on a logarithmic scale, one curve per layer.

    Parameters
    ----------
    steps : array (n,)
    magnitudes : dict of str to array (n,)
        Mean absolute gradients by label, usually one label per layer. Zeros are not drawn.
    ax : matplotlib Axes, optional
        Axes to draw on. By default a new figure is made.
    title : str

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    ValueError
        If there are no curves or no steps, a curve has another length than `steps`, or all values are zero.

    Examples
    --------
    >>> from portnn.plots import plot_gradient_magnitudes
    >>> figure = plot_gradient_magnitudes([1, 2, 3], {"layer 1": [0.1, 0.08, 0.05], "layer 2": [0.5, 0.4, 0.3]})
    >>> figure.axes[0].get_yscale()
    'log'
    """
    at = real_numbers("steps", steps)
    if at.ndim != 1 or len(at) == 0:
        raise ValueError(f"steps has shape {at.shape}, expected (n,) with at least one step")
    curves = {
        label: real_numbers(f"magnitudes[{label!r}]", values).astype(np.float64) for label, values in magnitudes.items()
    }
    if not curves:
        raise ValueError("magnitudes has no curves to draw")
    for label, values in curves.items():
        if values.shape != at.shape:
            raise ValueError(f"magnitudes[{label!r}] has shape {values.shape}, but steps has {at.shape}")
        if np.any(values < 0.0):
            raise ValueError(f"magnitudes[{label!r}] has values below zero, expected absolute values")
    if not any(np.any(values > 0.0) for values in curves.values()):
        raise ValueError("magnitudes has no values above zero, which a logarithmic scale needs")
    ax = axes_for(ax)
    ax.set_yscale("log", nonpositive="mask")
    for number, (label, values) in enumerate(curves.items()):
        shown = label if np.any(values > 0.0) else f"{label} (always 0)"
        ax.plot(at, values, lw=1.5, label=shown, **line_style(number))
    ax.set(xlabel="training step", ylabel="mean absolute gradient", title=title)
    label_decades(ax.yaxis, *ax.get_ylim())
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    legend_beside(ax)
    return ax.figure
