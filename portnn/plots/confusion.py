"""Confusion matrix: predicted against true classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.plots.axes import axes_for
from portnn.plots.lettering import drawable, style_of
from portnn.plots.palette import SURFACE
from portnn.plots.points import Host
from portnn.tables.labels import as_labels


def plot_confusion(
    y_true: Any, y_pred: Any, *, labels: Any = None, ax: Any = None, title: str = "Confusion matrix"
) -> Any:
    """Draw how many rows of each true class were predicted as each class.

    Parameters
    ----------
    y_true, y_pred : array (rows,)
        Class labels, numbers or strings, of any array library.
    labels : array (classes,), optional
        Classes to show, in this order. By default those that occur, sorted.
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
        If both arrays are empty, they differ in length or kind, a label is not among `labels`, or `labels` contains a
        class twice.

    Examples
    --------
    >>> from portnn.plots import plot_confusion
    >>> figure = plot_confusion(["cat", "cat", "dog"], ["cat", "dog", "dog"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1', '1', '0', '1']
    """
    true, predicted = as_labels(y_true), as_labels(y_pred)
    if len(true) == 0 or len(true) != len(predicted):
        raise ValueError(f"y_true has {len(true)} rows and y_pred has {len(predicted)}, expected equal numbers above 0")
    if (true.dtype.kind in "US") != (predicted.dtype.kind in "US"):
        raise ValueError(f"y_true has labels such as {true[0]}, but y_pred has labels such as {predicted[0]}")
    shown = np.unique(np.concatenate([true, predicted])) if labels is None else as_labels(labels)
    counts = _count(true, predicted, shown)
    cell = max(0.42, 2.6 / len(shown))  # inches
    side = 1.4 + cell * len(shown)
    ax = axes_for(ax, size=(side + 1.0, side))
    from matplotlib.ticker import MaxNLocator

    image = ax.imshow(counts, cmap=SURFACE, vmin=0)
    bar = ax.figure.colorbar(image, cax=ax.inset_axes((1.04, 0.0, 0.05, 1.0)), label="rows")
    bar.locator = MaxNLocator(7, integer=True, steps=[1, 2, 5, 10])
    for (row, column), count in np.ndenumerate(counts):
        dark = _luminance(image.cmap(image.norm(count))) < 0.18
        ax.text(column, row, str(count), ha="center", va="center", color="white" if dark else "black", fontsize=9)
    names = [drawable(str(label)) for label in shown]
    style = style_of(names)
    angle = 45 if 0.09 * max(map(len, names)) > cell else 0
    turned = {"rotation": angle, "ha": "right" if angle else "center", "rotation_mode": "anchor"}
    ax.set_xticks(range(len(names)), names, **turned, **style)
    ax.set_yticks(range(len(names)), names, **style)
    ax.set(xlabel="predicted class", ylabel="true class", title=title)
    return ax.figure


def _count(true: Host, predicted: Host, labels: Host) -> Host:
    """Rows of each true class (rows) and predicted class (columns)."""
    order = np.argsort(labels)
    if len(np.unique(labels)) < len(labels):
        raise ValueError("labels contains a class twice")
    ids = []
    for name, given in (("y_true", true), ("y_pred", predicted)):
        unknown = given[~np.isin(given, labels)]
        if len(unknown):
            raise ValueError(f"{name} has labels that are not among labels: {unknown[0]}")
        ids.append(order[np.searchsorted(labels, given, sorter=order)])
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(counts, tuple(ids), 1)
    return counts


def _luminance(colour: Any) -> float:
    """Luminance of a colour (red, green, blue, alpha), from 0 to 1; at 0.18 black and white contrast equally."""
    return float(np.dot(np.power(colour[:3], 2.2), (0.2126, 0.7152, 0.0722)))
