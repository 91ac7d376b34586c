"""Images that a classifier gets wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.backends import real_numbers
from portnn.estimators.conv_net import ConvNet
from portnn.plots.montage import Section, as_pixels, draw_montage
from portnn.settings import checked_number, positive
from portnn.tables.labels import as_labels

LONGEST = 16
"""Letters of a label, of which the rest is left out."""


def plot_misread(
    net: ConvNet,
    images: Any,
    labels: Any,
    *,
    most: int = 16,
    columns: int | None = None,
    ax: Any = None,
    title: str | None = None,
) -> Any:
    """Draw the images that a classifier gets wrong, the worst first: those whose true label it finds least probable.

    Under each image are its true label and the label read, with the probabilities that the network gives them.

    Parameters
    ----------
    net : ConvNet
        A fitted classifier, on any backend.
    images : array (n, height, width) or (n, height, width, channels)
        In any array library.
    labels : array (n,)
        Their true labels.
    most : int
        Number of images to draw at most.
    columns : int, optional
        Number of images in a row. By default 8 in a new figure, and what makes them largest on given axes.
    ax : matplotlib Axes, optional
        Axes to draw on; pictures and print are made to fit their current size. By default a new figure is made.
    title : str, optional
        By default how many images are misread.

    Returns
    -------
    matplotlib Figure
        Without a picture if no image is misread.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    TypeError
        If `net` is something else, or the images are not of real numbers.
    ValueError
        If the network has not been fitted or does not tell classes apart, images and labels differ in number or there
        are none, training never saw a label, images cannot be taken, or `most` or `columns` is less than 1.

    Examples
    --------
    >>> import numpy as np, portnn
    >>> from portnn.plots import plot_misread
    >>> images = np.stack([np.zeros((4, 4)), np.ones((4, 4))])
    >>> net = portnn.ConvNet(channels=(4,), hidden=(), seed=1)
    >>> net = net.fit(images, ["dark", "bright"], epochs=20, progress=False)
    >>> plot_misread(net, images, ["dark", "dark"]).axes[0].get_title()
    '1 of 2 images misread'
    """
    if not isinstance(net, ConvNet):
        raise TypeError(f"net is {type(net).__name__}, expected a ConvNet")
    if net.targets is not None and net.classes is None:
        raise ValueError(f"a network with the objective {net.objective} does not tell classes apart")
    most = checked_number("most", most, int, positive)
    pixels, given = real_numbers("images", images), as_labels(labels)
    if len(given) == 0 or pixels.ndim < 3 or len(given) != len(pixels):
        raise ValueError(
            f"images has shape {pixels.shape} and labels {given.shape}, expected equal numbers of both above 0"
        )
    log_probabilities = np.asarray(net.predict_log_proba(pixels), dtype=np.float64)
    assert net.classes is not None
    true, read = net.classes.encode(given), np.argmax(log_probabilities, axis=1)
    rows = np.arange(len(pixels))
    wrong = np.flatnonzero(true != read)
    worst = wrong[np.argsort(log_probabilities[wrong, true[wrong]], kind="stable")][:most]
    names = [_cut(str(label)) for label in net.classes.labels]
    shares = 100.0 * np.exp(np.stack([log_probabilities[rows, true], log_probabilities[rows, read]], axis=1))
    captions = [
        f"true {names[true[row]]}: {shares[row, 0]:.0f} %\nread {names[read[row]]}: {shares[row, 1]:.0f} %"
        for row in worst
    ]
    if title is None:
        title = f"{format(len(wrong), ',') if len(wrong) else 'none'} of {len(pixels):,} images misread"
        title += f", the worst {len(worst)}" if len(worst) < len(wrong) else ""
    shown, style = as_pixels(pixels[worst], channels_first=net.settings.channels_first) if len(worst) else (pixels, {})
    sections = [Section("", shown, captions, style)] if len(worst) else []
    return draw_montage(sections, columns=columns, ax=ax, title=title)


def _cut(label: str) -> str:
    return label if len(label) <= LONGEST else label[: LONGEST - 1] + "\u2026"
