"""`portnn demo`: the studies are listed, found and run, and print the figures that they are to reproduce."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from matplotlib.image import imread

from portnn.cli.demo import FOLDERS, studies

pytestmark = pytest.mark.host

NAMES = ["circuit", "neuron", "rbf", "softmax", "ring", "digits", "spiral", "memory", "sentence"]
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Put a study of one's own in the place of those of portnn: ``study("print('hello')")``."""

    def write(code: str, name: str = "own") -> Path:
        folder = tmp_path / "studies"
        folder.mkdir(exist_ok=True)
        monkeypatch.setattr("portnn.cli.demo.FOLDERS", (folder,))
        path = folder / f"{name}.py"
        path.write_text(f'"""\n1. A study\n==========\n"""\n{code}\n', encoding="utf-8")
        return path

    return write


def figures(printed: str) -> dict[str, tuple[float, float]]:
    """Lines of a table with a number `here` and one `to reproduce`, by their names."""
    number = r"(-?\d+\.\d+)"
    lines = re.findall(rf"^(\S.*?)\s+{number}(?:\s+{number})?\s+{number}$", printed, flags=re.MULTILINE)
    return {name: (float(here), float(expected)) for name, here, _, expected in lines}


def run(portnn, name: str, folder: Path, pictures: list[str]) -> str:
    """What a study printed, once it is seen that it wrote these pictures and no others, and that none is blank."""
    result = portnn("demo", name, "--out", folder)
    assert result.status == 0, result.err
    told = [line.removeprefix("wrote ") for line in result.out.splitlines() if line.startswith("wrote ")]
    assert told == [str(folder / f"{picture}.png") for picture in pictures]
    assert sorted(folder.iterdir()) == [Path(path) for path in told]
    for path in told:
        pixels = imread(path)[..., :3]
        assert pixels.shape[0] > 200
        assert 0.01 < (pixels < 0.9).any(axis=-1).mean() < 0.99, path
    return result.out


def test_lists_the_studies_in_their_order(portnn) -> None:
    result = portnn("demo")
    assert result.status == 0
    lines = [line.split(maxsplit=2) for line in result.out.splitlines()]
    assert [name for name, *_ in lines] == NAMES
    assert [number for _, number, _ in lines] == [f"{n}." for n in range(1, 10)]
    assert all(len(title) > 10 for *_, title in lines)


def test_help_has_an_example(portnn) -> None:
    result = portnn("demo", "--help")
    assert result.status == 0
    assert "Example: portnn demo ring" in result.out


def test_unknown_name_is_told_the_known_ones(portnn) -> None:
    result = portnn("demo", "nonsense")
    assert result.status == 2
    message = " ".join(result.err.replace("\u2502", " ").split())
    assert "there is no study 'nonsense'" in message
    assert ", ".join(NAMES) in message


def test_circuit_reproduces_its_figures(portnn, tmp_path) -> None:
    found = figures(run(portnn, "circuit", tmp_path / "not" / "yet" / "there", ["circuit"]))
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


def test_rbf_walks_down_to_the_floor_of_the_valley(portnn, tmp_path) -> None:
    printed = run(portnn, "rbf", tmp_path, ["rbf", "rbf_cost", "rbf_descent", "rbf_samples"])
    found = figures(printed)
    assert len(found) == 4
    for here, expected in found.values():
        assert here == pytest.approx(expected, abs=0.005)
    start = float(re.search(r"cost at the start (\S+) nats", printed)[1])
    assert found["cost at the end"][0] < 0.15 * start
    assert int(re.search(r"^(\d+) of 40 samples", printed, flags=re.MULTILINE)[1]) >= 38


def test_softmax_agrees_with_its_formulas(portnn, tmp_path) -> None:
    found = figures(run(portnn, "softmax", tmp_path, ["softmax", "softmax_gradient"]))
    assert len(found) == 11
    assert all(here == expected for here, expected in found.values()), found
    assert found["y1, sigmoid of the difference"][0] == 0.7311


def test_neuron_ends_where_its_cost_is_lowest(portnn, tmp_path) -> None:
    pictures = ["linear_neuron", "logistic_neuron", "neuron_samples"]
    found = figures(run(portnn, "neuron", tmp_path, pictures))
    assert len(found) == 4
    for here, expected in found.values():
        assert here == pytest.approx(expected, abs=0.001)


