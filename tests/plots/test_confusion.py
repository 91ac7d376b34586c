from __future__ import annotations

import numpy as np
import pytest

from portnn.plots import plot_confusion

TRUE = ["cat", "cat", "cat", "dog", "emu"]
PREDICTED = ["cat", "dog", "dog", "dog", "cat"]


def counts(figure) -> list[list[int]]:
    """Numbers in reading order."""
    cells = {text.get_position(): int(text.get_text()) for text in figure.axes[0].texts}
    side = round(len(cells) ** 0.5)
    return [[cells[column, row] for column in range(side)] for row in range(side)]


def ticks(axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


@pytest.mark.host
def test_true_classes_are_rows_and_predicted_ones_columns() -> None:
    figure = plot_confusion(TRUE, PREDICTED, title="Animals")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert counts(figure) == [[1, 2, 0], [0, 1, 0], [1, 0, 0]]
    assert np.asarray(axes.get_images()[0].get_array()).tolist() == counts(figure)
    assert ticks(axes.xaxis) == ticks(axes.yaxis) == ["cat", "dog", "emu"]
    assert axes.yaxis_inverted()
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("predicted class", "true class", "Animals")
    (bar,) = axes.child_axes
    assert bar.get_ylabel() == "rows"
    assert all(float(label).is_integer() for label in ticks(bar.yaxis))


@pytest.mark.host
def test_labels_decide_which_classes_are_shown_in_which_order() -> None:
    figure = plot_confusion(TRUE, PREDICTED, labels=["emu", "cat", "fox", "dog"])
    assert counts(figure) == [[0, 1, 0, 0], [0, 1, 0, 2], [0, 0, 0, 0], [0, 0, 0, 1]]
    assert ticks(figure.axes[0].xaxis) == ["emu", "cat", "fox", "dog"]


@pytest.mark.host
def test_labels_are_neither_formulas_nor_control_characters() -> None:
    figure = plot_confusion(["$a$", "b\x07"], ["$a$", "$a$"])
    figure.draw_without_rendering()  # matplotlib would warn of a missing letter
    for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
        assert ticks(axis) == ["$a$", r"b\x07"]
        assert not any(label.get_parse_math() for label in axis.get_ticklabels())


@pytest.mark.host
def test_numbers_contrast_with_their_cells() -> None:
    from matplotlib.colors import to_rgb

    figure = plot_confusion(np.repeat(np.arange(8), np.arange(1, 9)), np.repeat(np.arange(8), np.arange(1, 9)))
    axes = figure.axes[0]
    (image,) = axes.get_images()
    for text in axes.texts:
        cell = image.cmap(image.norm(int(text.get_text())))[:3]
        light, dark = sorted((relative_luminance(cell), relative_luminance(to_rgb(text.get_color()))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5  # the contrast that WCAG 2 requires of small text


def relative_luminance(colour) -> float:
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in colour]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_labels_of_any_library(place) -> None:
    assert counts(plot_confusion(place([0, 1, 1]), place([0, 0, 1]))) == [[1, 0], [1, 1]]


@pytest.mark.host
def test_given_axes() -> None:
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert plot_confusion([0], [0], ax=ax) is ax.figure
    assert len(ax.texts) == 1


@pytest.mark.host
@pytest.mark.parametrize(
    ("true", "predicted", "labels", "message"),
    [
        ([], [], None, "expected equal numbers above 0"),
        ([0, 1], [0], None, "y_true has 2 rows and y_pred has 1"),
        ([0, 1], [0, 2], [0, 1], "y_pred has labels that are not among labels: 2"),
        ([3, 1], [0, 0], [0, 1], "y_true has labels that are not among labels: 3"),
        ([0, 1], [0, 1], [0, 1, 0], "labels contains a class twice"),
        (["a"], [0], None, "y_true has labels such as a, but y_pred has labels such as 0"),
    ],
)
def test_invalid_arguments_raise(true, predicted, labels, message) -> None:
    with pytest.raises(ValueError, match=message):
        plot_confusion(true, predicted, labels=labels)
