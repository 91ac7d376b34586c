"""Colours, markers and line styles, which can be told apart without colour, too."""

from __future__ import annotations

from typing import Any

import numpy as np

BLUE = "#0072B2"
VERMILION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
ORANGE = "#E69F00"
SKY = "#56B4E9"
BLACK = "#000000"
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
"""The palette of Okabe and Ito, safe for colour-blind readers, without its yellow, which is too pale for lines."""

MARKERS = ("o", "^", "s", "D", "v", "P", "X", "<", "p", ">", "h")
LINES = ("-", "--", "-.", ":", (0, (6, 1.5, 1, 1.5, 1, 1.5)))
"""Seven colours, eleven markers and five line styles: coprime numbers, so that combinations repeat late."""

SURFACE = "viridis"
"""Colour map from low to high values, readable in grey and by colour-blind readers."""


def tint(number: int) -> Any:
    """Pale colour (red, green, blue) for the region of a class, slightly darker each time the palette repeats."""
    from matplotlib.colors import to_rgb

    strength = min(0.28 + 0.2 * (number // len(COLOURS)), 0.7)
    return 1.0 - strength * (1.0 - np.asarray(to_rgb(COLOURS[number % len(COLOURS)])))


def point_style(number: int) -> dict[str, Any]:
    """Colour and marker for the points of a class, by its number."""
    return {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}


def line_style(number: int) -> dict[str, Any]:
    """Colour and line style for a curve, by its number."""
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": LINES[number % len(LINES)]}
