"""Ranks: the processes of a job that mpiexec or srun has started, of which the first alone speaks."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn, ParamSpec, TypeVar

from portnn.groups import abort, from_first, in_turn, launched, load_mpi, mpi_group

P = ParamSpec("P")
T = TypeVar("T")

WAIT = 600.0
"""Seconds to wait for the other ranks before a run begins."""

_errors = sys.stderr


def is_shared() -> bool:
    """Whether this process is one of several of a job."""
    start = launched()
    return start is not None and start.size > 1


def is_first() -> bool:
    """Whether this process speaks for all: rank 0, or no rank of a job at all."""
    start = launched()
    return start is None or start.rank == 0


def join() -> None:
    """Become a rank of the job, if there is one: of its processes, the first alone shows anything but errors.

    Raises
    ------
    ModuleNotFoundError
        If MPI is missing.
    RuntimeError
        If another MPI has started the job than the one that mpi4py uses.
    """
    if not is_shared():
        return
    load_mpi()
    if not is_first():
        sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the process ends


def end_all(text: str, status: int) -> NoReturn:
    """Say what went wrong, unless a rank before this one does, and end all ranks."""
    start = launched()
    assert start is not None
    known = sys.modules.get("mpi4py.MPI")
    if known is None or not known.Is_initialized():  # every rank is here
        if start.rank == 0:
            print(f"portnn: {text}", file=_errors)
        raise SystemExit(status)
    in_turn()
    who = f"rank {start.rank}: " if start.rank else ""
    print(f"portnn: {who}{text}", file=_errors)
    abort(status)


def decided_by_first(function: Callable[P, T]) -> Callable[P, T]:
    """Let the first rank call a function, and give what it returns, or raises, to all."""

    @functools.wraps(function)
    def call(*arguments: P.args, **options: P.kwargs) -> T:
        if not is_shared():
            return function(*arguments, **options)
        with mpi_group(WAIT) as group:
            return from_first(group, functools.partial(function, *arguments, **options))

    return call


def by_first(function: Callable[P, Any]) -> Callable[P, None]:
    """Let the first rank alone call a function."""

    @functools.wraps(function)
    def call(*arguments: P.args, **options: P.kwargs) -> None:
        if is_first():
            function(*arguments, **options)

    return call
