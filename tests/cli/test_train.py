from __future__ import annotations

import json
import math
import os
import shlex
import signal
import sys

import numpy as np
import pytest

import portnn as library
from portnn.checkpoints import load_checkpoint
from portnn.training import read_metrics

pytestmark = pytest.mark.host

COMMAND = "portnn.cli.char_rnn.train"


def test_results_to_stdout_and_progress_to_stderr(train_and_draw, folder) -> None:
    result = train_and_draw("--steps", 20, "--sample-every", 10)
    assert result.status == 0
    names = [line.split()[0] for line in result.out.splitlines()]
    assert names == ["learned", "speed", "checkpoint", "metrics", "loss", "sample"]
    assert "nats" in result.out
    assert "bits per character" in result.out
    assert " of 6 units on numpy (cpu, float32)" in result.err
    assert "step 20: loss" in result.err
    assert result.err.count("  | ") >= 2
    assert "\r" not in result.err
    assert "\x1b" not in result.out + result.err
    for file in (folder.last, folder.best, folder.metrics, folder.curve):
        assert file.stat().st_size > 0
    assert folder.curve.read_bytes().startswith(b"\x89PNG")


def test_json(train, folder, portnn) -> None:
    result = train("--steps", 4, "--json")
    found = json.loads(result.out)
    assert found["steps"] == 4
    assert math.isclose(found["held_out_bits"], found["held_out_nats"] / math.log(2))
    assert found["best_checkpoint"] == str(folder.best)
    command = shlex.split(found["sample_command"])
    assert command[0] == "portnn"
    assert portnn(*command[1:], "--length", 3).status == 0


def test_a_text_too_short_to_hold_anything_out(train, folder, portnn) -> None:
    result = train("--steps", 2, "--held-out", 0)
    assert "not measured" in result.out
    assert "best" not in result.out
    assert str(folder.last) in result.out.splitlines()[-1]
    assert not folder.best.exists()
    found = json.loads(train("--steps", 2, "--held-out", 0, "--overwrite", "--json").out)
    assert found["best_checkpoint"] is found["held_out_nats"] is None


def test_no_matplotlib_is_a_clear_line(train_and_draw, folder, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = train_and_draw("--steps", 2)
    assert result.status == 0
    assert "loss curve  not drawn: matplotlib is not installed; python -m pip install" in result.out
    assert not folder.curve.exists()
    assert json.loads(train_and_draw("--steps", 2, "--overwrite", "--json").out)["loss_curve"] is None


def test_a_picture_that_cannot_be_written_does_not_fail_the_run(train_and_draw, folder) -> None:
    train_and_draw("--steps", 2)
    folder.curve.unlink()
    folder.curve.mkdir()
    result = train_and_draw("--steps", 4, "--resume")
    assert result.status == 0
    assert "not drawn: cannot write" in result.out


@pytest.mark.parametrize("workers", [1, 2] if hasattr(os, "memfd_create") else [1])
def test_resume_goes_on_with_the_settings_of_the_run(train, folder, tmp_path, workers) -> None:
    """Bit for bit, without naming any of them again: 31 batches a pass, so the end of the text is crossed."""
    settings = {
        "cell": "gru",
        "num-layers": 2,
        "dropout": 0.25,
        "optimizer": "rmsprop",
        "learning-rate": 0.01,
        "clip-norm": "none",
        "clip-value": 0.5,
        "held-out": 0.1,
        "min-count": 2,
        "dtype": "float64",
        "seed": 5,
        "evaluate-every": 7,
        "checkpoint-every": 6,
        "workers": workers,
    }
    settings = [piece for name, value in settings.items() for piece in (f"--{name}", value)]
    whole = tmp_path / "whole"
    assert train("--steps", 40, *settings, "--out", whole).status == 0
    assert train("--steps", 23, *settings).status == 0
    result = train("--steps", 40, "--resume")
    assert result.status == 0
    assert f"resuming the run in {folder.path} after step 23" in result.err
    (arrays, facts), (others, other_facts) = load_checkpoint(whole / "last.safetensors"), load_checkpoint(folder.last)
    assert {name: array.tobytes() for name, array in arrays.items()} == {
        name: array.tobytes() for name, array in others.items()
    }
    assert facts["run"]["position"] == other_facts["run"]["position"] == 40
    assert facts["fit"] == other_facts["fit"]
    assert facts["fit"]["clip_norm"] is None
    assert facts["fit"]["workers"] == workers
    measured = [line["step"] for line in read_metrics(folder.metrics) if line["held_out_loss"] is not None]
    assert measured == [7, 14, 21, 23, 28, 35, 40]


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="workers need Linux")
def test_a_run_with_workers_goes_on_where_there_are_none(train, folder) -> None:
    assert train("--steps", 3, "--workers", 2).status == 0
    assert train("--steps", 5, "--resume", "--backend", "array-api-strict").status == 0
    assert load_checkpoint(folder.last)[1]["fit"]["workers"] == 1
    assert train("--steps", 7, "--resume", "--workers", 2).status == 0
    assert load_checkpoint(folder.last)[1]["fit"]["workers"] == 2


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="workers need Linux")
def test_a_worker_for_every_core(train, folder, monkeypatch) -> None:
    monkeypatch.setattr("portnn.training.sharing.available_cpus", lambda: 2)
    assert train("--steps", 2, "--batch-size", 16, "--hidden-size", 96, "--seq-length", 3).status == 0
    assert load_checkpoint(folder.last)[1]["fit"]["workers"] == 2


