"""A sentence word by word: how the probability of its label moves, and each word's part in the answer."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from portnn.estimators import Explanation
from portnn.plots.axes import axes_for
from portnn.plots.lettering import drawable, size_of, style_of
from portnn.plots.palette import BLUE, COLOURS, LINES, VERMILION
from portnn.plots.points import Host

MOST = 500
"""Number of words that can be drawn."""

OTHERS = 4
"""Number of other labels whose probabilities are drawn."""

LONGEST = 24
"""Letters of a label or word, of which the rest is left out."""

FONT_SIZES = (10.0, 9.0, 8.0, 7.0, 6.0, 5.0)
"""The first of these in which all rows fit into given axes is used."""

GAP, WORDS, BELOW = 0.9, 2.1, 1.9
"""Space between two words, height of a row's words, and space below a row, in font sizes."""

PANELS, LEAST = 9.5, 5.0
"""Height of a row's two panels in a new figure, and the least in given axes, in font sizes."""

BAR = 0.8
"""Width of a bar, and the least of a word, in font sizes."""

LINE_SHARE = 0.6
"""Share of the probabilities in the height of both panels."""

NARROWEST, WIDEST = 5.0, 8.0
"""Limits of the width of a new figure, in inches."""

BESIDE = 1.0
"""Width of what stands beside the rows of a new figure, in inches."""


def plot_sentence(explanation: Explanation, *, ax: Any = None, title: str | None = None) -> Any:
    """Draw the probability of a label after each word of a text, and below each word its part in the answer.

    The text is set in as many rows as it needs. Above the words, a line shows the probability of the explained label as
    the model sees it when it has read up to there. If there are more than two labels, or a text can have several, those
    of up to four others are added, the most probable ones. Below the words, bars show their contributions to the logit
    of the label: upwards for it, downwards against it. Words that the model does not know have a dashed frame.

    Parameters
    ----------
    explanation : Explanation
        What `TextClassifier.explain` returns, for up to 500 words.
    ax : matplotlib Axes, optional
        Axes to draw on; rows and print are made to fit their current size. By default a new figure is made.
    title : str, optional
        By default the label and its probability after the last word.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    TypeError
        If `explanation` is something else.
    ValueError
        If the text has too many words.

    Examples
    --------
    >>> import numpy as np
    >>> from portnn.estimators import Explanation
    >>> from portnn.plots import plot_sentence
    >>> probabilities = np.asarray([[0.4, 0.6], [0.9, 0.1]])
    >>> parts = np.asarray([1.5, -0.3])
    >>> figure = plot_sentence(Explanation(("not", "good"), (True, True), "-", parts, ["-", "+"], probabilities))
    >>> figure.axes[0].get_title()
    '-: probability 0.90'
    >>> above, below = figure.axes[0].child_axes
    >>> above.lines[0].get_ydata().tolist(), [float(bar.get_height()) for bar in below.patches]
    ([0.4, 0.9], [1.5, -0.3])
    """
    if not isinstance(explanation, Explanation):
        raise TypeError(f"explanation is {type(explanation).__name__}, expected what TextClassifier.explain returns")
    words = [_shown(token) for token in explanation.tokens]
    if len(words) > MOST:
        raise ValueError(f"the text has {len(words):,} words, but at most {MOST} can be drawn; explain a part of it")
    own = ax is None
    ax = axes_for(ax, size=(WIDEST, WIDEST))
    curves = _curves(explanation)
    if title is None:
        title = f"{_name(explanation.label)}: probability {explanation.probabilities[-1, curves[0]]:.2f}"
    style = style_of([*words, *map(_name, explanation.labels), title])
    ax.set_axis_off()
    ax.set_title(title, **style)
    pixels = [size_of(ax, word, {"fontsize": FONT_SIZES[0], **style})[0] for word in words]
    ems = np.asarray(pixels) * 72.0 / ax.figure.dpi / FONT_SIZES[0]
    page = _page(ax, explanation, curves, np.maximum(ems, BAR) + GAP, style, new=own)
    for place, row in enumerate(page.rows):
        above, below = _panels(ax, explanation, page, place)
        ends = np.cumsum(page.slots[row])
        centres = ends - 0.5 * page.slots[row]
        _draw_probabilities(above, explanation.probabilities[:, curves], row, centres, ends[-1])
        parts = explanation.contributions[row]
        below.bar(centres, parts, BAR, color=np.where(parts >= 0.0, BLUE, VERMILION))
        for number, centre in zip(range(row.start, row.stop), centres, strict=True):
            _write(above, words[number], centre, page, style, known=explanation.known[number])
    return ax.figure


