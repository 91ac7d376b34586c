"""Small pictures in rows, in sections with headings, on axes of any size. Lengths are in inches."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from portnn.plots.axes import axes_for
from portnn.plots.lettering import drawable, size_of, style_of
from portnn.plots.points import Host
from portnn.settings import checked_number, positive

FONT_SIZES = (9.0, 8.0, 7.0, 6.0, 5.0)
"""The first of these in which captions fit under their pictures, and all pictures into given axes, is used."""

PICTURE = 0.7
"""Least width of a picture in a new figure."""

LEAST = 0.2
"""Least width of a picture in given axes, in which smaller print is tried first."""

COLUMNS, WIDEST = 8, 8.0
"""Largest number of pictures in a row of a new figure, and width that a row is to have at most."""

GAP = 0.12
"""Space between pictures, in widths of a picture."""

LINE = 1.4
"""Height of a line of text, in font sizes."""

APART = 0.6
"""Space between two captions, in font sizes."""

LETTER = 0.55
"""Width of a letter of a heading, in font sizes; most are narrower."""


class Section(NamedTuple):
    """Pictures under one heading.

    Attributes
    ----------
    heading : str
        May be empty.
    pixels : array (n, height, width) or (n, height, width, 3)
    captions : list of n str
        May have several lines.
    style : dict
        Of ``imshow``: colour map and limits.
    """

    heading: str
    pixels: Host
    captions: list[str]
    style: dict[str, Any]


class _Page(NamedTuple):
    """Pictures in a row, the width of one, the size of the print in points, and the width and height of it all."""

    columns: int
    picture: float
    size: float
    width: float
    height: float


def draw_montage(sections: Sequence[Section], *, columns: int | None = None, ax: Any = None, title: str = "") -> Any:
    """Draw sections one below the other, with pictures of one width; returns the figure, blank without any.

    A new figure is as large as its pictures need. On given axes, pictures are as large as possible, in rows of any
    length if `columns` does not say otherwise, and print is smaller where captions would not fit.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    ValueError
        If `columns` is less than 1.
    """
    columns = None if columns is None else checked_number("columns", columns, int, positive)
    own = ax is None
    ax = axes_for(ax, size=(6.4, 6.4) if sections else (3.2, 0.6))
    sections = [section._replace(captions=[*map(_drawable, section.captions)]) for section in sections]
    lines = {line for section in sections for caption in section.captions for line in caption.split("\n")}
    style = style_of([*lines, title])
    ax.set_axis_off()
    ax.set_title(title, **style)
    if not sections:
        return ax.figure
    widths = [size_of(ax, line, {"fontsize": FONT_SIZES[0], **style})[0] / ax.figure.dpi for line in lines]
    longest = max(widths, default=0.0) / FONT_SIZES[0] + APART / 72.0
    page = (_new_page if own else _page)(ax, sections, columns, longest)
    top = 0.0
    for section in sections:
        top = _draw(ax, section, page, top, style)
    ax.set(xlim=(0.0, page.width), ylim=(max(page.height, top), 0.0), aspect="equal", anchor="N")
    return ax.figure


def _drawable(caption: str) -> str:
    return "\n".join(map(drawable, caption.split("\n")))


def _new_page(ax: Any, sections: list[Section], columns: int | None, longest: float) -> _Page:
    """Page of a new figure, whose size follows from the pictures and captions; `longest` is the width per point."""
    most = max(len(section.pixels) for section in sections)
    size = FONT_SIZES[0]
    picture = max(PICTURE, longest * size / (1.0 + GAP))
    columns = min(columns or min(COLUMNS, max(int(WIDEST / picture / (1.0 + GAP)), 1)), most)
    heading = ax.title.get_window_extent().width / ax.figure.dpi
    width = max(picture * (columns * (1.0 + GAP) - GAP), heading, 3.0)
    height = _height(sections, columns, picture, size, width)
    ax.figure.set_size_inches(width + 0.1, height + (0.4 if ax.get_title() else 0.1))
    return _Page(columns, picture, size, width, height)


def _page(ax: Any, sections: list[Section], columns: int | None, longest: float) -> _Page:
    """Page with the largest pictures for the current size of some axes, if possible with captions that fit."""
    ax.figure.draw_without_rendering()
    title, wide = ax.get_title(), ax.title.get_window_extent().width
    if wide > ax.bbox.width:
        ax.set_title(textwrap.fill(title, max(int(len(title) * ax.bbox.width / wide), 8)))
        ax.figure.draw_without_rendering()
    width, height = ax.bbox.size / ax.figure.dpi
    most = max(len(section.pixels) for section in sections)
    pages: list[_Page] = []
    for size in FONT_SIZES:
        for count in range(1, most + 1) if columns is None else (min(columns, most),):
            text = _height(sections, count, 0.0, size, width)
            shape = _height(sections, count, 1.0, size, width) - text
            picture = max(min(width / (count * (1.0 + GAP) - GAP), (height - text) / shape), 0.02)
            pages.append(_Page(count, picture, size, width, height))
        fitting = [page for page in pages if page.picture >= max(LEAST, longest * page.size / (1.0 + GAP))]
        if fitting:
            return max(fitting, key=lambda page: page.picture)
    return max(pages, key=lambda page: (page.picture / max(LEAST, longest * page.size / (1.0 + GAP)), page.picture))


def _height(sections: list[Section], columns: int, picture: float, size: float, width: float) -> float:
    return sum(
        _text_height(_wrapped(section.heading, size, width), size)
        + -(-len(section.pixels) // columns) * _row_height(section, picture, size)
        for section in sections
    )


def _row_height(section: Section, picture: float, size: float) -> float:
    """Height of a row of pictures with their captions and the space below."""
    shape: float = section.pixels.shape[1] / section.pixels.shape[2]
    return picture * (shape + GAP) + max((_text_height(caption, size) for caption in section.captions), default=0.0)


def _text_height(text: str, size: float) -> float:
    return (text.count("\n") + 1) * LINE * size / 72.0 if text else 0.0


def _wrapped(heading: str, size: float, width: float) -> str:
    return textwrap.fill(heading, max(int(width * 72.0 / (LETTER * size)), 8))


def _draw(ax: Any, section: Section, page: _Page, top: float, style: dict[str, Any]) -> float:
    """Draw a section from `top` down; returns where the next one starts."""
    step, picture = page.picture * (1.0 + GAP), page.picture
    left = (page.width - page.columns * step + GAP * picture) / 2.0
    heading = _wrapped(section.heading, page.size, page.width)
    if heading:
        ax.text(max(left, 0.0), top, heading, ha="left", va="top", fontsize=page.size, color="0.3", **style)
        top += _text_height(heading, page.size)
    tall, row = picture * section.pixels.shape[1] / section.pixels.shape[2], _row_height(section, picture, page.size)
    for number, pixels in enumerate(section.pixels):
        x, y = left + number % page.columns * step, top + number // page.columns * row
        ax.imshow(pixels, interpolation="nearest", extent=(x, x + picture, y + tall, y), **section.style)
        if section.captions:
            place = (x + picture / 2.0, y + tall + 0.02 * page.size / FONT_SIZES[0])
            caption = section.captions[number]
            ax.text(*place, caption, ha="center", va="top", fontsize=page.size, linespacing=1.1, **style)
    return top + -(-len(section.pixels) // page.columns) * row


def diverging(values: Host) -> tuple[dict[str, Any], str]:
    """Style of pictures whose values lie on both sides of 0, on one scale, and what it says in words."""
    largest = float(np.max(np.abs(values)))
    limit = largest or 1.0
    return {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}, f"{-largest:.2g} (blue), 0 (white), {largest:.2g} (red)"


def as_pixels(images: Host, *, channels_first: bool = False) -> tuple[Host, dict[str, Any]]:
    """Images as they are drawn, with their style.

    Parameters
    ----------
    images : array (n, height, width), (n, height, width, channels) or (n, channels, height, width)
    channels_first : bool

    Returns
    -------
    pixels : array (n, height, width) or (n, height, width, 3), float64
        Three channels are red, green and blue; of any other number the mean.
    style : dict
        Of ``imshow``. The lowest grey value of all is black, the highest white.
    """
    pixels = images.astype(np.float64)
    if pixels.ndim == 4 and channels_first:
        pixels = np.moveaxis(pixels, 1, 3)
    if pixels.ndim == 4 and pixels.shape[3] != 3:
        pixels = pixels.mean(axis=3)
    low, high = float(pixels.min()), float(pixels.max())
    if pixels.ndim == 3:
        return pixels, {"cmap": "gray", "vmin": low, "vmax": high}
    if images.dtype.kind in "iu":
        pixels = pixels / 255.0
    elif low < 0.0 or high > 1.0:
        pixels = (pixels - low) / (high - low or 1.0)
    return pixels, {}
