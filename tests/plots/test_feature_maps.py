from __future__ import annotations

import numpy as np
import pytest

import portnn
from portnn.plots import plot_feature_maps


def net_of(images, **settings):
    labels = np.arange(images.shape[0]) % 2
    settings = {"channels": (2, 3), "hidden": (), "seed": 1, **settings}
    return portnn.ConvNet(**settings).fit(images, labels, epochs=1, progress=False)


def headings(figure) -> list[str]:
    texts = (" ".join(text.get_text().split()) for text in figure.axes[0].texts)
    return [text for text in texts if not text.isdigit()]


@pytest.mark.host
def test_the_image_and_the_maps_of_every_convolution(rng) -> None:
    images = rng.random((4, 6, 8))
    net = net_of(images)
    figure = plot_feature_maps(net, images[1], title="One image")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    first, second = net.hidden(images[1:2])
    expected = [images[1], *np.moveaxis(first[0], 2, 0), *np.moveaxis(second[0], 2, 0)]
    shown = axes.get_images()
    assert all(np.array_equal(image.get_array(), each) for image, each in zip(shown, expected, strict=True))
    assert [image.get_clim() for image in shown[1:]] == [(0.0, first.max())] * 2 + [(0.0, second.max())] * 3
    assert [text.get_text() for text in axes.texts if text.get_text().isdigit()] == [*"01", *"012"]
    assert headings(figure) == [
        "image",
        f"convolutions.0, 3 x 4 pixels: 0 (dark) to {first.max():.2g} (bright)",
        f"convolutions.1, 1 x 2 pixels: 0 (dark) to {second.max():.2g} (bright)",
    ]
    tops = [image.get_extent()[3] for image in shown]
    assert tops == sorted(tops)
    assert len(set(tops)) == 3
    assert axes.get_title() == "One image"


@pytest.mark.host
def test_one_layer_whose_maps_have_both_signs(rng) -> None:
    images = rng.random((4, 6, 8, 3))
    net = net_of(images, activation="tanh")
    figure = plot_feature_maps(net, images[0], 1)
    image, *maps = figure.axes[0].get_images()
    assert np.array_equal(image.get_array(), images[0])
    assert len(maps) == 3
    low, high = maps[0].get_clim()
    assert -low == high == np.abs(net.hidden(images[:1])[1]).max()
    assert "(blue), 0 (white)" in headings(figure)[1]


@pytest.mark.host
def test_whole_numbers_and_channels_first(rng) -> None:
    images = rng.integers(0, 256, (4, 3, 6, 8)).astype(np.uint8)
    figure = plot_feature_maps(net_of(images, channels_first=True), images[0])
    assert np.allclose(figure.axes[0].get_images()[0].get_array(), np.moveaxis(images[0], 0, 2) / 255.0)


def test_an_image_of_any_library_or_of_the_host(place, rng) -> None:
    images = rng.random((4, 6, 8))
    net = net_of(place(images))
    for image in (place(images)[0, ...], images[0], images[0].tolist()):
        assert len(plot_feature_maps(net, image).axes[0].get_images()) == 6


@pytest.mark.host
def test_invalid_arguments_raise(rng) -> None:
    images = rng.random((4, 6, 8))
    net = net_of(images)
    with pytest.raises(TypeError, match="net is MLP, expected a ConvNet"):
        plot_feature_maps(portnn.MLP(), images[0])
    with pytest.raises(ValueError, match="this ConvNet has not been fitted yet"):
        plot_feature_maps(portnn.ConvNet(), images[0])
    with pytest.raises(ValueError, match=r"image has shape \(4, 6, 8\), expected one image of shape \(6, 8, 1\)"):
        plot_feature_maps(net, images)
    for layer in (2, -1):
        with pytest.raises(ValueError, match=f"layer must be from 0 to 1, one of the 2 convolutions, got {layer}"):
            plot_feature_maps(net, images[0], layer)
