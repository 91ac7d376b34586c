"""Filters of the first convolution, which are pictures themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.backends import to_host
from portnn.estimators.conv_net import ConvNet
from portnn.plots.montage import Section, diverging, draw_montage


def plot_filters(net: ConvNet, *, columns: int | None = None, ax: Any = None, title: str = "First filters") -> Any:
    """Draw the filters of a network's first convolution as small pictures, with their numbers and one scale for all.

    Filters of grey images are blue where a weight is negative, white where it is 0 and red where it is positive.
    Filters of colour images are in colour: 0 is the middle of each of red, green and blue, so that a filter of zeros
    is grey. With any other number of channels, each channel has its own pictures.

    Parameters
    ----------
    net : ConvNet
        Fitted, on any backend.
    columns : int, optional
        Number of filters in a row. By default 8 in a new figure, and what makes them largest on given axes.
    ax : matplotlib Axes, optional
        Axes to draw on; pictures and print are made to fit their current size. By default a new figure is made.
    title : str

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    TypeError
        If `net` is something else.
    ValueError
        If the network has not been fitted, or `columns` is less than 1.

    Examples
    --------
    >>> import numpy as np, portnn
    >>> from portnn.plots import plot_filters
    >>> net = portnn.ConvNet(channels=(4,), hidden=(), seed=1)
    >>> net = net.fit(np.random.default_rng(0).random((4, 6, 6)), [0, 1, 0, 1], epochs=1, progress=False)
    >>> len(plot_filters(net).axes[0].get_images())
    4
    """
    if not isinstance(net, ConvNet):
        raise TypeError(f"net is {type(net).__name__}, expected a ConvNet")
    if net.params is None:
        raise ValueError("this ConvNet has not been fitted yet, so it has no filters to draw")
    weight = to_host(net.params["convolutions.0.weight"]).astype(np.float64)
    filters = np.moveaxis(weight, 3, 0)  # (filters, kernel, kernel, channels)
    style, scale = diverging(filters)
    numbers = [str(number) for number in range(len(filters))]
    channels = filters.shape[3]
    if channels == 3:
        pixels = 0.5 + filters / (2.0 * style["vmax"])
        scale = f"{-np.max(np.abs(filters)):.2g} to {np.max(np.abs(filters)):.2g} in each colour, 0 is mid-grey"
        sections = [Section(f"weights: {scale}", pixels, numbers, {})]
    elif channels == 1:
        sections = [Section(f"weights: {scale}", filters[..., 0], numbers, style)]
    else:
        sections = [
            Section(f"weights of channel {channel}: {scale}", filters[..., channel], numbers, style)
            for channel in range(channels)
        ]
    return draw_montage(sections, columns=columns, ax=ax, title=title)
