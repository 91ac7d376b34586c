"""What commands write, whatever the locale: JSON in ASCII, files and pipes in UTF-8, and never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import portnn as library
from portnn.cli.options import print_json

pytestmark = pytest.mark.host

ROOT = Path(__file__).resolve().parents[2]
MAIN = (sys.executable, "-c", "from portnn.cli import main; main()")
LOCALES = [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "cp1252"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}]
TEXT = "日本語 café ψ — das größte\n"


def called(*arguments, locale, stdin=None):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    environment |= {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "PORTNN_TUNE": "0", **locale}
    return subprocess.run([*MAIN, *map(str, arguments)], capture_output=True, env=environment, input=stdin, check=False)


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """A table whose labels no small encoding has, and a model of it."""
    folder = tmp_path_factory.mktemp("trees")
    rows = [f"{n % 2},{('日本', 'café')[n % 2]}\n" for n in range(40)]
    (folder / "t.csv").write_text("größe,art\n" + "".join(rows), encoding="utf-8")
    x = np.arange(40.0)[:, None] % 2
    model = library.MLP((4,), standardize=True, seed=1)
    model.fit(x, ["日本", "café"] * 20, steps=60, learning_rate=0.1, progress=False).save(folder / "m.safetensors")
    return folder


@pytest.fixture(scope="module")
def rnn(tmp_path_factory):
    path = tmp_path_factory.mktemp("rnn") / "model.safetensors"
    model = library.CharRNN(hidden_size=2)
    return model.fit(TEXT * 4, steps=1, batch_size=1, seq_length=5, held_out=0, progress=False).save(path) or path


@pytest.mark.parametrize("locale", LOCALES[2:], ids=str)
def test_pipes_are_utf_8_and_json_is_ascii(trees, rnn, locale) -> None:
    expected = ["prediction", *["日本", "café"] * 20]
    result = called("mlp", "predict", trees / "m.safetensors", trees / "t.csv", locale=locale)
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout == "".join(f"{line}\n" for line in expected).encode()
    result = called("mlp", "predict", trees / "m.safetensors", trees / "t.csv", "--json", locale=locale)
    assert json.loads(result.stdout.decode("ascii"))["predictions"] == expected[1:]
    sampled = called("char-rnn", "sample", rnn, "--length", 60, "--temperature", 3, locale=locale)
    assert sampled.returncode == 0
    assert set(TEXT) >= set(sampled.stdout.decode()) > {"本"}


def test_predictions_in_the_encoding_asked_for(trees, tmp_path) -> None:
    file = tmp_path / "latin.csv"
    file.write_text("größe\n1\n1\n", encoding="latin-1")
    model = tmp_path / "m.safetensors"
    library.MLP((2,)).fit([[0.0], [1.0]], ["übel", "café"], steps=1, progress=False).save(model)
    locale = {"PYTHONIOENCODING": "ascii"}
    result = called("mlp", "predict", model, file, "--encoding", "latin-1", "--proba", locale=locale)
    assert result.stdout.decode("latin-1").splitlines()[0] == "prediction,p_café,p_übel"
    out = tmp_path / "answers.csv"
    assert called("mlp", "predict", model, file, "--encoding", "latin-1", "--out", out, locale=locale).returncode == 0
    assert out.read_bytes() == out.read_text("latin-1").encode("latin-1")
    result = called(
        "mlp", "predict", trees / "m.safetensors", file, "--encoding", "latin-1", "--out", tmp_path / "o", locale=locale
    )
    assert (result.returncode, result.stdout) == (1, b"")
    assert b"cannot be written in latin-1, which --encoding asks for" in result.stderr
    assert not (tmp_path / "o").exists()
    result = called("mlp", "predict", trees / "m.safetensors", trees / "t.csv", "--out", tmp_path / "o", locale=locale)
    assert result.returncode == 0
    assert (tmp_path / "o").read_bytes().startswith("prediction\n日本\ncafé\n".encode())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("locale", LOCALES[:2], ids=str)
def test_a_terminal_that_lacks_a_letter_shows_its_escape(trees, locale) -> None:
    import pty

    master, slave = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PORTNN_TUNE": "0", **locale}
    command = [*MAIN, "mlp", "predict", str(trees / "m.safetensors"), str(trees / "t.csv")]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        seen = b""
        try:
            while chunk := os.read(master, 4096):
                seen += chunk
        except OSError:  # the terminal has closed
            pass
        assert process.wait(60) == 0
    os.close(master)
    assert seen.splitlines()[1] == rb"\u65e5\u672c"
    assert b"Traceback" not in seen


def test_errors_with_any_letters_take_one_line(tmp_path) -> None:
    result = called("mlp", "train", tmp_path / "日本.csv", "--out", tmp_path / "run", locale=LOCALES[0])
    assert result.returncode == 1
    assert result.stderr.decode("ascii").count("\n") == 1
    assert rb"\u65e5\u672c.csv: No such file" in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="needs names that are not UTF-8")
def test_a_name_that_is_no_text_is_shown(trees, tmp_path) -> None:
    out = os.fsdecode(os.fsencode(tmp_path) + b"/run\xff")
    result = called("mlp", "train", trees / "t.csv", "--steps", 2, "--out", out, locale={"LC_ALL": "C.UTF-8"})
    assert result.returncode == 0, result.stderr
    assert rb"run\udcff/last.safetensors" in result.stdout


def test_json_has_no_nan(capsys) -> None:
    print_json({"r2": float("nan"), "losses": [1.5, float("inf")], "shape": (2, True), "letters": "é日\ud800"})
    out = capsys.readouterr().out
    assert out.isascii()
    found = json.loads(out)
    assert found == {"r2": None, "losses": [1.5, None], "shape": [2, True], "letters": "é日\ud800"}
