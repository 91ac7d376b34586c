"""`portnn conv train`: on files of images and on digits, with images apart, and on from where it was."""

from __future__ import annotations

import json
import os
import shlex
import signal

import numpy as np
import pytest
from PIL import Image

import portnn as library
from portnn.batches import RowBatches
from portnn.checkpoints import load_checkpoint
from portnn.images import LabelledImages
from portnn.tables import kept_for_test, split_ids

from .bars import bars, save_pictures, write_bars

pytestmark = pytest.mark.host

SMALL = ("--channels", "3", "--hidden", "5", "--batch-size", 8)
WHOLE = "pixels are whole numbers from 0 to 255: divided by 255\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_bars(tmp_path_factory.mktemp("images"))


@pytest.fixture
def train(portnn, data, tmp_path, monkeypatch):
    """Train something small on the bars, or on a file that is given first, without drawing."""
    monkeypatch.setattr("portnn.cli.conv.report.draw_curve", lambda *_, **__: (False, "not drawn"))

    def call(*arguments):
        files = [] if arguments and not str(arguments[0]).startswith("-") else [data / "bars.npz"]
        return portnn("conv", "train", *files, "--out", tmp_path / "run", *SMALL, *arguments)

    return call


def reported(result):
    return dict(line.split(None, 1) for line in result.out.replace("loss curve", "loss_curve").splitlines())


def facts(folder):
    return load_checkpoint(folder.last)[1]


def test_train_predict_evaluate_features(train, portnn, folder, data) -> None:
    file = data / "bars.npz"
    result = train("--epochs", 60, "--learning-rate", 0.03)
    assert result.status == 0, result.err
    assert (
        f"convolution of 3 channels, hidden layer of 5 units on numpy (cpu, float32): {file}, 60 images of 6 x 6 "
        "pixels, grey, 2 classes\n"
    ) in result.err
    assert result.err.count(WHOLE) == 1
    report = reported(result)
    # A tenth is held out unless that is said, so that there is a best checkpoint.
    assert report["learned"].endswith("accuracy 1.0000 on 6 held-out images, by which best.safetensors was chosen")
    assert "images/s over" in report["speed"]
    assert list(report)[-3:] == ["predict", "evaluate", "features"]
    predicted = portnn(*shlex.split(report["predict"])[1:])
    assert (predicted.status, predicted.err) == (0, "")
    labels = bars(60)[1]
    assert predicted.out.splitlines() == [f"{file}[{number}]\t{label}" for number, label in enumerate(labels)]
    evaluated = portnn(*shlex.split(report["evaluate"])[1:])
    assert evaluated.out.splitlines()[0].endswith("nats, accuracy 1.0000 on 60 images")
    assert [line.split() for line in evaluated.out.splitlines()[2:]] == [
        ["column", "row"],
        ["column", "30", "0"],
        ["row", "0", "30"],
    ]
    written = portnn(*shlex.split(report["features"])[1:])
    assert (written.status, written.err) == (0, "")
    features = folder.path / "features.npz"
    assert written.out.splitlines() == [
        f"{features}: features (60, 5) float32, labels (60,) <U6",
        f"to caption  portnn caption train {features} captions.tsv",
    ]


def test_json_says_what_the_model_says(train, folder, data) -> None:
    found = json.loads(train("--json", "--epochs", 3, "--test", data / "others.npz").out)
    assert (found["images"], found["measured_on"], found["best_checkpoint"]) == (6, "held-out", str(folder.best))
    model = library.load(folder.best)
    measured = model.evaluate(*bars(20, seed=1))
    file = str(data / "others.npz")
    assert found["test"] == {"loss": measured.loss, "accuracy": measured.score, "images": 20, "file": file}
    _, held = split_ids(60, 0.1, seed=0)
    pixels, labels = bars(60)
    assert found["loss"] == model.evaluate(pixels[held], labels[held]).loss
    assert shlex.split(found["evaluate_command"])[-2:] == [file, "--confusion"]


def test_without_a_file_it_learns_digits(portnn, folder, train) -> None:
    arguments = ("conv", "train", "--out", folder.path, "--channels", 3, "--hidden", 5, "--workers", 1)
    result = portnn(*arguments, "--steps", 3)
    assert result.status == 0, result.err
    assert "recipe digits: dropout 0.5, l2 0.0001, batch_size 32" in result.err
    assert "scikit-learn's digits, 1,438 images of 8 x 8 pixels, grey, 10 classes" in result.err
    report = reported(result)
    assert "on 359 test images, which neither trained nor chose it" in report["tested"]
    commands = [shlex.split(report[name])[1:] for name in ("predict", "evaluate", "features")]
    lines = [portnn(*command).out.splitlines() for command in commands]
    assert len(lines[0]) == 359
    assert lines[1][0] in report["tested"].replace("test images", "images")
    assert lines[2][0] == f"{folder.path / 'features.npz'}: features (359, 5) float32, labels (359,) int64"
    digits = LabelledImages(folder.path / "digits.npz")
    assert np.array_equal(digits.images, library.datasets.digits().test_images)
    again = portnn(*arguments, "--resume", "--steps", 4)
    assert (again.status, facts(folder)["run"]["step"]) == (0, 4), again.err
    few = portnn(*arguments, "--overwrite", "--steps", 1, "--test", 0.1, "--channels-first")
    assert "digits, 1,618 images" in few.err


