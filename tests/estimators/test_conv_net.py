"""`ConvNet`: images of every layout and place, its features, and what it says of images that are none."""

import re

import array_api_strict
import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image

import portnn
from portnn.backends import device, to_host
from portnn.images import LabelledImages

from .examples import tables

COUNT = 24
LABELS = np.asarray(["row", "column"])[np.arange(COUNT) % 2]
PIXELS = np.random.default_rng(1).integers(0, 90, (COUNT, 6, 5), dtype=np.uint8)
for _number, _picture in enumerate(PIXELS):  # a bright row or column somewhere
    _picture[(_number // 2 % 6,) if _number % 2 == 0 else (slice(None), _number // 2 % 5)] = 230
COLOURS = np.random.default_rng(2).random((COUNT, 6, 5, 3))
QUICK = {"progress": False, "epochs": 2, "batch_size": 8}


def network(backend="numpy", **changes):
    settings = {"channels": (3,), "hidden": (4,), "seed": 3, "dtype": "float64", **changes}
    return portnn.ConvNet(**settings, backend=backend)


def values(model):
    return {name: np.array(to_host(array)) for name, array in model.params.items()}


def close(one, other, rtol=1e-9, atol=1e-11):
    for name, array in values(one).items():
        assert_allclose(array, values(other)[name], rtol=rtol, atol=atol, err_msg=name)


def on(backend, array):
    """An array of the library under test, float64 or of the same whole numbers."""
    return backend.asarray(array) if array.dtype.kind == "f" else backend.xp.asarray(array, device=backend.device)


def test_it_tells_rows_from_columns_on_every_library(backend32):
    model = network(backend32, dtype=None, batch_norm=True)
    model.fit(PIXELS, LABELS, progress=False, epochs=30, batch_size=8, learning_rate=0.02, flip=True)
    assert model.score(PIXELS, LABELS) == 1.0
    assert model.predict(PIXELS[:3, ::-1]).tolist() == ["row", "column", "row"]
    assert to_host(model.params["convolutions.0.weight"]).dtype == np.float32


def test_every_library_trains_to_the_same_parameters(backend):
    """From arrays of the host as from its own, of pixels as of numbers."""
    settings = {"standardize": True, "dropout": 0.2, "batch_norm": True}
    run = {**QUICK, "held_out": 0.25, "shift": 1, "noise": 0.1}
    right = network(**settings).fit(PIXELS, LABELS, **run)
    for images in (PIXELS, on(backend, PIXELS)):
        model = network(backend, **settings).fit(images, LABELS, **run)
        close(model, right, rtol=1e-7, atol=1e-9)
        assert_allclose(to_host(model.predict_proba(images)), right.predict_proba(PIXELS), rtol=1e-7)
        assert_allclose(model.metrics[-1]["held_out_loss"], right.metrics[-1]["held_out_loss"], rtol=1e-7)


def test_layouts_of_the_same_images_train_to_the_same_parameters(backend):
    """Grey with and without an axis of channels, colours first or last, bytes and their fractions."""
    grey = PIXELS / 255.0
    forms = [
        [(PIXELS, {}), (PIXELS[..., None], {}), (PIXELS.astype(np.int32), {}), (grey, {}), (list(PIXELS), {})],
        [(COLOURS, {}), (COLOURS.transpose(0, 3, 1, 2), {"channels_first": True})],
    ]
    for given, *others in forms:
        right = network(backend).fit(on(backend, given[0]), LABELS, **QUICK)
        for images, settings in others:
            placed = images if isinstance(images, list) else on(backend, images)
            model = network(backend, **settings).fit(placed, LABELS, **QUICK)
            close(model, right)
            assert model.model.image_shape == right.model.image_shape
            assert_allclose(to_host(model.outputs(placed)), to_host(right.outputs(given[0])), rtol=1e-9, atol=1e-12)


def test_it_follows_the_library_and_dtype_of_images(backend, backend32):
    for each in (backend, backend32):
        images = each.asarray(COLOURS)
        model = network(None, dtype=None).fit(images, LABELS, **QUICK)
        there = (model.backend.name, model.backend.device, model.backend.dtype)
        assert there == (each.name, device(images), each.dtype)
        for found in (model.features(images), model.outputs(images), model.predict_proba(images)):
            assert type(found) is type(images)
        assert isinstance(model.features(COLOURS), np.ndarray)
    pixels = network(None, dtype=None).fit(on(backend, PIXELS), LABELS, **QUICK)
    assert (pixels.backend.name, pixels.backend.dtype) == (backend.name, "float32")


@pytest.mark.host
def test_it_says_once_that_pixels_are_divided(capsys):
    said = "pixels are whole numbers from 0 to 255: divided by 255"
    for images, times, quiet in ((PIXELS, 1, False), (PIXELS / 255.0, 0, False), (PIXELS, 0, True)):
        network().fit(images, LABELS, **{**QUICK, "progress": not quiet}, held_out=0.2)
        assert capsys.readouterr().err.count(said) == times


@pytest.mark.host
@pytest.mark.parametrize(
    ("settings", "size"),
    [({}, 4), ({"hidden": ()}, 18), ({"hidden": (7, 2)}, 2), ({"hidden": (), "global_pooling": True}, 3)],
)
def test_features_are_the_activations_before_the_last_layer(settings, size, monkeypatch):
    model = network(**settings).fit(PIXELS, LABELS, **QUICK)
    features, last = model.features(PIXELS), len(settings.get("hidden", (4,)))
    assert features.shape == (COUNT, size)
    outputs = features @ model.params[f"layers.{last}.weight"] + model.params[f"layers.{last}.bias"]
    assert_allclose(outputs, model.outputs(PIXELS), rtol=1e-11)
    if last:
        assert np.array_equal(model.hidden(PIXELS)[-1], features)
    monkeypatch.setattr("portnn.models.image_classifier.ENTRIES", 7 * model.model.width)
    assert [len(block) for block in model.feature_blocks(PIXELS)] == [7, 7, 7, 3]
    assert_allclose(model.features(PIXELS), features, rtol=1e-12, atol=1e-14)


@pytest.mark.torch_oracle
def test_features_are_those_of_the_network_in_pytorch(backend):
    import torch

    model = network(backend, standardize=True).fit(COLOURS, LABELS, **QUICK)
    nn, parameters = torch.nn, values(model)
    net = nn.Sequential(
        nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 4), nn.ReLU()
    ).double()
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor(parameters["convolutions.0.weight"].transpose(3, 2, 0, 1)))
        net[0].bias.copy_(torch.tensor(parameters["convolutions.0.bias"]))
        weight = parameters["layers.0.weight"].reshape(3, 2, 3, 4).transpose(3, 2, 0, 1).reshape(4, 18)
        net[4].weight.copy_(torch.tensor(weight))
        net[4].bias.copy_(torch.tensor(parameters["layers.0.bias"]))
        scaled = (COLOURS - COLOURS.mean(axis=(0, 1, 2))) / COLOURS.std(axis=(0, 1, 2))
        right = net(torch.tensor(scaled.transpose(0, 3, 1, 2))).numpy()
    assert_allclose(to_host(model.features(COLOURS)), right, rtol=1e-9, atol=1e-12)


