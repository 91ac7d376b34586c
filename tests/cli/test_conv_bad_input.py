"""Bad input to `portnn conv`: one clear line, the exit status, and nothing is left behind."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image

import portnn as library

from .bars import bars, save_pictures

pytestmark = pytest.mark.host

SMALL = ("--channels", 2, "--batch-size", 4)
PIXELS, LABELS = bars(12)
GOOD = {"images": PIXELS, "labels": LABELS}


@pytest.fixture
def train(portnn, tmp_path, monkeypatch):
    """Train something small on an .npz file of these arrays, or on a path."""
    monkeypatch.setattr("portnn.cli.conv.report.draw_curve", lambda *_, **__: (False, "not drawn"))

    def call(source, *arguments):
        if isinstance(source, dict):
            np.savez(tmp_path / "t.npz", **source)
            source = tmp_path / "t.npz"
        return portnn("conv", "train", source, "--out", tmp_path / "run", "--steps", 2, *SMALL, *arguments)

    return call


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Network of grey images of 6 x 6 pixels."""
    path = tmp_path_factory.mktemp("net") / "net.safetensors"
    library.ConvNet(channels=(2,), hidden=()).fit(PIXELS, LABELS, steps=1, progress=False).save(path)
    return path


def with_nan():
    pixels = np.zeros((12, 6, 6))
    pixels[4, 1, 2] = np.nan
    return pixels


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": PIXELS[0], "labels": LABELS}, "images has shape (6, 6), expected (n, height, width) or (n, height"),
        ({"images": PIXELS[..., None, None], "labels": LABELS}, "images has shape (12, 6, 6, 1, 1), expected (n, h"),
        ({"images": PIXELS[:0], "labels": LABELS[:0]}, "images holds no images: its shape is (0, 6, 6)"),
        ({"images": PIXELS.astype(str), "labels": LABELS}, "images has dtype <U3, expected real numbers"),
        ({"images": PIXELS.astype(int) * 9, "labels": LABELS}, "images hold whole numbers from 0 to 1980, expected 0"),
        ({"images": with_nan(), "labels": LABELS}, "image 4 has a pixel that is NaN or infinite, at row 1, column 2"),
        ({"images": PIXELS}, "has no labels to learn; expected pictures in a subfolder for each class, or an .npz"),
        ({"images": PIXELS, "labels": LABELS[:9]}, "labels has shape (9,), expected a label for each of 12 images"),
        ({"images": PIXELS, "labels": LABELS[::2].repeat(2)}, "every image has the label 'column'; a classifier needs"),
        ({"labels": LABELS}, "has no array 'images'; it has 'labels'; say with --images-name and --labels-name which"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_learned(train, folder, tmp_path, arrays, message) -> None:
    result = train(arrays)
    assert (result.status, result.out) == (1, "")
    assert result.message.startswith(f"{tmp_path / 't.npz'}")
    assert message in result.message
    assert not folder.path.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--kernel", 7, "--padding", "valid"), "convolution 1 leaves nothing of pictures of 6 x 6 pixels, with a "
         "kernel of 7, padding valid and a pool of 2; fewer --channels, a smaller --kernel or --pool, or --padding"),
        (("--channels", "2,2,2"), "convolution 3 leaves nothing of pictures of 1 x 1 pixels"),
        (("--pool", 7), "convolution 1 leaves nothing of pictures of 6 x 6 pixels"),
        (("--pool", 0), "pool must be a positive whole number, got 0"),
        (("--kernel", 0), "kernel must be a positive whole number, got 0"),
        (("--padding", "full"), "unknown padding 'full'; known: same, valid"),
        (("--size", "5x5"), "images has images 6 pixels high and 6 wide, expected 5 pixels high and 5 wide; images in "
         "arrays are not resized"),
        (("--images-name", "x"), "t.npz has no array 'x'; it has 'images', 'labels'"),
        (("--held-out", 2), "held_out must be in [0, 1), got 2.0"),
        (("--learning-rate", 0), "learning_rate must be a positive number"),
        (("--shift", -1), "shift must be 0 or a positive whole number, got -1"),
        (("--held-out", "nowhere.npz"), "nowhere.npz: No such file or directory"),
        (("--test", 1), "--test must be a file or a fraction between 0 and 1, got 1"),
        (("--test", 0.001), "test 0.001 keeps none of 12 rows for the test"),
        (("--test", "nowhere.npz"), "nowhere.npz: No such file or directory"),
        (("--recipe", "best"), "unknown recipe 'best'; known: digits"),
        (("--objective", "squared_error"), "labels that are text, such as 'column'; squared_error needs numbers"),
    ],
)  # fmt: skip
def test_a_setting_that_makes_no_sense(train, folder, options, message) -> None:
    result = train(GOOD, *options)
    assert (result.status, result.out) == (1, "")
    assert message in result.message
    assert not folder.path.exists()


