from __future__ import annotations

import numpy as np
import pytest

import portnn
from portnn.plots import plot_decision_boundary
from portnn.plots.palette import COLOURS

X = np.asarray([[0.0, 0.0], [0.0, 2.0], [1.0, 0.0], [1.0, 2.0]])
Y = np.asarray(["left", "left", "right", "right"])


class Split:
    """Classifier that compares the first feature with `at`."""

    def __init__(self, labels, at: float = 0.5) -> None:
        self.labels, self.at = np.asarray(labels), at

    def predict(self, X):
        assert isinstance(X, np.ndarray)
        assert X.dtype == np.float64
        return self.labels[(X[:, 0] >= self.at).astype(int)]


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


@pytest.mark.host
def test_regions_lie_where_they_are_predicted() -> None:
    figure = plot_decision_boundary(Split(["left", "right"], at=0.75), X, Y, names=("a [m]", "b [s]"), resolution=51)
    axes = figure.axes[0]
    (regions,) = axes.get_images()
    pixels, extent = np.asarray(regions.get_array()), regions.get_extent()
    assert extent == [*axes.get_xlim(), *axes.get_ylim()]
    over = np.linspace(*extent[:2], 51)
    left = np.all(pixels == pixels[0, 0], axis=2)
    assert np.array_equal(left, np.broadcast_to(over < 0.75, (51, 51)))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("a [m]", "b [s]")


@pytest.mark.host
def test_rows_of_the_grid_grow_upwards() -> None:
    class Below:
        def predict(self, X):
            return (X[:, 1] >= 1.0).astype(int)

    figure = plot_decision_boundary(Below(), X, [0, 1, 0, 1], resolution=11)
    (regions,) = figure.axes[0].get_images()
    assert regions.origin == "lower"
    blue = np.asarray(regions.get_array())[:, 0, :]
    assert blue[0, 2] > blue[0, 0]  # class 0 is a pale blue, and lies below
    assert blue[-1, 0] > blue[-1, 2]


@pytest.mark.host
def test_points_in_colour_and_marker_of_their_class() -> None:
    from matplotlib.colors import to_hex

    figure = plot_decision_boundary(Split(["left", "right"]), X, Y)
    left, right = (points for points in figure.axes[0].collections if points.get_label() in ("left", "right"))
    assert left.get_offsets().tolist() == X[:2].tolist()
    assert right.get_offsets().tolist() == X[2:].tolist()
    assert [to_hex(points.get_facecolor()[0]).upper() for points in (left, right)] == list(COLOURS[:2])
    assert len(left.get_paths()[0]) != len(right.get_paths()[0])
    assert legend(figure) == ["left", "right"]


@pytest.mark.host
def test_a_class_without_points_has_a_region_and_a_name() -> None:
    assert legend(plot_decision_boundary(Split([0, 7]), X, [0, 0, 3, 3])) == ["0", "3", "7"]


@pytest.mark.host
def test_one_class_and_one_point() -> None:
    figure = plot_decision_boundary(Split([1, 1]), X[:1], [1])
    assert legend(figure) == ["1"]
    assert figure.axes[0].get_xlim() == (-1.0, 1.0)


def test_model_and_table_of_any_library(place) -> None:
    x, y = place(X), place(np.asarray([0, 1, 1, 1]))
    model = portnn.LogisticRegression().fit(x, y, progress=False)
    figure = plot_decision_boundary(model, x, y, resolution=20)
    figure.draw_without_rendering()
    assert legend(figure) == ["0", "1"]


@pytest.mark.host
def test_given_axes() -> None:
    from matplotlib.figure import Figure

    one, other = Figure().subplots(1, 2)
    assert plot_decision_boundary(Split(["left", "right"]), X, Y, ax=other) is other.figure
    assert other.get_images()
    assert not one.get_images()


@pytest.mark.host
@pytest.mark.parametrize(
    ("labels", "x", "y", "options", "message"),
    [
        (Y, np.zeros((4, 3)), Y, {}, r"X has shape \(4, 3\), expected \(rows, 2\): 2 features"),
        (Y, np.zeros((0, 2)), Y[:0], {}, "X has no rows"),
        (Y, X, Y[:3], {}, "y has 3 labels, but X has 4 rows"),
        (Y, X * np.nan, Y, {}, "X contains NaN"),
        ([0, 1], X, Y, {}, "predicts labels such as .*0.*, but y has labels such as .*left"),
        ([0.25, 1.5], X, [0, 0, 1, 1], {}, "predicts values such as 0.25, expected class labels"),
        ([[0, 1], [1, 0]], X, Y, {}, r"predicts an array of shape \(\d+, 2\), expected one label per row"),
        (Y[1:3], X, Y, {"names": ("a",)}, "names must be 2 names"),
        (Y[1:3], X, Y, {"resolution": 1}, "resolution must be at least 2"),
    ],
)
def test_invalid_arguments_raise(labels, x, y, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        plot_decision_boundary(Split(labels), x, y, **options)