@pytest.mark.host
def test_held_out_images_are_measured_and_not_trained_on():
    train, held = (PIXELS[:16], LABELS[:16]), (PIXELS[16:], LABELS[16:])
    alone = network(standardize=True).fit(*train, **QUICK)
    model = network(standardize=True).fit(*train, held_out=held, **QUICK)
    assert tables(model) == tables(alone)
    assert model.metrics[-1]["held_out_loss"] == pytest.approx(model.evaluate(*held).loss, rel=1e-12)
    weights = np.arange(8.0)
    weighted = network(standardize=True).fit(*train, held_out=(*held, weights), **QUICK)
    assert weighted.metrics[-1]["held_out_loss"] == pytest.approx(model.evaluate(*held, weights).loss, rel=1e-12)


@pytest.mark.host
def test_files_and_folders_train_as_their_arrays_do(tmp_path):
    """Held out, measured and asked from files as well; from a folder sorted by the names of its pictures."""
    right = network().fit(PIXELS, LABELS, **QUICK)
    np.savez(tmp_path / "i.npz", images=PIXELS, labels=LABELS)
    np.save(tmp_path / "i.npy", PIXELS[:4])
    for place, label in enumerate(LABELS):
        (tmp_path / "folder" / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(PIXELS[place]).save(tmp_path / "folder" / label / f"{place:02}.png")
    for source in (tmp_path / "i.npz", LabelledImages(tmp_path / "i.npz")):
        model = network().fit(source, **QUICK)
        assert tables(model) == tables(right)
        assert model.evaluate(source, LABELS) == right.evaluate(PIXELS, LABELS)
    assert np.array_equal(model.features(tmp_path / "i.npy"), right.features(PIXELS[:4]))
    order = np.concatenate([np.flatnonzero(label == LABELS) for label in ("column", "row")])
    found = network().fit(tmp_path / "folder", **QUICK)
    assert tables(found) == tables(network().fit(PIXELS[order], LABELS[order], **QUICK))
    assert found.layout.size == (6, 5)
    with pytest.raises(ValueError, match=r"i\.npy has no labels to learn$"):
        network().fit(tmp_path / "i.npy", **QUICK)


@pytest.mark.host
def test_a_file_that_could_not_be_trained_on_leaves_no_trace(tmp_path):
    np.savez(tmp_path / "one.npz", images=PIXELS[:, :4], labels=["row"] * COUNT)
    np.savez(tmp_path / "i.npz", images=PIXELS, labels=LABELS)
    model = network()
    for train in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match="y has only one class"):
            train(tmp_path / "one.npz")
        assert model.layout is None
    model.partial_fit(tmp_path / "i.npz", batch_size=8)
    assert model.layout.size == (6, 5)


