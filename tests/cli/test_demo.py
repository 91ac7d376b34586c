"""`portnn demo`: the studies are listed, found and run, and print the figures that they are to reproduce."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from portnn.cli.demo import FOLDERS, studies

pytestmark = pytest.mark.host

NAMES = [
    "circuit",
    "neuron",
    "rbf",
    "softmax",
    "ring",
    "digits",
    "spiral",
    "memory",
    "sentence",
    "convolution",
    "caption",
]
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


def test_lists_the_studies_in_their_order(portnn) -> None:
    result = portnn("demo")
    assert result.status == 0
    lines = [line.split(maxsplit=2) for line in result.out.splitlines()]
    assert [name for name, *_ in lines] == NAMES
    assert [number for _, number, _ in lines] == [f"{n}." for n in range(1, 12)]
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
