from __future__ import annotations

import numpy as np
import pytest

from portnn.plots import plot_cost_surface


def bowl(a, b):
    assert a.ndim == 1
    assert a.shape == b.shape
    return (a - 1.0) ** 2 + 10.0 * b**2 + 0.01


def filled(figure) -> tuple[np.ndarray, np.ndarray]:
    """Levels of the contours, and the centre of the lowest filled contour."""
    (contours,) = figure.axes[0].collections
    lowest = next(path for path in contours.get_paths() if len(path.vertices))
    return contours.levels, (lowest.vertices.min(axis=0) + lowest.vertices.max(axis=0)) / 2.0


@pytest.mark.host
@pytest.mark.parametrize("log", [False, True])
def test_the_lowest_contour_lies_around_the_minimum(log) -> None:
    figure = plot_cost_surface(bowl, (-1.0, 3.0), (-2.0, 2.0), log=log, names=("slope", "offset"))
    levels, lowest = filled(figure)
    assert np.allclose(lowest, [1.0, 0.0], atol=0.05)
    assert levels[0] <= 0.0101
    assert levels[-1] >= 44.0
    assert np.allclose(np.diff(np.log(levels) if log else levels, n=2), 0.0, atol=1e-6)
    axes, bar = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel(), bar.get_ylabel()) == ("slope", "offset", "cost")
    assert axes.get_xlim() == (-1.0, 3.0)


@pytest.mark.host
@pytest.mark.parametrize("log", [False, True])
def test_a_constant_cost(log) -> None:
    plot_cost_surface(lambda a, b: 0.0 * a + 2.0, (0.0, 1.0), (0.0, 1.0), log=log).draw_without_rendering()


@pytest.mark.host
def test_where_a_cost_is_not_finite_nothing_is_drawn() -> None:
    with np.errstate(invalid="ignore", divide="ignore"):
        figure = plot_cost_surface(lambda a, b: np.log(a) ** 2, (-1.0, 1.0), (0.0, 1.0))
    figure.draw_without_rendering()
    (contours,) = figure.axes[0].collections
    assert min(path.vertices[:, 0].min() for path in contours.get_paths() if len(path.vertices)) > 0.0


@pytest.mark.host
def test_a_function_of_scalars() -> None:
    plot_cost_surface(np.vectorize(lambda a, b: max(a, b)), (0.0, 1.0), (0.0, 1.0), resolution=5)


def test_costs_of_any_library(place) -> None:
    assert np.allclose(filled(plot_cost_surface(lambda a, b: place(bowl(a, b)), (-1.0, 3.0), (-2.0, 2.0)))[1], [1, 0])


@pytest.mark.host
def test_given_axes() -> None:
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert plot_cost_surface(bowl, (0, 1), (0, 1), ax=ax, title="Mine") is ax.figure
    assert ax.get_title() == "Mine"


@pytest.mark.host
@pytest.mark.parametrize(
    ("cost", "x_range", "options", "message"),
    [
        (bowl, (1.0, 1.0), {}, r"x_range must be \(lowest, highest\), got \(1.0, 1.0\)"),
        (bowl, (0.0, np.inf), {}, "x_range must be"),
        (lambda a, b: 1.0, (0.0, 1.0), {}, r"cost returned the shape \(\) for 2 arrays of shape \(10201,\)"),
        (lambda a, b: a * np.nan, (0.0, 1.0), {}, "cost is nowhere finite"),
        (lambda a, b: a, (-1.0, 1.0), {"log": True}, "the lowest cost is -1, but a logarithmic scale needs"),
        (bowl, (0.0, 1.0), {"resolution": 1}, "resolution must be at least 2 points per side, got 1"),
        (bowl, (0.0, 1.0), {"names": ("a", "b", "c")}, "names must be 2 names"),
    ],
)
def test_invalid_arguments_raise(cost, x_range, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        plot_cost_surface(cost, x_range, (0.0, 1.0), **options)