@pytest.mark.parametrize("size", ["28", "28x", "0x5", "5x-5", "5,5", "axb", "1x1x1"])
def test_a_size_that_is_none(train, folder, size) -> None:
    result = train(GOOD, "--size", size)
    assert (result.status, result.out) == (2, "")
    assert f"--size is height x width in pixels, such as 24x32, got '{size}'" in result.err
    assert not folder.path.exists()


def test_options_for_files_need_a_file(portnn, folder) -> None:
    for option, value in (("--size", "5x5"), ("--labels-name", "y")):
        result = portnn("conv", "train", "--out", folder.path, option, value)
        assert result.status == 2
        assert f"{option} says how to read a file, so give one too" in result.err


def test_folders_that_cannot_be_learned(train, folder, tmp_path) -> None:
    (tmp_path / "empty" / "sub").mkdir(parents=True)
    result = train(tmp_path / "empty")
    assert result.message == f"{tmp_path / 'empty'} holds no images; expected files .png, .jpg, .jpeg, .bmp, .gif, " \
                             ".webp, .tif, .tiff"  # fmt: skip
    loose = tmp_path / "loose"
    loose.mkdir()
    Image.fromarray(PIXELS[0]).save(loose / "1.png")
    result = train(loose)
    assert result.message.startswith(f"{loose} has no labels to learn; expected pictures in a subfolder")
    pictures = save_pictures(tmp_path / "p", PIXELS, LABELS)
    whole = (pictures / "row" / "3.png").read_bytes()
    (pictures / "row" / "3.png").write_bytes(whole[:50])
    result = train(pictures)
    assert result.message.startswith(f"{pictures / 'row' / '3.png'} cannot be read as a picture: ")
    (pictures / "row" / "3.png").write_bytes(b"no picture")
    result = train(pictures)
    assert result.message.startswith(f"{pictures / 'row' / '3.png'} is none of PNG, JPEG")
    assert not folder.path.exists()


def test_pictures_without_pillow(train, portnn, checkpoint, tmp_path, monkeypatch) -> None:
    pictures = save_pictures(tmp_path / "p", PIXELS, LABELS)
    monkeypatch.setitem(sys.modules, "PIL", None)
    for result in (train(pictures), portnn("conv", "predict", checkpoint, pictures)):
        assert (result.status, result.message) == (
            1,
            f"{pictures / 'column' / '0.png'} is a picture, which needs Pillow to be read: "
            'python -m pip install "portnn[images]"',
        )


def test_digits_without_scikit_learn(portnn, folder, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    result = portnn("conv", "train", "--out", folder.path)
    assert (result.status, result.message.partition("; ")[2]) == (1, 'python -m pip install "portnn[sklearn]"')


@pytest.mark.parametrize("option", ["--held-out", "--test"])
@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": PIXELS, "labels": ["blot", *LABELS[1:]]}, "image 0 has the label 'blot', which training never saw; "
         "the classes are 'column', 'row'"),
        ({"images": PIXELS[:, :5], "labels": LABELS}, "images has images 5 pixels high and 6 wide, expected 6"),
        ({"images": PIXELS}, "has no labels to measure with"),
        ({"images": with_nan(), "labels": LABELS}, "image 4 has a pixel that is NaN or infinite"),
    ],
)  # fmt: skip
def test_another_file_that_does_not_fit(train, folder, tmp_path, option, arrays, message) -> None:
    np.savez(tmp_path / "other.npz", **arrays)
    result = train(GOOD, option, tmp_path / "other.npz")
    assert (result.status, result.out) == (1, "")
    assert result.message.startswith(str(tmp_path / "other.npz"))
    assert message in result.message
    assert not folder.path.exists()


@pytest.mark.parametrize("command", ["predict", "evaluate", "features"])
@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"images": PIXELS[:, :5], "labels": LABELS},
            ": images has images 5 pixels high and 6 wide, expected 6 pixels",
        ),
        ({"images": PIXELS[..., None].repeat(3, 3), "labels": LABELS}, ": images has images of 3 channels, expected 1"),
        ({"images": with_nan(), "labels": LABELS}, ": image 4 has a pixel that is NaN or infinite, at row 1, column 2"),
        ({"labels": LABELS}, " has no array 'images'; it has 'labels'"),
    ],
)
def test_images_that_do_not_fit_the_network(portnn, checkpoint, tmp_path, command, arrays, message) -> None:
    np.savez(tmp_path / "t.npz", **arrays)
    out = ("--out", tmp_path / "f.npz") if command == "features" else ()
    result = portnn("conv", command, checkpoint, tmp_path / "t.npz", *out)
    assert (result.status, result.out) == (1, "")
    assert result.message.startswith(f"{tmp_path / 't.npz'}{message}")
    assert [path.name for path in tmp_path.iterdir()] == ["t.npz"]


