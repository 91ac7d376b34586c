"""Ranks that differ are told before any of them trains."""

from __future__ import annotations

import re

import pytest


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("seed", "has settings.seed 2, but rank 0 has 1"),
        ("rate", "has fit.learning_rate 0.5, but rank 0 has 0.002"),
        ("size", "has settings.hidden_size 9, but rank 0 has 8"),
        ("text", "has data."),
        ("vocabulary", "has vocabulary."),
        ("library", "has array library 'array-api-strict', but rank 0 has 'numpy'"),
        ("version", "has portnn '0.0.1', but rank 0 has"),
    ],
)
def test_ranks_that_differ(program, what, message, tmp_path):
    job = program(3, "fit", 2, what, 60, status=1)
    assert "ended" not in job.output.read_text()
    errors = [line for line in job.said().splitlines() if "Error: " in line]
    assert len(errors) == 1, job.said()
    assert errors[0].startswith("ValueError: rank 2 on ")
    assert message in errors[0]
    assert errors[0].endswith("all processes of a run must be alike")
    assert not list(tmp_path.glob("run/*.safetensors"))


def test_ranks_that_are_alike(program):
    job = program(3, "fit", -1, "nothing", 60)
    said = re.findall(r"rank (\d) ended after step 30", job.output.read_text())  # their lines may come as one
    assert sorted(said) == ["0", "1", "2"]


def test_a_seed_that_nobody_has_given_is_that_of_rank_0(run, book, tmp_path):
    run(
        2,
        "portnn",
        "char-rnn",
        "train",
        book,
        "--steps",
        4,
        "--hidden-size",
        8,
        "--seed",
        "none",
        "--out",
        tmp_path / "run",
    )
