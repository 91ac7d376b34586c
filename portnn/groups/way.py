"""Which way the sums of a group take, by where its arrays are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Way = Literal["host", "pinned", "nccl"]


class Place(NamedTuple):
    """Where a process has its arrays.

    Attributes
    ----------
    machine : str
    gpu : str or None
        One of the machine's GPUs, by a name that is the same in all of its processes. None for none, or if the array
        library lets nobody else at its memory.
    nccl : bool
        Whether the library has NCCL.
    """

    machine: str
    gpu: str | None
    nccl: bool


def way_of(places: Sequence[Place]) -> Way:
    """Way that all processes of a group take.

    Parameters
    ----------
    places : sequence of Place
        That of every process, so that all come to the same answer.

    Returns
    -------
    {"host", "pinned", "nccl"}
        Through the host's memory; through page-locked memory, from which a GPU copies faster; or from GPU to GPU. The
        memory of a GPU is never given to MPI, which would add it up on the host, too.
    """
    if any(place.gpu is None for place in places):
        return "host"
    gpus = {(place.machine, place.gpu) for place in places}
    # NCCL refuses two processes on one GPU.
    return "nccl" if len(gpus) == len(places) and all(place.nccl for place in places) else "pinned"