def test_ring_separates_its_classes(portnn, tmp_path) -> None:
    printed = run(portnn, "ring", tmp_path, ["ring_boundary", "ring_cost", "ring_hidden"])
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


def test_memory_shows_where_the_gradient_fades(portnn, tmp_path) -> None:
    printed = run(portnn, "memory", tmp_path, ["memory_accuracy", "memory_gradient", "memory_loss"])
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


def test_sentence_learns_negation_and_explains_it(portnn, tmp_path) -> None:
    pictures = ["sentence_but", "sentence_confusion", "sentence_loss", "sentence_not_sad", "sentence_unknown"]
    printed = run(portnn, "sentence", tmp_path, pictures)
    parts = re.findall(r"^([a-z]+) +(-?\d\.\d{4}) +(-?\d\.\d{4})$", printed, flags=re.MULTILINE)
    assert [word for word, *_ in parts] == ["they", "were", "not", "very", "sad", "at", "all"]
    for _, explained, measured in parts:
        assert float(explained) == pytest.approx(float(measured), abs=2e-4)
    found = dict(re.findall(r"^(\S.*?)  +(\d\S+)  +\S.*$", printed, flags=re.MULTILINE))
    assert float(found["accuracy on the sentences it learned from"]) == 1.0
    assert float(found["accuracy on sentences it has not seen"]) >= 0.95
    assert float(found["largest error of a word's part"]) < 1e-6


def test_pictures_go_to_the_current_folder_without_out(portnn, study, tmp_path, monkeypatch) -> None:
    study("from pathlib import Path\nPath('new.png').write_bytes(b'new')\nprint(Path.cwd())")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.png").write_bytes(PNG)
    result = portnn("demo", "own")
    assert result.status == 0
    assert result.out.splitlines() == [str(tmp_path), "", "wrote new.png"]
    assert Path.cwd() == tmp_path


def test_a_picture_that_is_written_anew_is_told(portnn, study, tmp_path) -> None:
    study("from pathlib import Path\nPath('old.png').write_bytes(b'new')")
    (tmp_path / "old.png").write_bytes(PNG)
    assert portnn("demo", "own", "--out", tmp_path).out.splitlines()[-1] == f"wrote {tmp_path / 'old.png'}"


def test_the_folder_is_the_same_again_after_an_error(portnn, study, tmp_path) -> None:
    study("raise ValueError('the data are\\nno good')")
    before = Path.cwd()
    result = portnn("demo", "own", "--out", tmp_path)
    assert (result.status, result.message) == (1, "the data are no good")
    assert Path.cwd() == before


def test_ctrl_c_is_130(portnn, study, tmp_path) -> None:
    study("raise KeyboardInterrupt")
    assert portnn("demo", "own", "--out", tmp_path).status == 130


@pytest.mark.parametrize("package", ["sklearn", "matplotlib"])
def test_missing_package_is_told_with_what_installs_it(portnn, study, tmp_path, package) -> None:
    study(f"raise ModuleNotFoundError('No module named {package}.datasets', name='{package}.datasets')")
    result = portnn("demo", "own", "--out", tmp_path)
    assert result.status == 1
    assert f"needs {package}, which is not installed" in result.message
    assert 'python -m pip install "portnn[sklearn,plot]"' in result.message


@pytest.mark.parametrize("package", ["sklearn", "matplotlib"])
def test_digits_says_what_is_missing(portnn, tmp_path, monkeypatch, package) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    result = portnn("demo", "digits", "--out", tmp_path)
    assert result.status == 1
    assert f"{package} is not installed" in result.message.replace(".datasets", "")
    assert 'python -m pip install "portnn[sklearn,plot]"' in result.message


def test_no_studies_at_all(portnn, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("portnn.cli.demo.FOLDERS", (tmp_path,))
    assert "no studies" in portnn("demo").message


def test_an_installed_package_looks_in_its_own_folder_first() -> None:
    assert [folder.name for folder in FOLDERS] == ["studies", "studies"]
    assert FOLDERS[0].parent.name == "portnn"
    assert list(studies()) == NAMES
