"""`MPIGroup`: processes that mpiexec or srun has started, on one machine or several."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Iterator
from typing import Any, NoReturn, TypeVar

import numpy as np

from portnn.groups.group import Vector
from portnn.groups.launcher import launched

T = TypeVar("T")

INSTALL = 'python -m pip install "portnn[mpi]"'

TURN = 0.5
"""Seconds for which a process other than the first keeps its error back: the first may be about to say the same."""

PASS_ON = 0.2
"""Seconds for mpiexec to pass on what was said last: once the job is aborted it drops that."""


class StalledError(RuntimeError):
    """Other processes have not answered for too long."""


class MPIGroup:
    """All processes of an MPI job.

    Parameters
    ----------
    timeout : float
        Seconds to wait for the others.

    Raises
    ------
    ModuleNotFoundError
        If mpi4py, or the MPI that it loads, is not installed.
    RuntimeError
        If another MPI has started the job than the one that mpi4py loads.
    """

    def __init__(self, timeout: float) -> None:
        self._mpi, self.timeout, self._meetings = load_mpi(), timeout, 0
        self._reports: Any = None
        world = self._mpi.COMM_WORLD
        self.rank, self.size = world.Get_rank(), world.Get_size()
        self._wait(world.Ibarrier())
        self._comm, self._reports = world.Dup(), world.Dup()
        machine = self._comm.Split_type(self._mpi.COMM_TYPE_SHARED)
        self.place, self.neighbours = machine.Get_rank(), machine.Get_size()
        machine.Free()

    def empty(self, entries: int, dtype: Any) -> Vector:
        """Vector (entries,)."""
        return np.empty(entries, dtype)

    def sum_in_place(self, vector: Vector) -> None:
        """Replace a vector by the sum of all processes' vectors.

        Raises
        ------
        StalledError
            If others have not come to it within `timeout`.
        """
        self._wait(self._comm.Iallreduce(self._mpi.IN_PLACE, vector))

    def broadcast(self, value: T) -> T:
        """What process 0 gives."""
        self._wait(self._comm.Ibarrier())
        return self._comm.bcast(value)  # type: ignore[no-any-return]

    def gather(self, value: T) -> list[T]:
        """What each process gives."""
        self._wait(self._comm.Ibarrier())
        return self._comm.allgather(value)  # type: ignore[no-any-return]

    def close(self) -> None:
        """Free what MPI keeps for the group."""
        self._comm.Free()
        self._reports.Free()

    def _wait(self, request: Any) -> None:
        """Wait for the others, and let those that have more to do have the core."""
        self._meetings += 1
        begin, reported = time.monotonic(), False
        while not request.Test():
            os.sched_yield()
            waited = time.monotonic() - begin
            if waited > 0.5 * self.timeout and not reported:
                reported = True
                self._report()
            # The lowest number that still answers says it.
            if waited > self.timeout + min(self.rank, 2) * TURN:
                raise StalledError(self._missing())

    def _report(self) -> None:
        """Tell the first two processes that this one waits."""
        for first in range(min(2, self.size)):
            if first != self.rank and self._reports is not None:
                # Not waited for: who does not answer does not receive either.
                self._reports.isend((self._meetings, self.rank), dest=first)

    def _missing(self) -> str:
        """Which processes do not wait for others, as far as this one has been told."""
        if self._reports is None:
            return f"some of the {self.size} processes have not started within {self.timeout:g} seconds"
        if self.rank > 1:
            return f"the first two processes have not answered for {self.timeout:g} seconds"
        here = {self.rank}
        while self._reports.iprobe():
            meeting, rank = self._reports.recv()
            if abs(meeting - self._meetings) <= 1:  # who has already left this place waits at the next
                here.add(rank)
        missing = [str(rank) for rank in range(self.size) if rank not in here]
        said = f"rank {missing[0]} has" if len(missing) == 1 else f"ranks {', '.join(missing[:8])} have"
        return f"{said} not answered for {self.timeout:g} seconds; a longer --timeout waits longer"


@contextlib.contextmanager
def mpi_group(timeout: float) -> Iterator[MPIGroup]:
    """Be one of the processes of an MPI job."""
    group = MPIGroup(timeout)
    yield group
    group.close()


def abort(status: int) -> NoReturn:
    """End all processes of the job with an exit status; the error has been said."""
    mpi = load_mpi()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    time.sleep(PASS_ON)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # MPI would add lines of its own
    mpi.COMM_WORLD.Abort(status)
    os._exit(status)


def in_turn() -> None:
    """Keep an error back unless this is the first process, which may say the same and end all."""
    rank = load_mpi().COMM_WORLD.Get_rank()
    time.sleep(min(rank, 4) * TURN)


def load_mpi() -> Any:
    """MPI's Python module, once it has started; from then on, an exception that nobody catches ends all processes.

    Raises
    ------
    ModuleNotFoundError
        If mpi4py, or the MPI that it loads, is not installed.
    RuntimeError
        If another MPI has started the job than the one that mpi4py loads.
    """
    mpi = find_mpi()
    if not mpi.Is_initialized():
        _check_launcher(mpi)
        os.environ.setdefault("MPIR_CVAR_SUPPRESS_ABORT_MESSAGE", "1")
        mpi.Init_thread()
        atexit.register(mpi.Finalize)
        if mpi.COMM_WORLD.Get_size() > 1:
            sys.excepthook = _ending_all
        start = launched()
        if start is not None and start.size != mpi.COMM_WORLD.Get_size():
            raise RuntimeError(_foreign(start.by, library_of(mpi)))
    return mpi


def find_mpi() -> Any:
    """MPI's Python module, which may not have started yet.

    Raises
    ------
    ModuleNotFoundError
        If mpi4py, or the MPI that it loads, is not installed.
    """
    if (known := sys.modules.get("mpi4py.MPI")) is not None:
        return known
    try:
        import mpi4py

        mpi4py.rc.initialize = False
        from mpi4py import MPI
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"mpi4py is not installed; {INSTALL}") from None
    except (ImportError, RuntimeError) as error:
        raise ModuleNotFoundError(f"mpi4py finds no MPI ({error}); {INSTALL}") from None
    return MPI


def takes_gpu_buffers(mpi: Any) -> bool | None:
    """Whether an MPI adds up what lies on an NVIDIA GPU; None before it has started, when MPICH would end the process.

    MPICH and Open MPI tell it, by an extension of the standard; another MPI counts as one that does not.
    """
    if not mpi.Is_initialized():
        return None
    try:
        return bool(ctypes.CDLL(mpi.__file__).MPIX_Query_cuda_support())
    except (AttributeError, OSError):
        return False


def library_of(mpi: Any) -> str:
    """Name and version of an MPI."""
    name, version = mpi.get_vendor()
    return f"{name} {'.'.join(map(str, version))}"


def _check_launcher(mpi: Any) -> None:
    """Raise RuntimeError if the launcher belongs to another MPI: then each process would be alone, or fail."""
    start, (name, _) = launched(), mpi.get_vendor()
    ours = "Open MPI" if name == "Open MPI" else "MPICH"  # Intel MPI and Cray MPICH are made from MPICH
    if start is not None and start.by in ("Open MPI", "MPICH") and start.by != ours and start.size > 1:
        raise RuntimeError(_foreign(start.by, library_of(mpi)))


def _foreign(launcher: str, library: str) -> str:
    return (
        f"the mpiexec of {launcher} started this job, but mpi4py uses {library}, so its processes cannot find one "
        "another; start it with the mpiexec of the MPI that mpi4py uses"
    )


def _ending_all(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Show an exception that nobody has caught, and end all processes."""
    in_turn()
    sys.__excepthook__(kind, error, trace)
    abort(1)
