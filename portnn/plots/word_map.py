"""Words as points in the plane of their two principal axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from portnn.backends import real_numbers
from portnn.plots.axes import axes_for
from portnn.plots.labels import place_labels
from portnn.plots.lettering import drawable, size_of, style_of
from portnn.plots.palette import BLUE
from portnn.plots.points import Host
from portnn.settings import brief

FREQUENT = 30
"""Number of words shown by default."""

DOT = 4.0
"""Diameter of a point, in typographic points."""

FONT_SIZES = (10.0, 9.0, 8.0, 7.0, 6.0, 5.0)
"""The first of these in which every label fits near its point is used."""

LINE = {"arrowstyle": "-", "color": "0.5", "lw": 0.5, "shrinkA": 1.0, "shrinkB": DOT / 2, "patchA": None}
"""Style of the line from a label to its point."""

CORNER = {"textcoords": "offset points", "ha": "left", "va": "bottom"}
"""A label is placed by its lower left corner, relative to its point."""

NEAR = 4.5
"""Maximum distance from a point to its label, in font sizes."""


def plot_words(vectors: Any, words: Sequence[str] | None = None, *, ax: Any = None, title: str | None = None) -> Any:
    """Draw words on the two principal axes of their vectors, as points with labels.

    Both axes have the same scale, so distances on the map are distances along these two axes. Differences along all
    other axes do not show; the axis labels give the share of the variance that does. Labels are placed for the current
    size of the figure: a line connects a distant label to its point, and if not all labels fit even in small print, the
    title says how many do.

    Parameters
    ----------
    vectors : KeyedVectors
        Or another object with `vectors[word]`, an array (d,) of any array library, `word in vectors`, and
        `index_to_key`, all words in descending order of frequency.
    words : sequence of str, optional
        Words to show, each drawn once. By default the 30 most frequent ones.
    ax : matplotlib Axes, optional
        Axes to draw on. By default a new figure is made, whose size depends on the number of words.
    title : str, optional

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    ValueError
        If `words` is empty, or a word has no vector or one that is not finite.

    Examples
    --------
    >>> from portnn.plots import plot_words
    >>> class Vectors(dict):
    ...     index_to_key = ("the", "film", "movie")
    >>> vectors = Vectors(the=[0.0, 0.1, 0.9], film=[1.0, 0.8, 0.1], movie=[0.9, 0.9, 0.1])
    >>> figure = plot_words(vectors)
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['the', 'film', 'movie']
    >>> figure.axes[0].get_xlabel()
    'principal axis 1 [99% of variance]'
    """
    shown = _checked_words(vectors, words)
    points, shares = principal_axes(_rows(vectors, shown))
    across = max(6.8, 0.9 * len(shown) ** 0.5)  # inches
    spans = np.ptp(points, axis=0)
    ax = axes_for(ax, size=(across, across * float(np.clip(spans[1] / (spans[0] or 1.0), 0.6, 0.95))))
    ax.scatter(*points.T, s=DOT**2, color=BLUE, linewidths=0.0, zorder=3)
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.08)
    for number, axis in enumerate("xy"):
        ax.set(**{f"{axis}label": f"principal axis {number + 1} [{shares[number]:.0%} of variance]"})
    ax.set_title(title or "")
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    words = [drawable(word) for word in shown]
    labels = _draw_labels(ax, points, words)
    if len(labels) < len(shown):
        # The title takes space itself, so the labels are placed again below it.
        for label in labels:
            label.remove()
        ax.set_title("\n".join(filter(None, [title, "?"])))
        labels = _draw_labels(ax, points, words)
        ax.set_title("\n".join(filter(None, [title, f"{len(labels)} of {len(shown)} labels fit"])))
    return ax.figure


def principal_axes(rows: Host) -> tuple[Host, Host]:
    """Rows (n, d) on the two axes of largest variance, (n, 2), and the share of the variance that each holds, (2,).

    The sign of an axis is arbitrary. Here its largest component is positive; of several that are equal up to rounding,
    the first one.
    """
    centred = rows - np.mean(rows, axis=0)
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    # Equal rows, or rows on one line, have directions that stem from rounding alone.
    spread[spread <= 8.0 * np.finfo(np.float64).eps * np.linalg.norm(rows)] = 0.0
    points, shares = np.zeros((len(rows), 2)), np.zeros(2)
    for number in range(min(2, int(np.count_nonzero(spread)))):
        size = np.abs(axes[number])
        sign = np.sign(axes[number, np.argmax(size >= (1.0 - 1e-6) * np.max(size))])
        points[:, number] = sign * (centred @ axes[number])
        shares[number] = np.square(spread[number] / np.linalg.norm(spread))
    return points, shares


def _checked_words(vectors: Any, words: Sequence[str] | None) -> list[str]:
    if isinstance(words, str):
        raise ValueError(f"words must be a list of words, got the str {brief(words)}")
    shown = list(vectors.index_to_key[:FREQUENT] if words is None else dict.fromkeys(words))
    if not shown:
        raise ValueError("words has no words to draw")
    unknown = [word for word in shown if word not in vectors]
    if unknown:
        names = ", ".join(map(repr, unknown[:10])) + (", ..." if len(unknown) > 10 else "")
        raise ValueError(f"words has {len(unknown)} without a vector: {names}")
    return shown


def _rows(vectors: Any, words: list[str]) -> Host:
    rows = np.stack([real_numbers("vectors", vectors[word]) for word in words]).astype(np.float64)
    not_finite = np.flatnonzero(~np.all(np.isfinite(rows), axis=1))
    if len(not_finite):
        raise ValueError(f"the vector of {brief(words[not_finite[0]])} contains NaN or infinity")
    return rows


def _draw_labels(ax: Any, points: Host, words: list[str]) -> list[Any]:
    """Label the points in the largest print in which all labels fit; in the smallest, some may be left out."""
    ax.figure.draw_without_rendering()  # runs the layout, which fixes the position of each pixel
    letters = style_of(words)
    pixel = 72.0 / ax.figure.dpi  # in typographic points
    places = ax.transData.transform(points)
    for size in FONT_SIZES:
        style = {"fontsize": size, "in_layout": False, **letters}
        boxes = np.asarray([size_of(ax, word, style) for word in words])
        reach = (NEAR * size if size > FONT_SIZES[-1] else max(ax.bbox.size) * pixel) / pixel
        corners = place_labels(places, boxes, ax.bbox.extents, dot=DOT / 2 / pixel, gap=2.0 / pixel, reach=reach)
        if all(corner is not None for corner in corners):
            break
    labels = []
    for word, point, place, box, corner in zip(words, points, places, boxes, corners, strict=True):
        if corner is None:
            continue
        nearest = np.clip(place, corner, corner + box)
        near = np.max(np.abs(nearest - place)) * pixel <= DOT + 3.0
        line = None if near else {**LINE, "relpos": tuple((nearest - corner) / box)}
        offset = tuple((corner - place) * pixel)
        labels.append(ax.annotate(word, point, xytext=offset, arrowprops=line, **CORNER, **style))
    return labels