def test_nothing_is_predicted_if_a_file_is_missing(portnn, checkpoint, tmp_path) -> None:
    np.savez(tmp_path / "t.npz", **GOOD)
    result = portnn("conv", "predict", checkpoint, tmp_path / "t.npz", tmp_path / "nowhere.png")
    assert (result.status, result.out) == (1, "")
    assert result.message == f"{tmp_path / 'nowhere.png'}: No such file or directory"


def test_images_that_cannot_be_measured(portnn, checkpoint, tmp_path) -> None:
    np.save(tmp_path / "t.npy", PIXELS)
    result = portnn("conv", "evaluate", checkpoint, tmp_path / "t.npy")
    assert result.message.startswith(f"{tmp_path / 't.npy'} has no labels to measure with; expected pictures in a")
    np.savez(tmp_path / "t.npz", images=PIXELS, labels=np.arange(12))
    result = portnn("conv", "evaluate", checkpoint, tmp_path / "t.npz")
    assert result.message == (
        f"{tmp_path / 't.npz'}: image 0 has the label 0, which training never saw; the classes are 'column', 'row'"
    )


def test_features_that_cannot_be_written(portnn, checkpoint, tmp_path) -> None:
    file = tmp_path / "t.npz"
    np.savez(file, **GOOD)
    before = file.read_bytes()
    for out, options, message in (
        ("f.csv", (), "f.csv has the suffix '.csv'; --out must end in .npz or .npy"),
        ("t.npz", ("--overwrite",), "t.npz is the file to read; name another with --out"),
        ("t.npz/f.npz", (), "cannot write "),
    ):
        result = portnn("conv", "features", checkpoint, file, "--out", tmp_path / out, *options)
        assert (result.status, result.out) == (1, "")
        assert message in result.message
    (tmp_path / "f.npz").write_text("mine")
    result = portnn("conv", "features", checkpoint, file, "--out", tmp_path / "f.npz")
    assert result.message == f"{tmp_path / 'f.npz'} already exists: --overwrite it, or name another file"
    assert portnn("conv", "features", checkpoint, file).status == 2
    assert (file.read_bytes(), (tmp_path / "f.npz").read_text()) == (before, "mine")


def test_a_checkpoint_of_another_kind(train, portnn, checkpoint, tmp_path) -> None:
    np.savez(tmp_path / "t.npz", **GOOD)
    mlp = tmp_path / "mlp"
    library.MLP((3,)).fit(np.eye(4), [0, 1, 0, 1], steps=1, out=mlp, progress=False)
    other = mlp / "last.safetensors"
    for command in (("predict",), ("evaluate",), ("features", "--out", tmp_path / "f.npz")):
        result = portnn("conv", command[0], other, tmp_path / "t.npz", *command[1:])
        assert (result.status, result.message) == (1, f"{other} is a checkpoint of MLP, not of ConvNet")
    result = train(GOOD, "--resume", "--out", mlp)
    assert (result.status, result.message) == (1, "the checkpoint holds 'MLP', not 'ConvNet'")
    result = portnn("mlp", "predict", checkpoint, tmp_path / "t.npz")
    assert result.message == f"{checkpoint} is a checkpoint of ConvNet, not of MLP"


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        (GOOD, ("--kernel", 5), "cannot resume: the checkpoint has kernel 3, not 5"),
        (GOOD, ("--held-out", 0.5), "cannot resume: the checkpoint has held_out 0.1, not 0.5"),
        ({**GOOD, "images": PIXELS + 1}, (), "is not the table trained on"),
        ({"images": PIXELS[:10], "labels": LABELS[:10]}, (), "rows, but the table trained on"),
        ({**GOOD, "images": PIXELS[:, :5]}, (), "images has images 5 pixels high and 6 wide, expected 6 pixels high"),
    ],
)
def test_resume_with_something_else(train, folder, arrays, options, message) -> None:
    assert train(GOOD).status == 0
    before = folder.last.read_bytes()
    result = train(arrays, "--resume", "--steps", 3, *options)
    assert (result.status, result.out) == (1, "")
    assert message in result.message
    assert folder.last.read_bytes() == before
    assert "already holds a run: --resume it, --overwrite it, or name another with --out" in train(GOOD).message