def test_a_drawn_seed_is_said_first_and_kept_when_resumed(train, folder) -> None:
    said = train("--steps", 2, "--seed", "none").err.splitlines()[0]
    seed = load_checkpoint(folder.last)[1]["settings"]["seed"]
    assert said == f"seed {seed}"
    resumed = train("--steps", 4, "--seed", "none", "--resume")
    assert resumed.status == 0
    assert not any(line.startswith("seed") for line in resumed.err.splitlines())
    assert load_checkpoint(folder.last)[1]["settings"]["seed"] == seed
    assert load_checkpoint(folder.last)[1]["run"]["step"] == 4


def test_resume_where_nothing_is_starts(train, folder) -> None:
    result = train("--steps", 2, "--resume")
    assert result.status == 0
    assert "no checkpoint in" in result.err
    assert load_checkpoint(folder.last)[1]["run"]["step"] == 2


def test_resume_of_a_run_that_is_done(train) -> None:
    train("--steps", 3)
    result = train("--resume")
    assert result.status == 0
    assert "3 steps" in result.out


def test_epochs_and_steps_are_totals(train, folder) -> None:
    train("--epochs", 1.5)
    assert load_checkpoint(folder.last)[1]["run"]["step"] == round(1.5 * 26)
    train("--epochs", 2, "--resume")
    assert load_checkpoint(folder.last)[1]["run"]["step"] == 52


def test_the_recipe(train, folder, portnn, tmp_path) -> None:
    book = tmp_path / "book.txt"
    book.write_text("to be or not to be; " * 10)
    result = portnn("char-rnn", "train", book, "--out", folder.path, "--recipe", "min-char-rnn", "--steps", 3)
    assert result.status == 0
    _, facts = load_checkpoint(folder.last)
    assert (facts["model"]["cell"], facts["model"]["hidden_size"], facts["fit"]["seq_length"]) == ("rnn", 100, 25)
    assert facts["fit"]["optimizer"]["name"] == "adagrad"
    assert (facts["fit"]["clip_value"], facts["fit"]["clip_norm"], facts["fit"]["smoothing"]) == (0.2, None, 0.999)
    # What is said beside a recipe counts more.
    result = train("--recipe", "min-char-rnn", "--steps", 2, "--overwrite", "--cell", "gru")
    (said,) = (line for line in result.err.splitlines() if line.startswith("recipe min-char-rnn: "))
    assert "optimizer adagrad" in said
    assert "cell" not in said  # only what the recipe decides
    _, facts = load_checkpoint(folder.last)
    assert (facts["model"]["cell"], facts["model"]["hidden_size"], facts["fit"]["batch_size"]) == ("gru", 6, 2)


