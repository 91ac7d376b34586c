from __future__ import annotations

import numpy as np
import pytest

import portnn
from portnn.plots import plot_filters


def net_of(images, **settings):
    labels = np.arange(images.shape[0]) % 2
    settings = {"channels": (5,), "hidden": (), "kernel": 2, "seed": 1, **settings}
    return portnn.ConvNet(**settings).fit(images, labels, epochs=1, progress=False)


@pytest.mark.host
def test_grey_filters_are_blue_below_zero_and_red_above(rng) -> None:
    net = net_of(rng.random((4, 5, 6)))
    figure = plot_filters(net, columns=2, title="Five")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    weight, shown = net.params["convolutions.0.weight"], axes.get_images()
    largest = np.abs(weight).max()
    assert all(np.array_equal(image.get_array(), weight[..., 0, number]) for number, image in enumerate(shown))
    assert {image.get_clim() for image in shown} == {(-largest, largest)}
    red, _, blue, _ = shown[0].cmap(shown[0].norm(largest))
    assert red > blue
    assert [text.get_text() for text in axes.texts] == [
        f"weights: {-largest:.2g} (blue), 0 (white), {largest:.2g} (red)",
        *"01234",
    ]
    assert len({image.get_extent()[0] for image in shown}) == 2
    assert axes.get_title() == "Five"


@pytest.mark.host
def test_filters_of_colour_images_are_in_colour(rng) -> None:
    net = net_of(rng.random((4, 5, 6, 3)))
    weight = net.params["convolutions.0.weight"]
    largest = np.abs(weight).max()
    for number, image in enumerate(plot_filters(net).axes[0].get_images()):
        assert np.allclose(image.get_array(), (weight[..., number] / largest + 1.0) / 2.0)


@pytest.mark.host
def test_any_other_number_of_channels_has_a_section_each(rng) -> None:
    net = net_of(rng.random((4, 5, 6, 2)))
    axes, weight = plot_filters(net).axes[0], net.params["convolutions.0.weight"]
    shown = [image.get_array() for image in axes.get_images()]
    assert np.array_equal(shown, np.moveaxis(weight, (2, 3), (0, 1)).reshape((10, 2, 2)))
    headings = [text.get_text() for text in axes.texts if "channel" in text.get_text()]
    assert [heading[:20] for heading in headings] == ["weights of channel 0", "weights of channel 1"]


@pytest.mark.host
@pytest.mark.parametrize("size", [(6.0, 2.0), (1.4, 3.0), (0.9, 0.9)])
def test_on_axes_of_any_size_nothing_covers_or_leaves(rng, size) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ax = Figure(figsize=size, layout="constrained").subplots()
    figure = plot_filters(net_of(rng.random((4, 5, 6)), channels=(20,)), ax=ax, title="F")
    assert figure is ax.figure
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [artist.get_window_extent(renderer) for artist in (*ax.texts, *ax.get_images(), ax.title)]
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:number])
        assert min(box.x0, box.y0) >= -1.0
        assert np.all(box.max <= figure.bbox.max + 1.0)


def test_a_network_of_any_library(place, rng) -> None:
    assert len(plot_filters(net_of(place(rng.random((4, 5, 6))))).axes[0].get_images()) == 5


@pytest.mark.host
def test_invalid_arguments_raise(rng) -> None:
    with pytest.raises(TypeError, match="net is MLP, expected a ConvNet"):
        plot_filters(portnn.MLP())
    with pytest.raises(ValueError, match="this ConvNet has not been fitted yet"):
        plot_filters(portnn.ConvNet())
    with pytest.raises(ValueError, match="columns must be a positive whole number, got 0"):
        plot_filters(net_of(rng.random((4, 5, 6))), columns=0)
