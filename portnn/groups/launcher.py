"""Which process of how many this one is, by what mpiexec or srun left in the environment."""

from __future__ import annotations

import os
from typing import NamedTuple


class Launched(NamedTuple):
    """A process that a launcher has started.

    Attributes
    ----------
    rank, size : int
    by : str
        The kind of launcher.
    """

    rank: int
    size: int
    by: str


LAUNCHERS = {
    "Open MPI": ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    "MPICH": ("PMI_RANK", "PMI_SIZE"),
    "Slurm": ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
}
"""Launchers, and the variables in which each tells rank and size; Slurm comes last, since it starts mpiexec, too."""


def launched() -> Launched | None:
    """How this process was started; None if it was by none of `LAUNCHERS`."""
    for name, (rank, size) in LAUNCHERS.items():
        if os.environ.get(rank, "").isdigit() and os.environ.get(size, "").isdigit():
            return Launched(int(os.environ[rank]), int(os.environ[size]), name)
    return None