def test_a_folder_of_pictures_of_any_size(train, portnn, folder, tmp_path) -> None:
    pixels, labels = bars(12, size=9)
    save_pictures(tmp_path / "p", pixels[:8], labels[:8])
    save_pictures(tmp_path / "p", np.repeat(pixels[8:, ..., None], 3, axis=3)[:, :7], labels[8:], suffix=".jpg")
    refused = train(tmp_path / "p", "--steps", 2)
    assert refused.status == 1
    assert refused.message.endswith("7 pixels high and 9 wide; --size HEIGHTxWIDTH resizes them")
    result = train(tmp_path / "p", "--steps", 2, "--size", "6x5")
    assert f": {tmp_path / 'p'}, 12 images of 6 x 5 pixels, in colour, 2 classes\n" in result.err
    Image.fromarray(pixels[0]).save(tmp_path / "new.png")
    predicted = portnn("conv", "predict", folder.best, tmp_path / "new.png", tmp_path / "p")
    assert predicted.status == 0, predicted.err
    names = [line.split("\t")[0] for line in predicted.out.splitlines()]
    assert names[0] == str(tmp_path / "new.png")
    assert names[1:3] == [os.path.join(tmp_path, "p", "column", name) for name in ("0.jpg", "0.png")]
    assert len(names) == 13
    assert portnn("conv", "evaluate", folder.best, tmp_path / "p").out.endswith("on 12 images\n")
    assert train(tmp_path / "p", "--resume", "--steps", 3).status == 0


def test_a_fraction_neither_trains_nor_chooses(train, folder) -> None:
    found = json.loads(train("--test", 0.2, "--json", "--epochs", 3, "--dtype", "float64").out)
    pixels, labels = bars(60)
    others, kept = kept_for_test(60, 0.2, seed=0)
    assert (found["test"]["images"], found["images"], found["test"]["file"]) == (12, 5, None)
    measured = library.load(folder.best).evaluate(pixels[kept], labels[kept])
    assert (found["test"]["loss"], found["test"]["accuracy"]) == pytest.approx(measured[:2])
    alone = library.ConvNet(channels=(3,), hidden=(5,), backend="numpy", dtype="float64")
    alone.fit(pixels[others], labels[others], held_out=0.1, batch_size=8, epochs=3, progress=False)
    arrays = load_checkpoint(folder.last)[0]
    assert all(np.array_equal(arrays[f"params.{name}"], array) for name, array in alone.params.items())
    assert "the run keeps 0.2 of the images for a test, not 0.3" in train("--resume", "--test", 0.3).message
    resumed = json.loads(train("--resume", "--epochs", 4, "--json").out)
    assert (resumed["test"]["images"], resumed["images"]) == (12, 5)


def test_a_class_that_only_the_test_has(train, folder, tmp_path) -> None:
    pixels, labels = bars(60)
    labels[kept_for_test(60, 0.2, seed=0)[1][0]] = "blot"
    np.savez(tmp_path / "t.npz", images=pixels, labels=labels)
    assert train(tmp_path / "t.npz", "--test", 0.2, "--steps", 2).status == 0
    assert library.load(folder.best).classes.labels.tolist() == ["blot", "column", "row"]


def test_other_files_are_held_out_and_tested(train, portnn, folder, data) -> None:
    apart = ("--held-out", data / "pictures", "--test", data / "others.npz")
    result = train(*apart, "--epochs", 2)
    assert "on 8 held-out images, by which" in result.out
    assert "on 20 test images" in result.out
    assert portnn(*shlex.split(reported(result)["evaluate"])[1:]).out.endswith("\n")
    forgotten = train("--resume", "--epochs", 3)
    assert (forgotten.status, forgotten.message) == (
        1,
        "the run to resume measures held-out images of a file: name it with --held-out",
    )
    assert train("--resume", *apart, "--epochs", 3).status == 0


def test_folders_named_by_numbers_stand_for_numbers(train, portnn, folder, tmp_path) -> None:
    pixels, labels = bars(20)
    numbers = np.where(labels == "row", 7, 12)
    np.savez(tmp_path / "t.npz", images=pixels, labels=numbers)
    save_pictures(tmp_path / "p", pixels, numbers)
    assert train(tmp_path / "t.npz", "--held-out", tmp_path / "p", "--steps", 2).status == 0
    results = [portnn("conv", "evaluate", folder.best, tmp_path / name).out for name in ("t.npz", "p")]
    assert results[0] == results[1]


