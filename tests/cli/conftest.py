"""The command line in this process: fast, and with its output at hand."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import typer.main

from portnn.cli.app import run
from portnn.training import RunFolder

TEXT = "to be or not to be, that is the question;\n" * 12
SMALL = ("--hidden-size", "6", "--batch-size", "2", "--seq-length", "9", "--sample-every", "0")


class Result(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def message(self) -> str:
        """The line on stderr that says what went wrong."""
        lines = [line for line in self.err.splitlines() if line.startswith("portnn: ")]
        assert len(lines) == 1, self.err
        assert self.err.endswith(lines[0] + "\n")
        return lines[0].removeprefix("portnn: ")


built = functools.cache(typer.main.get_command)
"""All commands and their options: Typer would build them for every call, which takes longer than most calls."""


@pytest.fixture
def portnn(monkeypatch, capsys) -> Callable[..., Result]:
    """Call the command: ``portnn("char-rnn", "train", path)``."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # Typer sets its own
    monkeypatch.setattr("typer.main.get_command", built)
    monkeypatch.delenv("PORTNN_BACKEND", raising=False)

    def call(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["portnn", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            run()
        return Result(caught.value.code or 0, *capsys.readouterr())

    return call


@pytest.fixture
def train_and_draw(portnn, tmp_path) -> Callable[..., Result]:
    """Train something small: ``train("--steps", 3)`` on the text above, or on a file that is given first."""
    book = tmp_path / "book.txt"
    book.write_text(TEXT)

    def call(*arguments: object) -> Result:
        files = [] if arguments and isinstance(arguments[0], Path) else [book]
        return portnn("char-rnn", "train", *files, "--out", tmp_path / "run", *SMALL, *arguments)

    return call


@pytest.fixture
def train(train_and_draw, monkeypatch) -> Callable[..., Result]:
    """Train without drawing the loss curve, which takes longer than all the rest."""
    monkeypatch.setattr("portnn.cli.char_rnn.report.draw_curve", lambda *_, **__: (False, "not drawn"))
    return train_and_draw


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    """Where `train` puts its run."""
    return RunFolder(tmp_path / "run")
