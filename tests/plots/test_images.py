from __future__ import annotations

import numpy as np
import pytest

from portnn.plots import plot_images


@pytest.fixture
def images(rng):
    return rng.random((5, 4, 6))


@pytest.mark.host
def test_a_montage_from_the_left_and_from_above(images) -> None:
    figure = plot_images(images, ["a", "b", "c", "d", "e\nf"], columns=2, title="Letters")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    shown = axes.get_images()
    assert all(np.array_equal(image.get_array(), pixels) for image, pixels in zip(shown, images, strict=True))
    corners = [(image.get_extent()[0], image.get_extent()[3]) for image in shown]
    assert corners == sorted(corners, key=lambda corner: corner[::-1])
    assert [left for left, _ in corners] == [0.0, corners[1][0], 0.0, corners[1][0], 0.0]
    assert len({top for _, top in corners}) == 3
    assert axes.yaxis_inverted()
    assert axes.get_title() == "Letters"
    assert not axes.axison


@pytest.mark.host
def test_images_keep_their_shape_grey_values_and_pixels(images) -> None:
    for image in plot_images(images).axes[0].get_images():
        left, right, bottom, top = image.get_extent()
        assert (right - left) / (bottom - top) == pytest.approx(6 / 4)
        assert image.get_clim() == (images.min(), images.max())
        assert image.get_interpolation() == "nearest"


@pytest.mark.host
@pytest.mark.parametrize(
    ("size", "caption"),
    [(None, "true {}\npredicted 7"), ((6.0, 4.0), "true {}\npredicted 7"), ((1.2, 2.0), "{}")],
)
def test_captions_lie_under_their_image_and_on_nothing_else(images, size, caption) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ax = size and Figure(figsize=size, layout="constrained").subplots()
    figure = plot_images(images, [caption.format(number) for number in range(5)], columns=3, ax=ax)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    axes = figure.axes[0]
    texts = [text.get_window_extent(renderer) for text in axes.texts]
    boxes = [image.get_window_extent(renderer) for image in axes.get_images()]
    for number, (text, box) in enumerate(zip(texts, boxes, strict=True)):
        assert box.x0 < (text.x0 + text.x1) / 2 < box.x1
        assert text.y1 <= box.y0
        assert not any(text.overlaps(other) for other in boxes)
        assert not any(text.overlaps(other) for other in texts[:number])
        assert text.y0 >= 0.0


def test_images_of_any_library(place, images) -> None:
    assert len(plot_images(place(images)).axes[0].get_images()) == 5


@pytest.mark.host
def test_one_image_of_one_value() -> None:
    plot_images(np.ones((1, 3, 3)), ["one"], title="A title that is wider than one image").draw_without_rendering()


@pytest.mark.host
@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.zeros((3, 64)), {}, r"images has shape \(3, 64\), expected \(n, height, width\)"),
        (np.zeros((0, 8, 8)), {}, r"images has shape \(0, 8, 8\)"),
        (np.zeros((3, 8, 8)), {"captions": ["a"]}, "captions has 1 entries, but images has 3"),
        (np.zeros((3, 8, 8)), {"columns": 0}, "columns must be a positive whole number, got 0"),
        (np.full((1, 2, 2), np.nan), {}, "images contains NaN or infinity"),
    ],
)
def test_invalid_arguments_raise(images, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        plot_images(images, **options)
