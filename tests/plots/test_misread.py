from __future__ import annotations

import numpy as np
import pytest

import portnn
from portnn.plots import plot_misread


@pytest.fixture
def images(rng):
    return rng.random((8, 4, 6))


def net_of(images, labels, **settings):
    settings = {"channels": (2,), "hidden": (), "seed": 1, **settings}
    return portnn.ConvNet(**settings).fit(images, labels, epochs=2, progress=False)


LABELS = np.asarray(["ant", "$bee$", "cat", "ant"] * 2)


@pytest.mark.host
@pytest.mark.parametrize("objective", ["cross_entropy", "binary_cross_entropy"])
def test_what_is_misread_comes_worst_first(images, objective) -> None:
    labels = np.where(LABELS == "cat", "ant", LABELS) if objective == "binary_cross_entropy" else LABELS
    net = net_of(images, labels, objective=objective)
    predicted, probabilities, known = net.predict(images), net.predict_proba(images), net.classes.labels
    of_true, of_read = probabilities[np.arange(8), np.searchsorted(known, labels)], probabilities.max(axis=1)
    wrong = [row for row in np.argsort(of_true) if predicted[row] != labels[row]]
    assert len(wrong) >= 2
    figure = plot_misread(net, images, labels)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    shown = axes.get_images()
    assert all(np.array_equal(image.get_array(), images[row]) for image, row in zip(shown, wrong, strict=True))
    assert [text.get_text() for text in axes.texts] == [
        f"true {labels[row]}: {100.0 * of_true[row]:.0f} %\nread {predicted[row]}: {100.0 * of_read[row]:.0f} %"
        for row in wrong
    ]
    assert not any(text.get_parse_math() for text in axes.texts)
    assert axes.get_title() == f"{len(wrong)} of 8 images misread"
    few = plot_misread(net, images, labels, most=1).axes[0]
    assert np.array_equal(few.get_images()[0].get_array(), images[wrong[0]])
    assert len(few.get_images()) == 1
    assert few.get_title() == f"{len(wrong)} of 8 images misread, the worst 1"


@pytest.mark.host
def test_nothing_misread_is_a_figure_without_pictures(images) -> None:
    net = net_of(images, LABELS)
    axes = plot_misread(net, images, net.predict(images)).axes[0]
    assert not axes.get_images()
    assert axes.get_title() == "none of 8 images misread"


@pytest.mark.host
@pytest.mark.parametrize("size", [None, (6.0, 2.0), (1.6, 4.0)])
def test_captions_lie_under_their_image_and_on_nothing_else(rng, size) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    images = rng.random((8, 4, 6, 3))
    net = net_of(images, LABELS)
    others = net.classes.labels[(np.searchsorted(net.classes.labels, net.predict(images)) + 1) % 3]
    ax = size and Figure(figsize=size, layout="constrained").subplots()
    figure = plot_misread(net, images, others, ax=ax)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    axes = figure.axes[0]
    texts = [text.get_window_extent(renderer) for text in axes.texts]
    boxes = [image.get_window_extent(renderer) for image in axes.get_images()]
    assert len(boxes) == 8
    title = axes.title.get_window_extent(renderer)
    assert title.x0 >= 0.0
    assert title.x1 <= figure.bbox.x1
    for number, (text, box) in enumerate(zip(texts, boxes, strict=True)):
        assert box.x0 < (text.x0 + text.x1) / 2 < box.x1
        assert text.y1 <= box.y0 + 1.0
        assert not any(text.overlaps(other) for other in [*boxes, *texts[:number], title])
        assert min(text.x0, text.y0) >= -1.0
        assert text.x1 <= figure.bbox.x1 + 1.0


def test_images_of_any_library(place, images) -> None:
    labels = np.arange(8) % 2
    net = net_of(place(images), labels)
    given, held = plot_misread(net, place(images), place(1 - labels)), plot_misread(net, images, 1 - labels)
    assert (
        len(given.axes[0].get_images())
        == len(held.axes[0].get_images())
        == np.sum(portnn.backends.to_host(net.predict(images)) == labels)
    )


@pytest.mark.host
def test_invalid_arguments_raise(images) -> None:
    net = net_of(images, LABELS)
    with pytest.raises(TypeError, match="net is MLP, expected a ConvNet"):
        plot_misread(portnn.MLP(), images, LABELS)
    with pytest.raises(ValueError, match="this ConvNet has not been fitted yet"):
        plot_misread(portnn.ConvNet(), images, LABELS)
    with pytest.raises(ValueError, match=r"images has shape \(8, 4, 6\) and labels \(7,\), expected equal numbers"):
        plot_misread(net, images, LABELS[:7])
    with pytest.raises(ValueError, match="labels that training never saw: 'dog'"):
        plot_misread(net, images, ["dog", *LABELS[1:]])
    with pytest.raises(ValueError, match="most must be a positive whole number, got 0"):
        plot_misread(net, images, LABELS, most=0)
    values = net_of(images, images[:, 0, 0], objective="squared_error")
    with pytest.raises(ValueError, match="a network with the objective squared_error does not tell classes apart"):
        plot_misread(values, images, LABELS)
