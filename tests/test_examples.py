"""The examples run as they stand, with few steps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"

pytestmark = pytest.mark.host


def run(name: str, *arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_char_rnn(tmp_path):
    printed = run("char_rnn.py", "5", cwd=tmp_path)
    assert printed.startswith("The ")
    assert "Evaluation(nats=" in printed
    assert not list(tmp_path.iterdir())


def test_min_char_rnn_learns(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("hello world, " * 200, encoding="utf-8")
    printed = run("min_char_rnn.py", "300", str(text), cwd=tmp_path)
    losses = [float(line.split("smoothed loss ")[1].split()[0]) for line in printed.splitlines() if "smoothed" in line]
    assert len(losses) == 4
    assert losses[-1] < 0.9 * losses[0]
    assert "----" in printed


def test_min_char_rnn_is_the_recipe(tmp_path):
    """The first loss of the example is that of an almost uniform distribution, as the recipe's weights give."""
    text = tmp_path / "text.txt"
    text.write_text("abcdefgh" * 40, encoding="utf-8")
    printed = run("min_char_rnn.py", "0", str(text), cwd=tmp_path)
    assert "step 0, smoothed loss 51.986 nats per 25 characters" in printed


def test_scipy_minimizes_what_descent_cannot_in_as_many_steps(tmp_path):
    lbfgs, sgd = run("scipy_minimize.py", cwd=tmp_path).splitlines()
    accuracies = [float(line.split("accuracy ")[1].split()[0]) for line in (lbfgs, sgd)]
    assert accuracies[0] > 0.95
    assert accuracies[1] < accuracies[0]