def test_every_setting_reaches_the_run(portnn, data, folder, train) -> None:
    options = {
        "channels": "2,3", "kernel": 2, "pool": 2, "pooling": "mean", "padding": "same", "activation": "tanh",
        "hidden": "4,3", "dropout": 0.1, "l2": 0.01, "shift": 1, "noise": 0.1, "optimizer": "rmsprop", "steps": 5,
        "batch-size": 7, "clip-value": 0.5, "seed": 3, "patience": 2, "monitor": "score", "class-weight": "balanced",
    }  # fmt: skip
    flags = ("--standardize", "--flip", "--global-pooling", "--dtype", "float64")
    given = [part for name, value in options.items() for part in (f"--{name}", value)]
    result = portnn("conv", "train", data / "bars.npz", "--out", folder.path, *flags, *given)
    assert result.status == 0, result.err
    saved = facts(folder)
    found = {**saved["settings"], **saved["fit"]}
    expected = {**options, "channels": [2, 3], "hidden": [4, 3]}
    del expected["optimizer"]
    assert {name: found[name.replace("-", "_")] for name in expected} == expected
    assert (found["standardize"], found["flip"], found["global_pooling"], saved["dtype"]) == (True,) * 3 + ("float64",)
    assert found["optimizer"]["name"] == "rmsprop"
    assert saved["scaling"] is not None


def test_a_resumed_run_is_the_run_it_would_have_been(train, folder) -> None:
    settings = ("--shift", 1, "--dropout", 0.2, "--batch-norm")
    train(*settings, "--epochs", 4)
    whole = load_checkpoint(folder.last)[0]
    train(*settings, "--epochs", 2, "--overwrite")
    assert "resuming the run in" in train("--epochs", 4, "--resume").err
    after = load_checkpoint(folder.last)[0]
    assert whole.keys() == after.keys()
    assert all(np.array_equal(whole[name], after[name]) for name in whole)


def test_a_signal_saves_first(train, folder, monkeypatch) -> None:
    make_batch = RowBatches.at

    def strike(self, position):
        if position == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return make_batch(self, position)

    monkeypatch.setattr(RowBatches, "at", strike)
    result = train("--epochs", 100)
    assert (result.status, result.out) == (130, "")
    assert result.message == "stopped by SIGINT after step 4; --resume continues from there"
    monkeypatch.setattr(RowBatches, "at", make_batch)
    assert train("--resume", "--steps", 5).status == 0


def test_arrays_of_other_names_and_axes_are_remembered(train, portnn, folder, tmp_path) -> None:
    pixels, labels = bars(20)
    np.savez(tmp_path / "t.npz", x=np.stack([pixels, pixels], axis=1), y=labels, z=labels)
    refused = train(tmp_path / "t.npz", "--steps", 2)
    assert refused.message.endswith("it has 'x', 'y', 'z'; say with --images-name and --labels-name which arrays are "
                                    "to be read")  # fmt: skip
    names = ("--images-name", "x", "--labels-name", "y")
    refused = train(tmp_path / "t.npz", *names, "--steps", 2)
    assert "say with --channels-first or --no-channels-first whether its second axis" in refused.message
    result = train(tmp_path / "t.npz", *names, "--channels-first", "--steps", 2)
    assert "20 images of 6 x 6 pixels, of 2 channels, 2 classes" in result.err
    assert portnn("conv", "evaluate", folder.best, tmp_path / "t.npz").out.endswith("on 20 images\n")
    assert len(portnn("conv", "predict", folder.best, tmp_path / "t.npz").out.splitlines()) == 20
    assert train(tmp_path / "t.npz", "--resume", "--steps", 3).status == 0


def test_a_regression(train, portnn, folder, tmp_path) -> None:
    pixels = np.random.default_rng(0).random((20, 4, 4))
    np.savez(tmp_path / "t.npz", images=pixels, labels=np.rint(pixels.sum((1, 2))).astype(int))
    result = train(tmp_path / "t.npz", "--objective", "squared_error", "--steps", 2)
    assert "grey, a regression\n" in result.err
    assert WHOLE not in result.err
    assert ", R2 " in result.out
    evaluate = shlex.split(reported(result)["evaluate"])
    assert evaluate[-1] == str(tmp_path / "t.npz")
    assert ", R2 " in portnn(*evaluate[1:]).out
    predicted = portnn("conv", "predict", folder.best, tmp_path / "t.npz").out.splitlines()
    assert float(predicted[3].split("\t")[1]) == pytest.approx(float(library.load(folder.best).predict(pixels)[3]))
    for command, option in (("predict", "--proba"), ("evaluate", "--confusion")):
        refused = portnn("conv", command, folder.best, tmp_path / "t.npz", option)
        assert f"{folder.best} holds a regression, which has no" in refused.message


def test_patience_ends_a_run_and_says_so(train, folder) -> None:
    result = train("--patience", 1, "--evaluate-every", 1, "--learning-rate", 0.3, "--epochs", 50)
    assert "ended       by --patience: no lower loss in the last 1 measurement; --resume with a larger" in result.out
    assert facts(folder)["run"]["step"] < facts(folder)["fit"]["steps"]