@pytest.mark.parametrize("level", ["byte", "word"])
def test_other_levels(train, folder, level) -> None:
    result = train("--steps", 2, "--level", level)
    assert result.status == 0
    assert f"per {level}" in result.out
    assert load_checkpoint(folder.last)[1]["vocabulary"]["level"] == level


def test_a_mark_and_windows_line_ends_and_another_encoding_change_nothing(train, folder, tmp_path) -> None:
    text = "größer\nals ë\n" * 30
    files = {
        "plain": text.encode(),
        "marked": b"\xef\xbb\xbf" + text.encode(),
        "windows": text.replace("\n", "\r\n").encode(),
        "latin": text.encode("latin-1"),
    }
    found = {}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        encoding = "latin-1" if name == "latin" else "utf-8"
        assert train(tmp_path / name, "--steps", 2, "--overwrite", "--encoding", encoding).status == 0
        arrays, facts = load_checkpoint(folder.last)
        found[name] = ({key: array.tobytes() for key, array in arrays.items()}, facts["vocabulary"])
    assert found["plain"] == found["marked"] == found["windows"] == found["latin"]
    assert train(tmp_path / "latin", "--steps", 3, "--resume").status == 0  # its encoding is known


def test_the_documentation_of_python_is_the_default(portnn, folder, monkeypatch) -> None:
    monkeypatch.setattr(f"{COMMAND}.python_documentation", lambda: "some text to read; " * 40)
    result = portnn(
        "char-rnn",
        "train",
        "--steps",
        1,
        "--out",
        folder.path,
        "--batch-size",
        1,
        "--seq-length",
        5,
        "--hidden-size",
        2,
    )
    assert result.status == 0
    assert "the documentation that ships with Python" in result.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_first(train, folder, monkeypatch, number) -> None:
    def strike(self, event) -> None:
        if event.step == 4:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(f"{COMMAND}.SampleCallback.__call__", strike)
    result = train("--steps", 100, "--sample-every", 1)
    assert result.status == 128 + number
    assert result.message == f"stopped by {number.name} after step 4; --resume continues from there"
    assert result.out == ""
    assert load_checkpoint(folder.last)[1]["run"]["step"] == 4
    assert [line["step"] for line in read_metrics(folder.metrics)] == [4]


def test_an_interrupt_before_the_first_step(train, monkeypatch) -> None:
    def impatient(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(library.CharRNN, "fit", impatient)
    result = train("--steps", 100)
    assert (result.status, result.message) == (130, "stopped")


def test_a_diverged_run_leaves_the_last_good_checkpoint(train, folder) -> None:
    train("--steps", 4)
    before = folder.last.read_bytes()
    result = train("--steps", 40, "--resume", "--learning-rate", 1e30, "--clip-norm", "none")
    assert result.status == 3
    assert "training diverged at step" in result.message
    assert "learning rate 1e+30, gradient norm" in result.message
    assert folder.last.read_bytes() == before
    assert train("--steps", 6, "--resume").status == 0
    assert all(np.isfinite(line["loss"]) for line in read_metrics(folder.metrics))


def test_a_sample_changes_nothing_of_the_run(train, folder, tmp_path) -> None:
    train("--steps", 6, "--dropout", 0.5)
    train("--steps", 6, "--dropout", 0.5, "--sample-every", 2, "--out", tmp_path / "other")
    arrays, others = (load_checkpoint(path)[0] for path in (folder.last, tmp_path / "other" / "last.safetensors"))
    assert all(arrays[name].tobytes() == others[name].tobytes() for name in arrays)
