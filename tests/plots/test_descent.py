from __future__ import annotations

import numpy as np
import pytest

from portnn.plots import plot_descent


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def line(figure, label: str):
    (curve,) = [line for line in figure.axes[0].get_lines() if line.get_label() == label]
    return curve.get_xydata().tolist()


def arrows(figure):
    from matplotlib.quiver import Quiver

    (arrows,) = [each for each in figure.axes[0].collections if isinstance(each, Quiver)]
    return np.stack([arrows.X, arrows.Y, arrows.U, arrows.V], axis=1).tolist()


@pytest.mark.host
def test_over_one_weight_the_path_lies_on_the_cost() -> None:
    figure = plot_descent(lambda w: w**2 + 1.0, [4.0, -2.0, 1.0], names=["slope"], title="Down")
    axes = figure.axes[0]
    curve = np.asarray(line(figure, "cost"))
    assert np.allclose(curve[:, 1], curve[:, 0] ** 2 + 1.0)
    assert line(figure, "2 steps") == [[4, 17], [-2, 5], [1, 2]]
    assert arrows(figure) == [[4, 17, -6, -12], [-2, 5, 3, -3]]
    assert (line(figure, "start"), line(figure, "end")) == ([[4, 17]], [[1, 2]])
    assert legend(figure) == ["cost", "2 steps", "start", "end"]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("slope", "cost", "Down")
    assert axes.get_xlim()[0] < -2.0
    assert axes.get_xlim()[1] > 4.0


@pytest.mark.host
def test_over_two_weights_the_path_lies_on_the_surface() -> None:
    path = [[3.0, 2.0], [1.0, 1.0], [0.5, 0.0], [0.0, 0.0]]
    figure = plot_descent(lambda a, b: a**2 + b**2, path, y_range=(-5.0, 5.0), title="Down")
    axes, bar = figure.axes
    assert bar.get_ylabel() == "cost"
    assert line(figure, "3 steps") == path
    assert arrows(figure)[0] == [3, 2, -2, -1]
    assert legend(figure) == ["3 steps", "start", "end"]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("w1", "w2", "Down")
    assert axes.get_ylim() == (-5.0, 5.0)
    assert axes.get_xlim() == (-0.75, 3.75)
    assert plot_descent(lambda a, b: a**2 + b**2, path).axes[0].get_ylim() == (-0.5, 2.5)


@pytest.mark.host
def test_ranges_and_logarithm_over_one_weight() -> None:
    figure = plot_descent(lambda w: w**2 + 1.0, [1.0, 0.5], x_range=(-3.0, 3.0), y_range=(0.5, 20.0), log=True)
    axes = figure.axes[0]
    assert (axes.get_xlim(), axes.get_ylim(), axes.get_yscale()) == ((-3.0, 3.0), (0.5, 20.0), "log")


@pytest.mark.host
def test_a_start_without_a_step() -> None:
    figure = plot_descent(lambda w: w**2, [1.0])
    figure.draw_without_rendering()
    assert figure.axes[0].get_xlim() == (0.0, 2.0)


def test_a_path_of_any_library(place) -> None:
    assert line(plot_descent(lambda w: w**2, place([2.0, 1.0])), "1 step") == [[2, 4], [1, 1]]


@pytest.mark.host
def test_given_axes() -> None:
    from matplotlib.figure import Figure

    for path, cost in (([1.0, 0.5], np.square), ([[1.0, 1.0], [0.5, 0.5]], lambda a, b: a + b)):
        ax = Figure().subplots()
        assert plot_descent(cost, path, ax=ax) is ax.figure
        assert ax.get_legend()


@pytest.mark.host
@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        (np.zeros((3, 3)), {}, r"path has shape \(3, 3\), expected \(steps \+ 1,\) or \(steps \+ 1, 2\)"),
        (1.0, {}, r"path has shape \(\)"),
        ([], {}, "path has no points"),
        ([1.0, np.inf], {}, "the descent diverged"),
        ([1.0, 0.5], {"names": ("a", "b")}, "names must be 1 name"),
        ([1.0, 0.5], {"x_range": (2.0, 1.0)}, "x_range must be"),
        ([1.0, 0.5], {"y_range": (2.0, 1.0)}, "y_range must be"),
        ([1.0, 0.0], {"log": True}, "the lowest cost is 0, but a logarithmic scale"),
    ],
)
def test_invalid_arguments_raise(path, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        plot_descent(np.square, path, **options)