@pytest.mark.host
def test_mapped_pixels_are_read_as_they_are_needed(tmp_path, monkeypatch):
    """None of what is moved or checked at a time is larger than a few pictures."""
    np.save(tmp_path / "i.npy", PIXELS)
    mapped, sizes = np.load(tmp_path / "i.npy", mmap_mode="r"), []
    for place in ("batches.image_table", "images.placing"):
        monkeypatch.setattr(f"portnn.{place}.PIECE", 4 * 30)
    monkeypatch.setattr("portnn.models.image_classifier.ENTRIES", 4 * 90)
    on_host = portnn.batches.ImageTable.on_host

    def watched(table, where):
        found = on_host(table, where)
        assert np.shares_memory(table.pixels, mapped)
        sizes.append(len(found))
        return found

    monkeypatch.setattr(portnn.batches.ImageTable, "on_host", watched)
    model = network(standardize=True).fit(mapped, LABELS, held_out=0.2, **QUICK)
    model.features(mapped)
    assert 1 < max(sizes) <= 8
    assert len(sizes) > 20
    monkeypatch.undo()
    assert tables(model) == tables(network(standardize=True).fit(PIXELS, LABELS, held_out=0.2, **QUICK))


@pytest.mark.host
@pytest.mark.parametrize("settings", [{}, {"dropout": 0.3, "standardize": True}])
def test_two_workers_train_to_the_same_parameters(settings):
    run = {**QUICK, "shift": 1, "held_out": 0.2}
    alone, together = (network(**settings).fit(PIXELS, LABELS, **run, workers=workers) for workers in (1, 2))
    close(together, alone, rtol=1e-8)


@pytest.mark.host
def test_partial_fits_go_on(tmp_path):
    model = network(standardize=True, channels=(4,))
    for _ in range(40):
        model.partial_fit(PIXELS[:12], LABELS[:12], classes=["column", "row"], batch_size=6, learning_rate=0.02)
    assert model.score(PIXELS[:12], LABELS[:12]) == 1.0
    assert model.history.step == 80


@pytest.mark.host
def test_images_that_are_refused():
    model = network().fit(COLOURS, LABELS, **QUICK)
    broken = np.where(np.arange(COLOURS.size).reshape(COLOURS.shape) == 100, np.nan, COLOURS)
    cases = [
        (COLOURS[0, 0], "images have shape (5, 3), expected (images, height, width) or (images, height, width, "
            "channels); images[None, ...] makes a batch of one image"),
        (COLOURS[..., :1], "images have 6 x 5 pixels and 1 channel, but the model expects 6 x 5 pixels and 3 channels"),
        (COLOURS[:, 1:], "images have 5 x 5 pixels and 3 channels, but the model expects 6 x 5 pixels and 3 channels"),
        (COLOURS.transpose(0, 3, 1, 2), "images have 3 x 6 pixels and 5 channels, but the model expects 6 x 5 pixels "
            "and 3 channels; channels_first=True says that channels come before height and width"),
        (broken, "image 1 has a pixel that is NaN or infinite, at row 0, column 3"),
        ((COLOURS > 0.5) * 256, "images hold whole numbers from 0 to 256, expected 0 to 255; make them floating to "
            "leave them as they are"),
        (array_api_strict.asarray(COLOURS), "the images belong to array-api-strict, but the model to numpy; `to` moves "
            "a fitted model"),
    ]  # fmt: skip
    for images, message in cases:
        for call in (model.predict, model.features, lambda images: model.fit(images, LABELS, **QUICK)):
            with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}$"):
                call(images)
    with pytest.raises(ValueError, match=re.escape("y has 3 rows, but X has 24")):
        network().fit(COLOURS, LABELS[:3], **QUICK)


def test_without_a_convolution_features_are_those_of_the_pixels():
    images = np.random.default_rng(0).random((6, 3, 3))
    net = portnn.ConvNet(channels=(), hidden=(), seed=1).fit(images, [0, 1] * 3, steps=2, progress=False)
    assert np.array_equal(net.features(images), images.reshape(6, 9))


@pytest.mark.parametrize("weighted", [False, True])
def test_batch_normalisation_over_workers_is_that_of_the_whole_batch(weighted):
    """The last batch of an epoch has one picture, and some batches a part whose rows count nothing."""
    rng = np.random.default_rng(0)
    images, labels = rng.random((17, 6, 6)), rng.integers(0, 2, 17)
    weights = rng.integers(0, 2, 17).astype(np.float64) if weighted else None
    settings = {"steps": 60, "batch_size": 4, "learning_rate": 0.01, "progress": False}
    nets = [
        portnn.ConvNet(channels=(3, 2), hidden=(4,), batch_norm=True, l2=0.01, dtype="float64", seed=1).fit(
            images, labels, sample_weight=weights, workers=workers, **settings
        )
        for workers in (1, 2, 3)
    ]
    losses = [[row["loss"] for row in net.metrics if "loss" in row] for net in nets]
    assert len(losses[0]) >= 10
    for net, found in zip(nets, losses, strict=True):
        assert_allclose(found, losses[0], rtol=1e-9)
        for name, array in nets[0].params.items():
            assert_allclose(net.params[name], array, rtol=1e-8, atol=1e-10, err_msg=name)
