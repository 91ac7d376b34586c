"""Every `train` under mpiexec: the same options, files and figures, and one report."""

from __future__ import annotations

import json

import numpy as np
import pytest

RUNS = {
    "char-rnn": ("--steps", 12, "--hidden-size", 8, "--batch-size", 4, "--seq-length", 8),
    "mlp": ("--steps", 12),
    "text-classifier": ("--steps", 12, "--hidden-size", 4),
    "conv": ("--steps", 4, "--channels", "2"),
    "caption": ("--steps", 8, "--hidden-size", 4, "--embedding-size", 3),
}


@pytest.fixture
def data(tmp_path, book, rng):
    x = rng.normal(size=(120, 3))
    np.savez(tmp_path / "table.npz", X=x, y=(x[:, 0] > 0).astype(np.int64))
    labels = ["good" if row % 2 else "bad" for row in range(60)]
    (tmp_path / "texts.tsv").write_text("".join(f"{label}\tit was {label} indeed\n" for label in labels))
    images = rng.integers(0, 256, (40, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "pictures.npz", images=images, labels=np.arange(40) % 2)
    np.savez(tmp_path / "features.npz", features=rng.normal(size=(60, 5)))
    (tmp_path / "captions.tsv").write_text("".join(f"{row}\ta bright {row % 3}\n" for row in range(60)))
    return {
        "char-rnn": (book,),
        "mlp": (tmp_path / "table.npz",),
        "text-classifier": (tmp_path / "texts.tsv",),
        "conv": (tmp_path / "pictures.npz",),
        "caption": (tmp_path / "features.npz", tmp_path / "captions.tsv"),
    }


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def train(run, command, data, out, ranks, *more, **options):
    settings = (*RUNS[command], "--seed", 1, "--out", out, "--json", *more)
    return run(ranks, "portnn", command, "train", *data[command], *settings, **options)


@pytest.mark.parametrize("command", RUNS)
def test_a_command_trains_as_one_process_does(run, command, data, tmp_path):
    reports, curves = [], []
    for ranks in (1, 2):
        job = train(run, command, data, tmp_path / str(ranks), ranks)
        reports.append(json.loads(job.output.read_text()))
        lines = (tmp_path / str(ranks) / "metrics.jsonl").read_text().splitlines()
        curves.append([json.loads(line)["loss"] for line in lines])
        assert job.lines() == []
    assert reports[0].keys() == reports[1].keys()
    assert reports[0]["steps"] == reports[1]["steps"]
    np.testing.assert_allclose(*curves, rtol=1e-4)


def test_a_run_goes_on_with_any_number_of_ranks(run, data, tmp_path):
    for steps, ranks in ((6, 4), (9, 1), (12, 3)):
        more = ("--steps", steps, "--resume") if steps < 12 else ("--resume",)
        train(run, "char-rnn", data, tmp_path / "run", ranks, *more)
    train(run, "char-rnn", data, tmp_path / "alone", 1)
    ends = [json.loads((tmp_path / name / "metrics.jsonl").read_text().splitlines()[-1]) for name in ("run", "alone")]
    assert ends[0]["step"] == ends[1]["step"] == 12
    assert ends[0]["held_out_loss"] == pytest.approx(ends[1]["held_out_loss"], rel=1e-4)


@pytest.mark.parametrize(
    ("more", "status", "line"),
    [
        (("--batch-size", 1), 1, "portnn: 2 workers cannot share a batch_size of 1"),
        (("--workers", 2), 1, "portnn: --workers 2 starts processes of its own; mpiexec has started those of this run"),
        (
            ("--learning-rate", "1e9", "--clip-norm", "none", "--optimizer", "sgd"),
            3,
            "portnn: training diverged at step ",
        ),
        (("nowhere.txt",), 1, 'portnn: corpus "nowhere.txt" does not exist'),
    ],
)
def test_what_is_wrong_is_said_once(run, data, tmp_path, more, status, line):
    job = train(run, "char-rnn", data, tmp_path / "run", 2, *more, status=status)
    assert [said[: len(line)] for said in job.lines()] == [line]
    assert job.output.read_text() == ""


def test_a_folder_that_holds_a_run_is_refused_once(run, data, tmp_path):
    train(run, "char-rnn", data, tmp_path / "run", 2)
    job = train(run, "char-rnn", data, tmp_path / "run", 2, status=1)
    (line,) = job.lines()
    assert "already holds a run: --resume it, --overwrite it" in line


def test_other_commands_run_once(run, data, tmp_path):
    train(run, "char-rnn", data, tmp_path / "run", 2)
    job = run(3, "portnn", "char-rnn", "sample", tmp_path / "run", "--length", 30)
    assert len(job.output.read_text().strip("\n")) == 30


def test_the_bar_is_that_of_rank_0_alone(run, data, tmp_path):
    job = run(2, "portnn", "char-rnn", "train", *data["char-rnn"], *RUNS["char-rnn"], "--out", tmp_path / "run")
    assert job.said().count("units on numpy") == 1
    assert job.output.read_text().count("checkpoint  ") == 1


def test_info_shows_the_ranks_once(run):
    job = run(2, "portnn", "info", "--json")
    mpi = json.loads(job.output.read_text())["mpi"]
    assert mpi["library"].startswith("MPICH ")
    assert (mpi["ranks"], len(mpi["hosts"]), mpi["takes_gpu_buffers"]) == (2, 1, False)
    (line,) = [said for said in run(2, "portnn", "info").output.read_text().splitlines() if said.startswith("mpi ")]
    assert "2 ranks on 1 host" in line


def test_word_vectors_of_several_ranks(run, book, tmp_path):
    """Each has a part of the text, so that a pass takes half of the steps; one of them reports."""
    command = ("portnn", "word2vec", "train", book, "--vector-size", 8, "--seed", 1, "--epochs", 12, "--json", "--out")
    alone, two = (
        json.loads(run(ranks, *command, tmp_path / f"{ranks}.safetensors").output.read_text()) for ranks in (1, 2)
    )
    assert two["steps"] == pytest.approx(alone["steps"] / 2, rel=0.2)
    assert two["loss_nats_per_pair"] == pytest.approx(alone["loss_nats_per_pair"], rel=0.1)
    job = run(2, *command, tmp_path / "3.safetensors", "--optimizer", "adam", status=1)
    (line,) = job.lines()
    assert line.startswith("portnn: several processes learn word vectors by sgd without momentum")