def _shown(token: str) -> str:
    """A token as it is drawn: white space is visible."""
    word = drawable(token) if token.strip() else drawable(token).replace(" ", "\u2423") or "(no words)"
    return _cut(word)


def _name(label: Any) -> str:
    return _cut(drawable(str(label)))


def _cut(word: str) -> str:
    return word if len(word) <= LONGEST else word[: LONGEST - 1] + "\u2026"


def _curves(explanation: Explanation) -> list[int]:
    """Columns of the probabilities to draw: the explained label first, then the most probable others."""
    number = explanation.labels.index(explanation.label)
    highest = np.max(explanation.probabilities, axis=0)
    others = [int(other) for other in np.argsort(-highest, kind="stable") if other != number]
    sums = np.sum(explanation.probabilities, axis=1)
    complementary = len(others) == 1 and bool(np.allclose(sums, 1.0, atol=1e-3))
    return [number] + ([] if complementary else others[:OTHERS])


class _Page(NamedTuple):
    """Words of each row and the width of each word's slot, size of the print in points, and width and height of a row.

    Widths and heights are in font sizes.
    """

    rows: list[slice]
    slots: Host
    size: float
    width: float
    height: float


def _page(
    ax: Any, explanation: Explanation, curves: list[int], slots: Host, style: dict[str, Any], *, new: bool
) -> _Page:
    """Set words in rows; the size of a new figure follows from them."""
    figure = ax.figure
    if new:
        across = float(np.sum(slots)) * FONT_SIZES[0] / 72.0 + BESIDE
        figure.set_figwidth(float(np.clip(across, NARROWEST, WIDEST)))
    # One row stands for all: what is beside it decides how much room is left.
    draft = _panels(ax, explanation, _Page([slice(0, 1)], slots, FONT_SIZES[0], 1.0, 3.0 * PANELS), 0)
    figure.draw_without_rendering()
    legend = _draw_legend(ax, explanation, curves, style)
    figure.draw_without_rendering()
    points = ax.bbox.size * 72.0 / figure.dpi
    for size in FONT_SIZES:
        rows = _rows(slots, points[0] / size)
        if new or len(rows) * (LEAST + WORDS + BELOW) * size <= points[1]:
            break
    if new:
        texts = sum(artist.get_window_extent().height for artist in (legend, ax.title)) / figure.dpi
        figure.set_figheight(texts + 0.4 + len(rows) * (PANELS + WORDS + BELOW) * size / 72.0)
        figure.draw_without_rendering()
    for panel in draft:
        panel.remove()
    width, height = ax.bbox.size * 72.0 / figure.dpi / size
    if len(rows) == 1:  # a short text is spread over the width
        slots = slots + (width - np.sum(slots)) / len(slots)
    return _Page(rows, slots, size, width, height / len(rows))


def _rows(widths: Host, limit: float) -> list[slice]:
    """Fill each row with as many words as its width allows, but at least one."""
    starts, filled = [0], 0.0
    for number, width in enumerate(widths):
        if filled + width > limit and number > starts[-1]:
            starts.append(number)
            filled = 0.0
        filled += width
    return [slice(*ends) for ends in itertools.pairwise([*starts, len(widths)])]


