"""What each convolution makes of an image."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.backends import real_numbers
from portnn.estimators.conv_net import ConvNet
from portnn.plots.montage import Section, as_pixels, diverging, draw_montage
from portnn.plots.palette import SURFACE
from portnn.plots.points import Host
from portnn.settings import whole_number


def plot_feature_maps(
    net: ConvNet,
    image: Any,
    layer: int | None = None,
    *,
    columns: int | None = None,
    ax: Any = None,
    title: str = "Feature maps",
) -> Any:
    """Draw an image and below it the output of every convolution, one small picture for each channel.

    Maps are as the next layer sees them, after activation and pooling, and are drawn in one size however few pixels
    they have. Those of a layer share one scale, and the number under each is its channel.

    Parameters
    ----------
    net : ConvNet
        Fitted, on any backend.
    image : array (height, width) or (height, width, channels)
        One image, of any array library; of the form that the network was fitted to.
    layer : int, optional
        Number of the only convolution to draw, from 0 as in the names of the parameters. By default all are drawn.
    columns : int, optional
        Number of maps in a row. By default 8 in a new figure, and what makes them largest on given axes.
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
        If `net` is something else, or the image is not of real numbers.
    ValueError
        If the network has not been fitted, the image has another shape or a pixel that cannot be taken, there is no
        such layer, or `columns` is less than 1.

    Examples
    --------
    >>> import numpy as np, portnn
    >>> from portnn.plots import plot_feature_maps
    >>> images = np.random.default_rng(0).random((4, 6, 6))
    >>> net = portnn.ConvNet(channels=(2, 3), hidden=(), seed=1).fit(images, [0, 1, 0, 1], epochs=1, progress=False)
    >>> [text.get_text() for text in plot_feature_maps(net, images[0], 1).axes[0].texts][-3:]
    ['0', '1', '2']
    """
    if not isinstance(net, ConvNet):
        raise TypeError(f"net is {type(net).__name__}, expected a ConvNet")
    if net.model is None:
        raise ValueError("this ConvNet has not been fitted yet, so it has no maps to draw")
    pixels = real_numbers("image", image)
    height, width, channels = net.model.image_shape
    whole = (channels, height, width) if net.settings.channels_first else (height, width, channels)
    if pixels.shape not in [whole, *([(height, width)] if channels == 1 else [])]:
        raise ValueError(f"image has shape {pixels.shape}, expected one image of shape {whole}")
    depth = len(net.model.channels)
    layers = range(depth) if layer is None else (whole_number("layer", layer),)
    if not 0 <= layers[0] < depth:
        raise ValueError(f"layer must be from 0 to {depth - 1}, one of the {depth} convolutions, got {layer}")
    hidden = net.hidden(pixels[None])
    shown, style = as_pixels(pixels[None], channels_first=net.settings.channels_first)
    sections = [Section("image", shown, [], style), *(_maps(hidden[number][0], number) for number in layers)]
    return draw_montage(sections, columns=columns, ax=ax, title=title)


def _maps(maps: Host, layer: int) -> Section:
    """Section of one layer's maps (height, width, channels)."""
    height, width, channels = maps.shape
    style, scale = diverging(maps)
    if np.min(maps) >= 0.0:
        style = {"cmap": SURFACE, "vmin": 0.0, "vmax": style["vmax"]}
        scale = f"0 (dark) to {np.max(maps):.2g} (bright)"
    heading = f"convolutions.{layer}, {height} x {width} pixels: {scale}"
    return Section(heading, np.moveaxis(maps, 2, 0), [str(channel) for channel in range(channels)], style)
