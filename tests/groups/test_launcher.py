"""What launchers leave in the environment."""

from __future__ import annotations

import pytest

from portnn.groups import launched
from portnn.groups.launcher import LAUNCHERS, PLACES

pytestmark = pytest.mark.host


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch):
    for variable in (*PLACES, *(variable for pair in LAUNCHERS.values() for variable in pair)):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, None),
        ({"PMI_RANK": "3"}, None),
        ({"PMI_RANK": "3", "PMI_SIZE": "8"}, (3, 8, "MPICH", 0)),
        ({"PMI_RANK": "3", "PMI_SIZE": "8", "MPI_LOCALRANKID": "1"}, (3, 8, "MPICH", 1)),
        (
            {"OMPI_COMM_WORLD_RANK": "5", "OMPI_COMM_WORLD_SIZE": "6", "OMPI_COMM_WORLD_LOCAL_RANK": "2"},
            (5, 6, "Open MPI", 2),
        ),
        ({"SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "6", "SLURM_LOCALID": "1"}, (5, 6, "Slurm", 1)),
        ({"PMI_RANK": "5", "PMI_SIZE": "6", "SLURM_LOCALID": "1"}, (5, 6, "MPICH", 1)),  # by srun
        # mpiexec, started by srun, which counts the mpiexecs.
        ({"PMI_RANK": "5", "PMI_SIZE": "6", "MPI_LOCALRANKID": "2", "SLURM_LOCALID": "0"}, (5, 6, "MPICH", 2)),
    ],
)
def test_rank_size_and_place(monkeypatch, variables, found):
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert launched() == found
