"""Words as points on a map, by the two axes along which their vectors differ most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from portnn.plots.axes import axes_for
from portnn.plots.labels import place_labels
from portnn.plots.palette import BLUE
from portnn.plots.points import Host, on_host

FREQUENT = 30
"""Words that are shown when none are named."""

DOT = 4.0
"""Diameter of a point, in typographic points."""

FONT_SIZES = (10.0, 9.0, 8.0, 7.0, 6.0, 5.0)
"""The largest of these in which every label finds room near its point is taken."""

NEAR = 4.5
"""How far that is, in font sizes."""


def plot_words(vectors: Any, words: Sequence[str] | None = None, *, ax: Any = None, title: str | None = None) -> Any:
    """Draw words on the two principal axes of their vectors, a point and a label a word.

    A unit is as long on one axis as on the other, so near on the map is near along these two axes; what the words
    differ in along all others is not seen, and the labels of the axes say how much that is. Labels are placed for the
    size that the figure has: where one had to go far a line leads to its point, and where the axes are too small for
    all even in small print, the title says how many have room.

    Parameters
    ----------
    vectors : KeyedVectors
        Or another object with `vectors[word]`, an array (d,) of any array library, `word in vectors`, and
        `index_to_key`, all words by falling frequency.
    words : sequence of str, optional
        Words to show; without it the 30 most frequent. One given twice is drawn once.
    ax : matplotlib Axes, optional
        Where to draw; without it a new figure is made, larger for more words.
    title : str, optional

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    ValueError
        If there is no word, one that has no vector, or a vector that is not finite.

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
    labels = _draw_labels(ax, points, shown)
    if len(labels) < len(shown):
        # What says so needs room itself, so they are placed anew below it.
        for label in labels:
            label.remove()
        ax.set_title("\n".join(filter(None, [title, "?"])))
        labels = _draw_labels(ax, points, shown)
        ax.set_title("\n".join(filter(None, [title, f"{len(labels)} of {len(shown)} labels have room"])))
    return ax.figure


def principal_axes(rows: Host) -> tuple[Host, Host]:
    """Rows (n, d) on the two axes of largest variance, (n, 2), and the share of the variance that each holds, (2,).

    An axis may point either way. Here its largest component is above zero, and of several as large the first, so that
    rounding does not decide.
    """
    centred = rows - np.mean(rows, axis=0)
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    # What rounding alone makes of rows that are equal, or on one line, is no direction.
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
        raise ValueError(f"words must be a list of words, got the str {words!r}")
    shown = list(vectors.index_to_key[:FREQUENT] if words is None else dict.fromkeys(words))
    if not shown:
        raise ValueError("words has no word to draw")
    unknown = [word for word in shown if word not in vectors]
    if unknown:
        names = ", ".join(map(repr, unknown[:10])) + (", ..." if len(unknown) > 10 else "")
        raise ValueError(f"words has {len(unknown)} that have no vector: {names}")
    return shown


def _rows(vectors: Any, words: list[str]) -> Host:
    rows = np.stack([on_host(vectors[word]) for word in words]).astype(np.float64)
    broken = np.flatnonzero(~np.all(np.isfinite(rows), axis=1))
    if len(broken):
        raise ValueError(f"the vector of {words[broken[0]]!r} contains NaN or infinity")
    return rows


def _draw_labels(ax: Any, points: Host, words: list[str]) -> list[Any]:
    """Label the points, in the largest print that has room for all near by; in the smallest some may have none."""
    ax.figure.draw_without_rendering()  # now the layout is done, and pixels are where they will be
    pixel = 72.0 / ax.figure.dpi  # in typographic points
    places = ax.transData.transform(points)
    for size in FONT_SIZES:
        style = {"fontsize": size, "parse_math": False, "in_layout": False}
        boxes = np.asarray([_size(ax, word, style) for word in words])
        reach = (NEAR * size if size > FONT_SIZES[-1] else max(ax.bbox.size) * pixel) / pixel
        found = place_labels(places, boxes, ax.bbox.extents, dot=DOT / 2 / pixel, gap=2.0 / pixel, reach=reach)
        if all(corner is not None for corner in found):
            break
    labels = []
    for word, point, place, box, corner in zip(words, points, places, boxes, found, strict=True):
        if corner is None:
            continue
        nearest = np.clip(place, corner, corner + box)
        line = {"arrowstyle": "-", "color": "0.5", "lw": 0.5, "shrinkA": 1.0, "shrinkB": DOT / 2, "patchA": None,
                "relpos": tuple((nearest - corner) / box)}  # fmt: skip
        label = ax.annotate(
            word, point, xytext=tuple((corner - place) * pixel), textcoords="offset points", ha="left", va="bottom",
            arrowprops=line if np.max(np.abs(nearest - place)) * pixel > DOT + 3.0 else None, **style,
        )  # fmt: skip
        labels.append(label)
    return labels


def _size(ax: Any, word: str, style: dict[str, Any]) -> Host:
    text = ax.text(0.0, 0.0, word, **style)
    size = text.get_window_extent().size
    text.remove()
    return np.asarray(size)
