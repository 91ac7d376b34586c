"""Colours, markers and line styles: what is told apart is told apart without colour, too."""

from __future__ import annotations

from typing import Any

import numpy as np

BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip
"""The palette by Okabe and Ito, which colour-blind people can tell apart, without its yellow: too pale for lines."""

COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "<", "p", ">", "h")
LINES = ("-", "--", "-.", ":", (0, (6, 1.5, 1, 1.5, 1, 1.5)))
"""Seven, eleven and five: as none is a multiple of another, pairs repeat late."""

SURFACE = "viridis"
"""Colour map of what is low and high: as readable in grey and to the colour-blind."""


def tint(number: int) -> Any:
    """Pale colour (red, green, blue) of the region of a class; where the palette starts again, a little darker."""
    from matplotlib.colors import to_rgb

    strength = min(0.28 + 0.2 * (number // len(COLOURS)), 0.7)
    return 1.0 - strength * (1.0 - np.asarray(to_rgb(COLOURS[number % len(COLOURS)])))


def point_style(number: int) -> dict[str, Any]:
    """Colour and marker of the points of a class, by its number."""
    return {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}


def line_style(number: int) -> dict[str, Any]:
    """Colour and line style of a curve, by its number."""
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": LINES[number % len(LINES)]}
