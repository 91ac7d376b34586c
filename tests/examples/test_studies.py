"""The studies print the figures that they are to reproduce. The spiral takes longer: the documentation runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.image import imread

MAIN = "from portnn.cli import main; main()"

pytestmark = pytest.mark.host


def figures(printed: str) -> dict[str, tuple[float, float]]:
    """Lines of a table with a number `here` and one `to reproduce`, by their names."""
    number = r"(-?\d+\.\d+)"
    lines = re.findall(rf"^(\S.*?)\s+{number}(?:\s+{number})?\s+{number}$", printed, flags=re.MULTILINE)
    return {name: (float(here), float(expected)) for name, here, _, expected in lines}


def run(name: str, folder: Path, pictures: list[str]) -> str:
    """What a study printed, once it is seen that it wrote these pictures and no others, and that none is blank."""
    command = [sys.executable, "-W", "error", "-c", MAIN, "demo", name, "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    told = [line.removeprefix("wrote ") for line in done.stdout.splitlines() if line.startswith("wrote ")]
    assert told == [str(folder / f"{picture}.png") for picture in pictures]
    assert sorted(folder.iterdir()) == [Path(path) for path in told]
    for path in told:
        pixels = imread(path)[..., :3]
        assert pixels.shape[0] > 200
        assert 0.01 < (pixels < 0.9).any(axis=-1).mean() < 0.99, path
    return done.stdout


def test_circuit_reproduces_its_figures(tmp_path) -> None:
    found = figures(run("circuit", tmp_path / "not" / "yet" / "there", ["circuit"]))
    expected = {
        "output": 0.73,
        "gradient of w0": -0.20,
        "gradient of w1": -0.39,
        "gradient of w2": 0.20,
        "gradient of x0": 0.39,
        "gradient of x1": -0.59,
    }
    assert {name: here for name, (here, _) in found.items()} == expected
    assert {name: reproduce for name, (_, reproduce) in found.items()} == expected


def test_rbf_walks_down_to_the_floor_of_the_valley(tmp_path) -> None:
    printed = run("rbf", tmp_path, ["rbf", "rbf_cost", "rbf_descent", "rbf_samples"])
    found = figures(printed)
    assert len(found) == 4
    for here, expected in found.values():
        assert here == pytest.approx(expected, abs=0.005)
    start = float(re.search(r"cost at the start (\S+) nats", printed)[1])
    assert found["cost at the end"][0] < 0.15 * start
    assert int(re.search(r"^(\d+) of 40 samples", printed, flags=re.MULTILINE)[1]) >= 38


def test_softmax_agrees_with_its_formulas(tmp_path) -> None:
    found = figures(run("softmax", tmp_path, ["softmax", "softmax_gradient"]))
    assert len(found) == 11
    assert all(here == expected for here, expected in found.values()), found
    assert found["y1, sigmoid of the difference"][0] == 0.7311


def test_neuron_ends_where_its_cost_is_lowest(tmp_path) -> None:
    pictures = ["linear_neuron", "logistic_neuron", "neuron_samples"]
    found = figures(run("neuron", tmp_path, pictures))
    assert len(found) == 4
    for here, expected in found.values():
        assert here == pytest.approx(expected, abs=0.001)


def test_ring_separates_its_classes(tmp_path) -> None:
    printed = run("ring", tmp_path, ["ring_boundary", "ring_cost", "ring_hidden"])
    checked = re.findall(r"^layers\S+\[.*?\] +(-?\d\.\d+) +(-?\d\.\d+) +\S+$", printed, flags=re.MULTILINE)
    assert len(checked) == 17
    for numerical, analytical in checked:
        assert float(numerical) == pytest.approx(float(analytical), rel=1e-5, abs=2e-9)
    found = dict(re.findall(r"^(\S.*?)  +(\d\S+)  +\S.*$", printed, flags=re.MULTILINE))
    assert float(found["largest relative error of a gradient"]) < 1e-6
    assert float(found["loss after 300 steps, with momentum"]) < 0.01
    assert float(found["loss after 300 steps, without"]) > 0.3
    assert float(found["accuracy of the network"]) == float(found["accuracy of a plane in the hidden layer"]) == 1.0
    assert float(found["accuracy of a line in the points"]) < 0.7


def test_digits_are_read(tmp_path) -> None:
    printed = run("digits", tmp_path, ["digits", "digits_confusion", "digits_loss", "digits_misread"])
    accuracy = re.search(r"^accuracy on unseen digits +(\S+) +at least (\S+)$", printed, flags=re.MULTILINE)
    assert float(accuracy[1]) >= float(accuracy[2]) == 0.95


def test_memory_shows_where_the_gradient_fades(tmp_path) -> None:
    printed = run("memory", tmp_path, ["memory_accuracy", "memory_gradient", "memory_loss"])
    assert float(re.search(r"^largest difference of db .*: (\S+)$", printed, flags=re.MULTILINE)[1]) < 1e-15
    rows = re.findall(r"^(\S.*?)  +(\S+)  +(\S+)(?:  +(\S+)  +(\S+))?$", printed, flags=re.MULTILINE)
    found = {name: [float(value) for value in values if value] for name, *values in rows}
    assert found.pop("accuracy after 300 steps") == [5.0, 10.0, 20.0, 40.0]
    tanh, lstm, of_open = (found[name] for name in ("tanh", "LSTM", "LSTM, open"))
    assert tanh[0] == lstm[0] == 1.0
    assert of_open == [1.0] * 4
    assert tanh[3] < 0.6
    before = {name: found[f"{name}, before training"] for name in ("tanh", "GRU", "LSTM", "LSTM, open")}
    assert before["tanh"][1] < before["GRU"][1] < 1e-6 < 1e-4 < before["LSTM"][1] < 0.1 < 0.5 < before["LSTM, open"][1]
    assert found["tanh, after training"][1] < 1e-9
    assert found["LSTM, open, after training"][1] > 0.1


def test_convolution_is_what_a_pencil_finds(tmp_path) -> None:
    printed = run("convolution", tmp_path, ["convolution_backward", "convolution_forward"])
    found = figures(printed.partition("to reproduce")[2])
    assert len(found) == 5
    assert all(here == expected for here, expected in found.values()), found
    errors = re.findall(r"^(\w+) +relative error from central differences (\S+)$", printed, flags=re.MULTILINE)
    assert [name for name, _ in errors] == ["x", "weight", "bias"]
    assert all(float(error) < 1e-8 for _, error in errors)


def test_caption_goes_from_pixels_to_words_and_back(tmp_path) -> None:
    printed = run("caption", tmp_path, ["caption", "caption_time"])
    shapes = dict(re.findall(r"^(\w+) .* {3,}(\d+(?: x \d+)+)$", printed, flags=re.MULTILINE))
    assert shapes["places"] == shapes["dplaces"] == "2 x 8 x 8 x 1"
    assert shapes["v"] == shapes["dv"] == "1 x 64"
    assert (shapes["h"], shapes["y"]) == (shapes["dh"], shapes["dy"]) == ("10 x 1 x 64", "10 x 1 x 24")
    assert float(re.search(r"^largest difference from portnn.models: (\S+)$", printed, flags=re.MULTILINE)[1]) < 1e-12
    said = re.findall(r"^ *(\d+) {3}(\S+) +(0\.\d+|1\.00) ", printed, flags=re.MULTILINE)
    assert [int(number) for number, *_ in said] == list(range(1, len(said) + 1))
    assert said[-1][1] == "(boundary)"
    right = re.findall(r"^unseen .* (\S+) +at least (\S+)$", printed, flags=re.MULTILINE)
    assert len(right) == 2
    assert all(float(here) >= float(least) for here, least in right), right


def test_sentence_learns_negation_and_explains_it(tmp_path) -> None:
    pictures = ["sentence_but", "sentence_confusion", "sentence_loss", "sentence_not_sad", "sentence_unknown"]
    printed = run("sentence", tmp_path, pictures)
    parts = re.findall(r"^([a-z]+) +(-?\d\.\d{4}) +(-?\d\.\d{4})$", printed, flags=re.MULTILINE)
    assert [word for word, *_ in parts] == ["they", "were", "not", "very", "sad", "at", "all"]
    for _, explained, measured in parts:
        assert float(explained) == pytest.approx(float(measured), abs=2e-4)
    found = dict(re.findall(r"^(\S.*?)  +(\d\S+)  +\S.*$", printed, flags=re.MULTILINE))
    assert float(found["accuracy on the sentences it learned from"]) == 1.0
    assert float(found["accuracy on sentences it has not seen"]) >= 0.95
    assert float(found["largest error of a word's part"]) < 1e-6
