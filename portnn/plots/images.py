"""Many small images in one figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from portnn.backends import real_numbers
from portnn.plots.axes import axes_for
from portnn.settings import checked_number, positive

GAP = 0.12
"""Space between images, in widths of an image."""

LINE = 0.15
"""Height of a caption line, in inches."""


def plot_images(
    images: Any, captions: Sequence[Any] | None = None, *, columns: int = 8, ax: Any = None, title: str = ""
) -> Any:
    """Draw greyscale images side by side, with a caption under each.

    Parameters
    ----------
    images : array (n, height, width)
        In any array library; the lowest value of all is black, the highest white.
    captions : sequence of n, optional
        Captions, which may have several lines.
    columns : int
        Number of images in a row.
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
        If `images` is empty, has the wrong shape or contains NaN or infinity, the number of captions differs, or
        `columns` is less than 1.

    Examples
    --------
    >>> import numpy as np
    >>> from portnn.plots import plot_images
    >>> figure = plot_images(np.eye(4).reshape((4, 2, 2)), ["a", "b", "c", "d"], columns=2)
    >>> len(figure.axes[0].get_images()), [text.get_text() for text in figure.axes[0].texts]
    (4, ['a', 'b', 'c', 'd'])
    """
    pixels = real_numbers("images", images)
    if pixels.ndim != 3 or 0 in pixels.shape:
        raise ValueError(f"images has shape {pixels.shape}, expected (n, height, width) with at least one image")
    columns = checked_number("columns", columns, int, positive)
    texts = [] if captions is None else [str(caption) for caption in captions]
    if captions is not None and len(texts) != len(pixels):
        raise ValueError(f"captions has {len(texts)} entries, but images has {len(pixels)} images")
    pixels = pixels.astype(np.float64)
    if not np.all(np.isfinite(pixels)):
        raise ValueError("images contains NaN or infinity")
    columns = min(columns, len(pixels))
    rows = -(-len(pixels) // columns)
    lines = [line for text in texts for line in text.split("\n")]
    height, across = pixels.shape[1] / pixels.shape[2], columns * (1.0 + GAP) - GAP
    if ax is None:
        inches = max([0.8, *(0.075 * len(line) for line in lines)])  # as wide as the longest caption
    else:
        inches = ax.bbox.width / ax.figure.dpi / across
    foot = GAP + LINE / inches * max((text.count("\n") + 1 for text in texts), default=0)
    down = rows * (height + foot) - GAP
    size = (max(across * inches, 0.11 * len(title)) + 0.1, down * inches + (0.4 if title else 0.1))
    ax = axes_for(ax, size=size)
    low, high = np.min(pixels), np.max(pixels)
    for number, image in enumerate(pixels):
        left, top = number % columns * (1.0 + GAP), number // columns * (height + foot)
        box = (left, left + 1.0, top + height, top)
        ax.imshow(image, cmap="gray", vmin=low, vmax=high, interpolation="nearest", extent=box)
        if texts:
            ax.text(left + 0.5, top + height + GAP / 4, texts[number], ha="center", va="top", fontsize=9)
    ax.set(xlim=(0.0, across), ylim=(down, 0.0), aspect="equal", title=title)
    ax.set_axis_off()
    return ax.figure
