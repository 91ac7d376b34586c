"""IPython's own formatters, and the figure that plots are drawn on."""

from __future__ import annotations

from IPython.core.formatters import PNGFormatter, SVGFormatter
from matplotlib.figure import Figure

from portnn.plots import plot_loss


def test_a_formatter_for_figures_takes_the_place_of_the_figures_own_picture() -> None:
    png, svg = PNGFormatter(), SVGFormatter()
    figure = plot_loss([3.0, 2.0, 1.0])
    assert png(figure).startswith(b"\x89PNG\r\n\x1a\n")
    png.for_type(Figure, lambda figure: b"in the format of the user")
    assert png(figure) == b"in the format of the user"
    assert svg(figure) is None
