"""Plots of training runs and of what models learn. matplotlib is imported only when a plot is drawn.

Each function returns its figure, and a notebook shows the picture where that is the last expression of a cell. Figures
that you give axes of, with `ax`, are your own: pyplot shows those that it made at the end of the cell, so end the line
with a semicolon.
"""

from portnn.plots.confusion import plot_confusion
from portnn.plots.cost_surface import plot_cost_surface
from portnn.plots.decision_boundary import plot_decision_boundary
from portnn.plots.descent import plot_descent
from portnn.plots.feature_maps import plot_feature_maps
from portnn.plots.filters import plot_filters
from portnn.plots.gradient_magnitudes import plot_gradient_magnitudes
from portnn.plots.hidden_projection import plot_hidden_projection
from portnn.plots.images import plot_images
from portnn.plots.loss import plot_loss
from portnn.plots.misread import plot_misread
from portnn.plots.sentence import plot_sentence
from portnn.plots.word_map import plot_words

__all__ = [
    "plot_confusion",
    "plot_cost_surface",
    "plot_decision_boundary",
    "plot_descent",
    "plot_feature_maps",
    "plot_filters",
    "plot_gradient_magnitudes",
    "plot_hidden_projection",
    "plot_images",
    "plot_loss",
    "plot_misread",
    "plot_sentence",
    "plot_words",
]
