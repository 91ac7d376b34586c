"""What `portnn info` says of MPI."""

from __future__ import annotations

from typing import TypedDict

from portnn.cli.ranks import is_shared
from portnn.groups import find_mpi, library_of, load_mpi, takes_gpu_buffers


class MPIStatus(TypedDict):
    """MPI as this process finds it.

    `library` is None without one, and `reason` then says why. `hosts` are the machines of the ranks, in their order,
    each once; none where no mpiexec has started the process, where nobody knows of buffers either.
    """

    library: str | None
    reason: str | None
    ranks: int
    hosts: list[str]
    takes_gpu_buffers: bool | None


def mpi_status() -> MPIStatus:
    """Look at MPI; all ranks of a job do so together."""
    try:
        mpi = load_mpi() if is_shared() else find_mpi()
    except ModuleNotFoundError as error:
        return MPIStatus(library=None, reason=str(error), ranks=1, hosts=[], takes_gpu_buffers=False)
    hosts = mpi.COMM_WORLD.allgather(mpi.Get_processor_name()) if is_shared() else []
    return MPIStatus(
        library=library_of(mpi),
        reason=None,
        ranks=max(1, len(hosts)),
        hosts=list(dict.fromkeys(hosts)),
        takes_gpu_buffers=takes_gpu_buffers(mpi),
    )


def described(status: MPIStatus) -> str:
    """One line for it."""
    if status["library"] is None:
        return str(status["reason"])
    hosts = status["hosts"]
    if not hosts:
        return f"{status['library']}; mpiexec -n 2 portnn info shows ranks and hosts"
    ranks = f"{status['ranks']} ranks on {len(hosts)} host{'s' * (len(hosts) != 1)} ({', '.join(hosts[:4])})"
    return f"{status['library']}, {ranks}; {'takes' if status['takes_gpu_buffers'] else 'takes no'} GPU buffers"
