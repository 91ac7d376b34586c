"""`portnn conv predict`, `evaluate` and `features`: use a network that has learned."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

import portnn as library
from portnn.images import LabelledImages

from .bars import bars, write_bars

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_bars(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def net(data):
    """A network that has learned the bars."""
    model = library.ConvNet(channels=(4,), hidden=(8,), backend="numpy", seed=1)
    model.fit(data / "bars.npz", epochs=40, batch_size=15, learning_rate=0.03, progress=False)
    model.save(data / "net.safetensors")
    return data / "net.safetensors"


def test_what_is_predicted(portnn, net, data) -> None:
    files = (data / "pictures", data / "others.npz")
    result = portnn("conv", "predict", net, *files, "--proba")
    head, *rows = [line.split("\t") for line in result.out.splitlines()]
    assert head == ["image", "label", "p_column", "p_row"]
    found = json.loads(portnn("conv", "predict", net, *files, "--proba", "--json").out)
    model = library.load(net)
    probabilities = np.concatenate([model.predict_proba(LabelledImages(file).images) for file in files])
    assert [list(each["probabilities"].values()) for each in found] == pytest.approx(probabilities)
    assert [[float(cell) for cell in row[2:]] for row in rows] == pytest.approx(probabilities, abs=1e-6)
    assert [row[:2] for row in rows] == [[each["image"], each["label"]] for each in found]
    assert [each["label"] for each in found[8:]] == model.predict(bars(20, seed=1)[0]).tolist()
    assert found[8]["image"] == f"{data / 'others.npz'}[0]"
    plain = json.loads(portnn("conv", "predict", net, data / "pictures", "--json").out)
    assert plain[0] == {"image": os.path.join(data, "pictures", "column", "0.png"), "label": "column"}


def test_how_well_images_are_read(portnn, net, tmp_path) -> None:
    pixels, labels = bars(20, seed=1)
    labels[:3] = ["row", "column", "row"]  # three are wrong
    np.savez(tmp_path / "t.npz", images=pixels, labels=labels)
    found = json.loads(portnn("conv", "evaluate", net, tmp_path / "t.npz", "--confusion", "--json").out)
    measured = library.load(net).evaluate(pixels, labels)
    assert found == {
        "loss": measured.loss,
        "accuracy": 0.85,
        "images": 20,
        "classes": ["column", "row"],
        "confusion": [[8, 1], [2, 9]],
    }


def test_misread_images_are_drawn(portnn, net, data, tmp_path) -> None:
    pixels, labels = bars(6)
    np.savez(tmp_path / "t.npz", images=pixels, labels=["row", *labels[1:]])
    picture = tmp_path / "p.svg"
    result = portnn("conv", "evaluate", net, tmp_path / "t.npz", "--plot", picture)
    assert (result.status, result.err) == (0, f"picture {picture}\n")
    assert "1 of 6 images misread" in picture.read_text()
    again = portnn("conv", "evaluate", net, tmp_path / "t.npz", "--plot", picture)
    assert again.message == f"{picture} already exists: --overwrite it, or name another file"
    result = portnn("conv", "evaluate", net, data / "others.npz", "--plot", tmp_path / "none.png", "--json")
    assert (result.err, json.loads(result.out)["plot"]) == ("no image is misread: nothing is drawn\n", None)
    assert not (tmp_path / "none.png").exists()


def test_features_come_block_by_block(portnn, net, data, tmp_path, monkeypatch) -> None:
    file = data / "bars.npz"
    whole = library.load(net).features(file)
    sizes = []
    monkeypatch.setattr("portnn.models.image_classifier.ENTRIES", 7 * library.load(net).model.width)
    blocks = library.ConvNet.feature_blocks
    counted = lambda self, images: (sizes.append(len(b)) or b for b in blocks(self, images))  # noqa: E731
    monkeypatch.setattr(library.ConvNet, "feature_blocks", counted)
    for name, dtype in (("f.npz", "float32"), ("f.npy", "float64")):
        result = portnn("conv", "features", net, file, "--out", tmp_path / name, "--dtype", dtype)
        assert result.status == 0
        assert f"{tmp_path / name}: features (60, 8) {dtype}" in result.out
        assert ("labels are left out" in result.err) == (name == "f.npy")
    assert sizes[:9] == [7] * 8 + [4]
    with np.load(tmp_path / "f.npz", allow_pickle=False) as written:
        assert sorted(written) == ["features", "labels"]
        assert np.array_equal(written["labels"], bars(60)[1])
        np.testing.assert_allclose(written["features"], whole, rtol=1e-6)
        assert written["features"].dtype == np.float32
    np.testing.assert_allclose(np.load(tmp_path / "f.npy", mmap_mode="r"), whole, rtol=1e-4)
    record = json.loads(portnn("conv", "features", net, data / "pictures", "--out", tmp_path / "g.npz", "--json").out)
    assert record["features"] == {"shape": [8, 8], "dtype": "float32"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.npy", "f.npz", "g.npz"]


def test_features_that_are_stopped_leave_nothing(portnn, net, data, tmp_path, monkeypatch) -> None:
    def stopped(self, images):
        yield np.zeros((3, 8), np.float32)
        raise KeyboardInterrupt

    monkeypatch.setattr(library.ConvNet, "feature_blocks", stopped)
    (tmp_path / "f.npz").write_text("mine")
    result = portnn("conv", "features", net, data / "bars.npz", "--out", tmp_path / "f.npz", "--overwrite")
    assert (result.status, result.message) == (130, "stopped")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_network_trained_on_arrays_reads_files(portnn, data, tmp_path) -> None:
    pixels, labels = bars(20)
    model = library.ConvNet(channels=(2,), hidden=()).fit(pixels, labels, steps=1, progress=False)
    model.save(tmp_path / "net.safetensors")
    assert portnn("conv", "evaluate", tmp_path / "net.safetensors", data / "pictures").status == 0
