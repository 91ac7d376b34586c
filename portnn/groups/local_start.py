"""Starting the other processes of a `LocalGroup`, and ending them."""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator

import numpy as np

from portnn.groups.group import Vector
from portnn.groups.local import SCRATCH, GoneError, LocalGroup, WorkerError
from portnn.groups.shared_arrays import share, shared
from portnn.process import keep_freed_memory, one_blas_thread, tuning

Work = Callable[[LocalGroup], object]
"""What a process of the group does; it has to be pickled."""

WATCH = 0.5
"""Seconds between looks at whether the process that started this one still runs."""

END = 5.0
"""Seconds in which a process whose work is done has to end."""

PAGE = mmap.PAGESIZE

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

Process = subprocess.Popen[bytes]


@contextlib.contextmanager
def local_group(size: int, room: int, work: Work) -> Iterator[LocalGroup]:
    """Start processes and be the first of their group until the context ends; then they end, too.

    Parameters
    ----------
    size : int
        At least 2.
    room : int
        Bytes of the largest vector that is often added up.
    work : callable
        What each other process does, with its group. What its arrays share with this process is read alone.

    Raises
    ------
    WorkerError
        If one of them cannot start, fails or ends, at the latest when the group needs it.
    """
    with contextlib.ExitStack() as stack:
        # Every core has its process; more threads would compete for the same cores.
        stack.enter_context(one_blas_thread())
        _occupy_standard_streams()
        memory, given = (stack.enter_context(_memory(name)) for name in ("portnn-sums", "portnn-work"))
        os.ftruncate(memory, size * _row(room))
        try:
            pickled = pickle.dumps((share(work, given), tuning()["keeps_freed_memory"]))
        except (AttributeError, TypeError, pickle.PicklingError) as error:
            raise WorkerError(f"a worker process cannot be given its work: {error}") from error
        pairs = {pair: socket.socketpair() for pair in itertools.combinations(range(size), 2)}
        for ends in pairs.values():
            for end in ends:
                stack.enter_context(end)
        processes: dict[int, Process] = {}
        stack.callback(_end, processes)
        for rank in range(1, size):
            own = {peer: _end_of(pairs, rank, peer) for peer in range(size) if peer != rank}
            processes[rank] = _start(rank, memory, given, own)
        kept = {rank: pairs[0, rank][0] for rank in processes}
        for end in itertools.chain(*pairs.values()):
            if end not in kept.values():
                end.close()
        group = LocalGroup(0, kept, _mapped(memory, size))
        stack.callback(group.close)
        try:
            group.broadcast(pickled)
            group.gather(None)
            yield group
        except GoneError:
            raise _gone(processes) from None


def serve(rank: int, memory: int, given: int, sockets: dict[int, int], parent: int) -> None:
    """Be a process of a group: get its work and do it. Ends with the process that started it."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    np.seterr(all="ignore")  # the loss shows what is not finite
    peers = {peer: socket.socket(fileno=descriptor) for peer, descriptor in sockets.items()}
    group = LocalGroup(rank, peers, _mapped(memory, len(sockets) + 1))
    with contextlib.suppress(GoneError):  # the first process says which one is gone
        try:
            pickled, keep = pickle.loads(group.broadcast(b""))
            if keep:
                keep_freed_memory()
            try:
                work = shared(pickled, given)
            except (ImportError, AttributeError) as error:  # pickle cannot find a class
                group.fail(f"it cannot import its work: {error}")
                return
            group.gather(None)
            work(group)
        except GoneError:
            raise
        except Exception as error:
            traceback.print_exc()
            group.fail(f"{type(error).__name__}: {error}")


def _start(rank: int, memory: int, given: int, sockets: dict[int, socket.socket]) -> Process:
    descriptors = {peer: end.fileno() for peer, end in sockets.items()}
    # Who stops a run signals the first process, which tells the others; threads inherit what is blocked.
    program = (
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM}); "
        f"import sys; sys.path[:] = {[os.fspath(entry) for entry in sys.path]!r}; "
        f"from {__name__} import serve; serve({rank}, {memory}, {given}, {descriptors!r}, {os.getpid()})"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, **ONE_THREAD},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(memory, given, *descriptors.values()),
        process_group=0,  # Ctrl-C reaches the first process alone
    )


def _end(processes: dict[int, Process]) -> None:
    """Wait for processes that have done their work, and kill those that have not: they hold nothing but memory."""
    for process in processes.values():
        try:
            process.wait(END if sys.exception() is None else 0.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _gone(processes: dict[int, Process]) -> WorkerError:
    """Error for a process that has ended; where several have, for the one whose end was no mere consequence."""
    deadline = time.monotonic() + WATCH
    while time.monotonic() < deadline and not any(process.poll() for process in processes.values()):
        time.sleep(0.01)
    status = next((status for process in processes.values() if (status := process.poll())), 0)
    return WorkerError(f"a worker process has ended: exit status {status}")


def _end_with(parent: int) -> None:
    """End this process soon after its parent: a fork of the parent may hold the other end of a connection open."""
    while os.getppid() == parent:
        time.sleep(WATCH)
    os._exit(1)


def _end_of(pairs: dict[tuple[int, int], tuple[socket.socket, socket.socket]], rank: int, peer: int) -> socket.socket:
    return pairs[min(rank, peer), max(rank, peer)][int(rank > peer)]


@contextlib.contextmanager
def _memory(name: str) -> Iterator[int]:
    descriptor = os.memfd_create(name)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _row(room: int) -> int:
    """Bytes of a process's row: whole pages, so that no two processes write to the same."""
    return -(-(room + SCRATCH) // PAGE) * PAGE


def _mapped(memory: int, size: int) -> Vector:
    return np.frombuffer(mmap.mmap(memory, 0), np.uint8).reshape(size, -1)


def _occupy_standard_streams() -> None:
    """Open whichever of stdin, stdout and stderr are closed, or shared memory would get their numbers, and output."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
