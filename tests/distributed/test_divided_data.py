"""Data of several ranks: a text that is divided among them, and files that are dealt out."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from portnn.checkpoints import load_checkpoint

RNN = ("--hidden-size", 8, "--batch-size", 4, "--seq-length", 5, "--held-out", 0, "--steps", 30, "--seed", 1, "--json")
VECTORS = ("--vector-size", 8, "--min-count", 2, "--seed", 1, "--json")


@pytest.fixture
def folder(tmp_path):
    """Four files of a text."""
    draw = np.random.default_rng(2)
    (tmp_path / "corpus").mkdir()
    for number in range(4):
        lines = (" ".join(f"w{n}" for n in draw.zipf(1.5, 9) if n < 60) for _ in range(400))
        (tmp_path / "corpus" / f"{number}.txt").write_text("\n".join(lines))
    return tmp_path / "corpus"


def checkpoint(path):
    arrays, facts = load_checkpoint(path)
    return {name: array for name, array in arrays.items() if name.startswith("vocabulary")}, facts


def test_words_are_counted_and_encoded_a_piece_by_each(run, folder, tmp_path):
    """And the run goes on with another number of ranks, which divide the text otherwise."""
    found = []
    for ranks, more in ((1, ()), (3, ()), (2, ("--sharded",))):
        out = tmp_path / f"{ranks}"
        run(ranks, "portnn", "word2vec", "train", folder, *VECTORS, "--epochs", 2, *more, "--out", out)
        found.append(checkpoint(out / "last.safetensors"))
    for vocabulary, facts in found[1:]:
        assert {name: array.tolist() for name, array in vocabulary.items()} == {
            name: array.tolist() for name, array in found[0][0].items()
        }
        assert facts["data"] | {"name": "", "sha256": None} == found[0][1]["data"] | {"name": "", "sha256": None}
        assert facts["data"]["sha256"] is None
    job = run(1, "portnn", "word2vec", "train", folder, *VECTORS, "--epochs", 4, "--resume", "--out", tmp_path / "3")
    assert json.loads(job.output.read_text())["steps"] > found[1][1]["run"]["step"]
    (folder / "0.txt").write_text((folder / "1.txt").read_text())
    again = ("--epochs", 6, "--resume", "--out", tmp_path / "3")
    job = run(2, "portnn", "word2vec", "train", folder, *VECTORS, *again, status=1)
    assert job.lines()[-1].startswith("portnn: cannot resume: corpus ")


def test_files_dealt_out_train_as_the_same_text_in_one(run, tmp_path):
    """Two files of 201 characters whose four streams are also those of one text: only its seam differs."""
    (tmp_path / "shards").mkdir()
    draw = np.random.default_rng(4)
    text = "".join(draw.choice(list("abcd "), 401))
    for number in range(2):
        (tmp_path / "shards" / f"{number}.txt").write_text(text[200 * number : 200 * number + 201])
    (tmp_path / "whole.txt").write_text(text)
    curves = []
    for ranks, name, more in ((1, "whole.txt", ()), (2, "shards", ("--sharded",))):
        out = tmp_path / f"run{ranks}"
        run(ranks, "portnn", "char-rnn", "train", tmp_path / name, *RNN, *more, "--out", out)
        lines = (out / "metrics.jsonl").read_text().splitlines()
        curves.append([json.loads(line)["loss"] for line in lines])
    np.testing.assert_allclose(*curves, rtol=1e-5)
    job = run(1, "portnn", "char-rnn", "train", tmp_path / "shards", "--resume", "--out", tmp_path / "run2", status=1)
    (line,) = job.lines()
    assert line.startswith("portnn: sharded deals files out to the processes of an MPI job: start one")


@pytest.mark.parametrize(
    ("ranks", "command", "line"),
    [
        (5, "char-rnn", "portnn: 5 processes find the same 4 files to deal out among them, so rank 4 would have none"),
        (5, "word2vec", "portnn: 5 processes find the same 4 files to deal out among them, so rank 4 would have none"),
        (1, "word2vec", "portnn: sharded deals files out to the processes of an MPI job: start one"),
    ],
)
def test_what_cannot_be_dealt_out(run, folder, tmp_path, ranks, command, line):
    options = (folder, "--sharded", "--out", tmp_path / "run")
    job = run(ranks, "portnn", command, "train", *options, status=1)
    assert [said[: len(line)] for said in job.lines()] == [line]


def test_the_constructor_names_the_processes_and_fit_deals_the_files_out(run, folder, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import pathlib, sys, portnn\n"
        "model = portnn.Word2Vec(vector_size=8, min_count=1, epochs=1, seed=1, workers='mpi')\n"
        "model.fit(pathlib.Path(sys.argv[1]), sharded=True, progress=False)\n"
        "print(model.vocabulary.counts.sum())\n"
    )
    words = sum(len(file.read_text().split()) for file in folder.iterdir())
    said = run(2, sys.executable, program, folder).output.read_text()
    assert "".join(said.split()) == str(words) * 2  # their lines may come as one


def test_fewer_sentences_than_ranks(run, tmp_path):
    (tmp_path / "two.txt").write_text("a b a b\nb a b\n")
    options = (tmp_path / "two.txt", "--min-count", 1, "--out", tmp_path / "run")
    (line,) = run(4, "portnn", "word2vec", "train", *options, status=1).lines()
    assert line.startswith("portnn: two.txt: divided among 4 processes, it leaves none")
    assert "start fewer processes" in line
