from __future__ import annotations

import numpy as np
import pytest

from portnn.plots import plot_hidden_projection

Y = np.asarray([5, 3, 3, 5])


@pytest.mark.host
@pytest.mark.parametrize("units", [2, 3])
def test_points_by_class(rng, units) -> None:
    hidden = rng.random((4, units))
    figure = plot_hidden_projection(hidden, Y, title="Three units")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    three, five = axes.collections
    drawn = [points._offsets3d if units == 3 else points.get_offsets().T for points in (three, five)]
    assert np.allclose(np.stack([np.sort(axis) for axis in drawn[0]]), np.sort(hidden[Y == 3].T))
    assert np.allclose(np.stack([np.sort(axis) for axis in drawn[1]]), np.sort(hidden[Y == 5].T))
    assert not np.allclose(three.get_facecolor()[0][:3], five.get_facecolor()[0][:3])
    assert len(three.get_paths()[0]) != len(five.get_paths()[0])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["3", "5"]
    labels = [axes.get_xlabel(), axes.get_ylabel(), *([axes.get_zlabel()] if units == 3 else [])]
    assert labels == [f"hidden unit {number} [activation]" for number in range(1, units + 1)]
    assert axes.get_title() == "Three units"


def test_activations_of_any_library(place) -> None:
    assert plot_hidden_projection(place(np.eye(3)), place(np.asarray([0, 1, 1]))).axes[0].name == "3d"


@pytest.mark.host
def test_given_axes() -> None:
    from matplotlib.figure import Figure

    flat, deep = Figure().subplots(), Figure().subplots(subplot_kw={"projection": "3d"})
    assert plot_hidden_projection(np.zeros((4, 2)), Y, ax=flat) is flat.figure
    assert plot_hidden_projection(np.zeros((4, 3)), Y, ax=deep) is deep.figure
    with pytest.raises(ValueError, match="ax has the projection 'rectilinear', expected '3d'"):
        plot_hidden_projection(np.zeros((4, 3)), Y, ax=flat)
    with pytest.raises(ValueError, match="ax has the projection '3d', expected 'rectilinear'"):
        plot_hidden_projection(np.zeros((4, 2)), Y, ax=deep)


@pytest.mark.host
@pytest.mark.parametrize(
    ("hidden", "y", "message"),
    [
        (np.zeros((4, 5)), Y, r"hidden has shape \(4, 5\), expected \(rows, 2 or 3\): 2 or 3 hidden units"),
        (np.zeros(3), Y, r"hidden has shape \(3,\)"),
        (np.zeros((0, 3)), Y[:0], "hidden has no rows"),
        (np.zeros((3, 3)), Y, "y has 4 labels, but hidden has 3 rows"),
        (np.full((4, 3), np.inf), Y, "hidden contains NaN or infinity"),
    ],
)
def test_invalid_arguments_raise(hidden, y, message) -> None:
    with pytest.raises(ValueError, match=message):
        plot_hidden_projection(hidden, y)
