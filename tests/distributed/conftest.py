"""Jobs of several ranks, started as a person would start them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"

LIMIT = 120.0
"""Seconds after which a job has hung."""

FEW_CORES = {
    "OPENBLAS_NUM_THREADS": "1",
    # Ranks that wait leave the core to those that have something to do.
    "MPIR_CVAR_POLLS_BEFORE_YIELD": "1",
    "MPIR_CVAR_CH4_PROGRESS_THROTTLE": "true",
}


class Job:
    """A running job; `output` and `errors` are files that it writes to."""

    def __init__(self, command: list[str], folder: Path, **environment: str) -> None:
        self.output, self.errors, self.name = folder / "job.out", folder / "job.err", uuid4().hex
        with self.output.open("wb") as out, self.errors.open("wb") as err:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=folder,
                env={**os.environ, **FEW_CORES, **environment, "PORTNN_JOB": self.name},
                start_new_session=True,
            )

    def ranks(self) -> dict[int, int]:
        """Process of each rank that has been started."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                entries = (folder / "environ").read_bytes().split(b"\0")
                variables = dict(entry.split(b"=", 1) for entry in entries if b"=" in entry)
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            except (OSError, IndexError):  # it has ended
                continue
            if variables.get(b"PORTNN_JOB") == self.name.encode() and b"PMI_RANK" in variables and state != "Z":
                found[int(variables[b"PMI_RANK"])] = int(folder.name)
        return found

    def wait(self, limit: float = LIMIT) -> int:
        """Exit status; a job that hangs is killed, and fails the test."""
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"the job did not end within {limit:g} s\n{self.said()}")

    def kill(self) -> None:
        """End all of its processes."""
        for number in self.ranks().values():
            os.kill(number, signal.SIGKILL)
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def said(self) -> str:
        """What it wrote to stderr, without what mpiexec says of a rank that was killed."""
        return self.errors.read_text(errors="replace")

    def lines(self) -> list[str]:
        """Lines of stderr that begin with portnn's name."""
        return [line for line in self.said().splitlines() if line.startswith("portnn: ")]


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[..., Job]]:
    """Start ``mpiexec -n ranks command``; what still runs when the test ends is killed."""
    jobs = []

    def started(
        ranks: int, *command: object, options: tuple[str, ...] = (), folder: Path = tmp_path, **env: str
    ) -> Job:
        folder.mkdir(exist_ok=True)
        jobs.append(Job(["mpiexec", *options, "-n", str(ranks), *map(str, command)], folder, **env))
        return jobs[-1]

    yield started
    for job in jobs:
        if job.process.poll() is None:
            job.kill()


@pytest.fixture
def run(start) -> Callable[..., Job]:
    """Start a job and wait for its end; its exit status has to be the one given."""

    def ended(ranks: int, *command: object, status: int = 0, **options) -> Job:
        job = start(ranks, *command, **options)
        found = job.wait()
        assert found == status, job.said()
        return job

    return ended


@pytest.fixture
def program(run) -> Callable[..., Job]:
    """Run one of the programs beside these tests."""

    def ran(ranks: int, name: str, *arguments: object, **options) -> Job:
        return run(ranks, sys.executable, PROGRAMS / f"{name}.py", *arguments, **options)

    return ran


@pytest.fixture
def book(tmp_path) -> Path:
    """A text that a small network learns from."""
    path = tmp_path / "book.txt"
    path.write_text("the quick brown fox jumps over the lazy dog. it was not there, and so on.\n" * 400)
    return path


@contextmanager
def waiting_for(what: str, limit: float = LIMIT) -> Iterator[Callable[[bool], bool]]:
    """Ask again and again until something is so."""
    deadline = time.monotonic() + limit

    def done(so: bool) -> bool:
        if not so:
            if time.monotonic() > deadline:
                pytest.fail(f"{what} did not happen within {limit:g} s")
            time.sleep(0.01)
        return so

    yield done


if shutil.which("mpiexec") is None:
    raise pytest.UsageError('these tests need MPI: python -m pip install "portnn[mpi]"')
