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
    place : int
        Its number among the processes of its machine, from 0.
    """

    rank: int
    size: int
    by: str
    place: int


LAUNCHERS = {
    "Open MPI": ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    "MPICH": ("PMI_RANK", "PMI_SIZE"),
    "Slurm": ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
}
"""Launchers, and the variables in which each tells rank and size; Slurm comes last, since it starts mpiexec, too."""

PLACES = ("OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID")
"""Variables that tell the place. Any launcher may have set each: srun tells MPICH's processes no place but its own."""


def launched() -> Launched | None:
    """How this process was started; None if it was by none of `LAUNCHERS`."""
    for name, variables in LAUNCHERS.items():
        rank, size = map(_number, variables)
        if rank is not None and size is not None:
            return Launched(rank, size, name, next((place for place in map(_number, PLACES) if place is not None), 0))
    return None


def _number(variable: str) -> int | None:
    value = os.environ.get(variable, "")
    return int(value) if value.isdigit() else None