def _panels(ax: Any, explanation: Explanation, page: _Page, place: int) -> tuple[Any, Any]:
    """Axes of a row, for probabilities above the words and for their parts below."""
    from matplotlib.ticker import MaxNLocator

    panels = max(page.height - WORDS - BELOW, 0.3 * page.height)
    top, share = 1.0 - place / len(page.rows), 1.0 / page.height / len(page.rows)
    middle = top - LINE_SHARE * panels * share
    bottom = top - (page.height - BELOW) * share
    height = (1.0 - LINE_SHARE) * panels * share
    above, below = ax.inset_axes((0.0, middle, 1.0, top - middle)), ax.inset_axes((0.0, bottom, 1.0, height))
    small = 0.8 * page.size
    for panel, label in ((above, "probability"), (below, "part in\nlogit")):
        panel.set(xlim=(0.0, page.width), xticks=[])
        panel.spines[["top", "right", "bottom"]].set_visible(False)
        panel.tick_params(labelsize=small, length=2.5)
        panel.grid(axis="y", alpha=0.25)
        panel.patch.set_visible(False)
        if place == 0:
            panel.set_ylabel(label, fontsize=small)
    above.set_ylim(-0.04, 1.04)
    above.set_yticks([0.0, 0.5, 1.0], ["0", "", "1"])
    below.set_ylim(*_part_range(explanation.contributions))
    below.yaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10]))
    below.axhline(0.0, color="0.3", lw=0.8)
    return above, below


def _part_range(parts: Host) -> tuple[float, float]:
    low, high = min(0.0, float(np.min(parts))), max(0.0, float(np.max(parts)))
    padding = 0.08 * (high - low) or 1.0
    return low - padding, high + padding


def _style(place: int) -> dict[str, Any]:
    """Style of a curve: the explained label's stands out."""
    if place == 0:
        return {"color": BLUE, "lw": 1.8, "zorder": 3.0, "clip_on": False}
    return {"color": COLOURS[place + 1], "linestyle": LINES[place], "lw": 1.2}


def _draw_probabilities(above: Any, probabilities: Host, row: slice, centres: Host, end: float) -> None:
    """Draw curves (words, n) in a row; they run on to the next and come from the one before."""
    for place, curve in enumerate(probabilities.T):
        own, style = curve[row], _style(place)
        above.plot(centres, own, **style, **({"marker": "o", "ms": 3.5} if place == 0 else {}))
        if row.start > 0:
            above.plot([0.0, centres[0]], [(curve[row.start - 1] + own[0]) / 2.0, own[0]], **style)
        if row.stop < len(curve):
            above.plot([centres[-1], end], [own[-1], (curve[row.stop] + own[-1]) / 2.0], **style)


def _write(above: Any, word: str, centre: float, page: _Page, style: dict[str, Any], *, known: bool) -> None:
    """Write a word below the axes of the probabilities, with a frame if it is unknown."""
    frame = None if known else {"boxstyle": "round,pad=0.18", "fc": "none", "ec": "0.35", "ls": "--", "lw": 0.8}
    above.annotate(
        word,
        (centre, 0.0),
        (0.0, -(0.5 * WORDS + 0.35) * page.size),
        xycoords=above.get_xaxis_transform(),
        textcoords="offset points",
        ha="center",
        va="baseline",
        fontsize=page.size,
        bbox=frame,
        annotation_clip=False,
        in_layout=False,
        **style,
    )


def _draw_legend(ax: Any, explanation: Explanation, curves: list[int], style: dict[str, Any]) -> Any:
    """Legend below the rows, in as many columns as there is room for."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    names = [_name(explanation.labels[number]) for number in curves]
    handles: list[Any] = [
        Line2D([], [], label=f"{'' if place else 'probability '}of {name}", **_style(place))
        for place, name in enumerate(names)
    ]
    if np.any(explanation.contributions >= 0.0):
        handles.append(Patch(color=BLUE, label=f"for {names[0]}"))
    if np.any(explanation.contributions < 0.0):
        handles.append(Patch(color=VERMILION, label=f"against {names[0]}"))
    if not all(explanation.known):
        handles.append(Patch(fc="none", ec="0.35", ls="--", label="unknown word"))
    for columns in range(len(handles), 0, -1):
        legend = ax.legend(
            handles=handles,
            ncols=columns,
            frameon=False,
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            borderaxespad=0.0,
            prop={"family": style["family"], "size": 9.0},
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
        if legend.get_window_extent().width <= ax.bbox.width:
            break
    return legend
