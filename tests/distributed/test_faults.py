"""What ends a job that loses a rank: one line, nothing half-written, and a run that can be resumed exactly."""

from __future__ import annotations

import os
import random
import re
import signal
import time

import pytest
from safetensors.numpy import load_file

from .conftest import waiting_for

SOON = 5.0
"""Seconds in which a job has to end."""

KILLS = 30

SMALL = ("--steps", 2000, "--hidden-size", 16, "--batch-size", 4, "--seq-length", 8, "--sample-every", 0, "--seed", 3)


def arguments(book, out, *more):
    return (
        "portnn",
        "char-rnn",
        "train",
        book,
        *SMALL,
        "--checkpoint-every",
        40,
        "--evaluate-every",
        400,
        "--out",
        out,
        *more,
    )


def same(one, other):
    found, right = load_file(one / "last.safetensors"), load_file(other / "last.safetensors")
    return found.keys() == right.keys() and all(found[name].tobytes() == right[name].tobytes() for name in right)


def test_ranks_and_mpiexec_are_killed_at_random_moments(start, run, book, tmp_path):
    """Each time the job ends soon; the last one ends as if nothing had been."""
    draw = random.Random(5)
    run(2, *arguments(book, tmp_path / "whole"))
    killed = 0
    for number in range(KILLS):
        job = start(2, *arguments(book, tmp_path / "run", "--resume"))
        checkpoint, written = tmp_path / "run" / "last.safetensors", time.time()
        with waiting_for("all ranks, or the next checkpoint") as done:
            while job.process.poll() is None and not done(
                len(job.ranks()) == 2
                and (number % 3 == 0 or (checkpoint.exists() and checkpoint.stat().st_mtime > written))
            ):
                pass
        time.sleep(draw.uniform(0.0, 0.5))
        victims = [*job.ranks().values(), job.process.pid]
        try:
            os.kill(victims[number % len(victims)], signal.SIGKILL)
        except ProcessLookupError:
            continue  # it was done
        begin = time.monotonic()
        job.wait()
        while job.ranks():
            time.sleep(0.01)
            assert time.monotonic() - begin < SOON
        assert time.monotonic() - begin < SOON
        assert job.lines() == []
        killed += 1
    assert killed > KILLS / 2
    run(2, *arguments(book, tmp_path / "run", "--resume"))
    assert same(tmp_path / "run", tmp_path / "whole")
    assert not list((tmp_path / "run").glob(".*tmp"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_once_and_the_run_is_resumed_exactly(start, run, book, tmp_path, number):
    run(2, *arguments(book, tmp_path / "whole"))
    job = start(2, *arguments(book, tmp_path / "run"))
    with waiting_for("the first checkpoint") as done:
        while not done((tmp_path / "run" / "last.safetensors").exists()):
            pass
    job.process.send_signal(number)
    assert job.wait() == 128 + number
    (line,) = job.lines()
    assert re.fullmatch(rf"portnn: stopped by {number.name} after step \d+; --resume continues from there", line)
    run(2, *arguments(book, tmp_path / "run", "--resume"))
    assert same(tmp_path / "run", tmp_path / "whole")


@pytest.mark.parametrize(("rank", "named"), [(0, "rank 1: rank 0 has"), (1, "rank 1 has"), (2, "rank 2 has")])
def test_a_rank_that_stops_answering_is_named(start, book, tmp_path, rank, named):
    job = start(3, *arguments(book, tmp_path / "run", "--timeout", 2, "--steps", 100_000))
    with waiting_for("the first checkpoint") as done:
        while not done((tmp_path / "run" / "last.safetensors").exists()):
            pass
    begin = time.monotonic()
    os.kill(job.ranks()[rank], signal.SIGSTOP)
    assert job.wait() == 1
    assert 2.0 <= time.monotonic() - begin < 2.0 + SOON
    assert job.lines() == [f"portnn: {named} not answered for 2 seconds; a longer --timeout waits longer"]


@pytest.mark.parametrize("rank", [0, 1])
def test_an_exception_on_one_rank_ends_all(program, rank):
    begin = time.monotonic()
    job = program(2, "fit", rank, "no file", 60, status=1)
    assert time.monotonic() - begin < 20.0
    assert job.said().count('corpus "nowhere.txt" does not exist') == 1
    assert "ended" not in job.output.read_text()


@pytest.mark.parametrize("what", ["all without a file", "callback fails"])
def test_an_exception_that_all_have_is_shown_once(program, what):
    job = program(3, "fit", -1, what, 60, status=1)
    assert job.said().count("Traceback") == 1, job.said()


def test_a_rank_that_never_comes_is_told(program):
    job = program(2, "fit", 1, "late", 2, status=1)
    assert "StalledError: some of the 2 processes have not started within 2 seconds" in job.said()


def test_a_full_disk_at_rank_0_ends_all(program):
    job = program(3, "fit", 0, "disk", 60, status=1)
    assert job.said().count("No space left on device: 'run/last.safetensors'") == 1
    assert "ended" not in job.output.read_text()
