from __future__ import annotations

import numpy as np
import pytest

from portnn.plots import plot_gradient_magnitudes


@pytest.mark.host
def test_one_curve_per_layer_on_a_logarithmic_scale() -> None:
    curves = {"layer 1": [1e-3, 1e-4, 1e-5], "layer 2": [1.0, 0.5, 0.2]}
    figure = plot_gradient_magnitudes([10, 20, 30], curves, title="Vanishing")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    first, second = axes.get_lines()
    assert first.get_xydata().tolist() == [[10, 1e-3], [20, 1e-4], [30, 1e-5]]
    assert (first.get_color(), first.get_linestyle()) != (second.get_color(), second.get_linestyle())
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["layer 1", "layer 2"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("training step", "mean absolute gradient")
    assert (axes.get_yscale(), axes.get_title()) == ("log", "Vanishing")


@pytest.mark.host
def test_a_layer_that_gets_no_gradient_is_named() -> None:
    figure = plot_gradient_magnitudes([1, 2], {"dead": [0.0, 0.0], "half": [0.0, 0.1]})
    figure.draw_without_rendering()
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["dead (always 0)", "half"]
    assert figure.axes[0].get_ylim()[0] > 1e-3


def test_magnitudes_of_any_library(place) -> None:
    (line,) = plot_gradient_magnitudes(place([1, 2]), {"a": place([0.5, 0.25])}).axes[0].get_lines()
    assert line.get_xydata().tolist() == [[1, 0.5], [2, 0.25]]


@pytest.mark.host
def test_given_axes() -> None:
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert plot_gradient_magnitudes([1], {"a": [1.0]}, ax=ax) is ax.figure
    assert ax.get_lines()


@pytest.mark.host
@pytest.mark.parametrize(
    ("steps", "magnitudes", "message"),
    [
        ([], {"a": []}, r"steps has shape \(0,\), expected \(n,\) with at least one step"),
        ([1, 2], {}, "magnitudes has no curve"),
        ([1, 2], {"a": [1.0]}, r"magnitudes\['a'\] has shape \(1,\), but steps has \(2,\)"),
        ([1, 2], {"a": [1.0, -1.0]}, r"magnitudes\['a'\] has values below zero"),
        ([1, 2], {"a": np.zeros(2)}, "no values above zero"),
    ],
)
def test_invalid_arguments_raise(steps, magnitudes, message) -> None:
    with pytest.raises(ValueError, match=message):
        plot_gradient_magnitudes(steps, magnitudes)
