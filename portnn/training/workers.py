"""Worker processes: on NumPy, every processor core computes a part of each batch.

Apart from large matrix products NumPy uses one core, and Python's threads would wait for one another at every small
operation. So the other parts go to processes of their own. All of them share the memory of parameters and gradients;
batches, carries, losses and the gradients of single rows of tables are sent. The gradient of a batch is the weighted
sum of its parts' gradients, always in the same order: with the same number of workers a run is the same, bit for bit,
every time.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import traceback
from multiprocessing.connection import Connection, Pipe
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Array, Backend, Group, RowGradient, tree_map
from portnn.models import Model, Parameters
from portnn.process import available_cpus, keep_freed_memory, one_blas_thread, tuning
from portnn.settings import checked_number, positive
from portnn.training.packing import Shapes, packed_shapes, unpack
from portnn.training.worker_group import (
    AbandonedError,
    CallingGroup,
    Process,
    Vector,
    WorkerError,
    WorkerGroup,
    gone,
    received,
)

ROWS, ENTRIES = 8, 2048
"""Rows of a batch, and entries of its gates in one time step, that justify a worker."""

WATCH = 0.5
"""Seconds between looks at whether a worker's parent still runs."""

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class BatchResult(NamedTuple):
    """What the parts of a batch come to: loss, carry, gradient as one vector and in rows, and what was measured."""

    loss: Array
    carry: Any
    gradient: Vector
    rows: dict[str, RowGradient]
    measured: Parameters


class Workers:
    """The calling process and `count - 1` others, which share every batch until the context ends.

    Parameters
    ----------
    model : Model
        Able to `split` a batch, and from a module that another process can import.
    backend : Backend
        NumPy, on Linux; see `check_workers`.
    count : int
        At least 2.
    """

    def __init__(self, model: Model, backend: Backend, count: int) -> None:
        self._model, self._shapes, self._count = model, packed_shapes(model), count
        self._processes: list[Process] = []
        # Every core has its process; more threads would compete for the same cores.
        self._narrowed = contextlib.ExitStack()
        self._narrowed.enter_context(one_blas_thread())
        try:
            _occupy_standard_streams()
            memory = os.memfd_create("portnn")
            try:
                os.ftruncate(memory, _entries(model, count) * np.dtype(backend.dtype).itemsize)
                self._shared, self._tables = _shared(memory, model, count, backend.dtype)
                for _ in range(1, count):
                    self._processes.append(_start(memory))
            finally:
                os.close(memory)
            for index, (_, connection) in enumerate(self._processes, start=1):
                with contextlib.suppress(ConnectionError):  # the missing answer below says the same
                    connection.send((model, backend.dtype, count, index, tuning()["keeps_freed_memory"]))
            for answer in [received(process, connection) for process, connection in self._processes]:
                if isinstance(answer, WorkerError):
                    raise answer
        except BaseException:
            self.close()
            raise

    def sharing(self, params: Parameters) -> Parameters:
        """Parameters whose tables are in shared memory, to be updated there: copied, if they are not there yet."""
        for name, table in self._tables.items():
            if params[name] is not table:
                table[...] = params[name]
        return {**params, **self._tables}

    def __call__(self, params: Parameters, batch: Any, carry: Any) -> BatchResult:
        """Compute loss and gradients of the whole batch, and the carry for the next one.

        Parameters
        ----------
        params : dict of str to array
            From `sharing`.
        batch, carry
            On the host.

        Raises
        ------
        WorkerError
            If another process failed or has ended.
        """
        np.concatenate([params[name].reshape(-1) for name in self._shapes], out=self._shared[0])
        own, *others = self._model.split(batch, carry, self._count)
        busy = self._processes[: len(others)]
        for (process, connection), part in zip(busy, others, strict=True):
            try:
                connection.send((part, 1 + len(others)))
            except ConnectionError:
                raise gone(process) from None
        group, gradient = CallingGroup(busy), np.empty_like(self._shared[0])
        try:
            result, cache = _compute(self._model, params, own, 1 + len(others), group, gradient, self._shapes)
            measured = self._model.measured(params, cache, xp=np)
        finally:  # even after an error, no answer may be left for the next batch
            answers = group.answers()
        for index, answer in enumerate(answers, start=1):
            if isinstance(answer, WorkerError):
                raise answer
            gradient += self._shared[index]
        losses, carries, rows = zip(result, *answers, strict=True)
        carry, joined = (tree_map(lambda *parts: np.concatenate(parts), *trees) for trees in (carries, rows))
        return BatchResult(sum(losses), carry, gradient, joined, measured)

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the other processes."""
        with self._narrowed:
            while self._processes:
                process, connection = self._processes.pop()
                with contextlib.suppress(ConnectionError):
                    connection.send(None)
                connection.close()
                process.wait()
            self._shared, self._tables = np.empty((0, 0)), {}  # releases the memory


def check_workers(count: int, backend: Backend, batch_size: int, model: Model) -> None:
    """Raise ValueError unless `count` workers can share the model's batches of `batch_size` on the backend."""
    count = checked_number("workers", count, int, positive)
    if count > 1 and not backend.library.on_host:
        raise ValueError(f"workers train on NumPy; on {backend.name} there can be only one, not {count}")
    if count > 1 and not hasattr(os, "memfd_create"):
        raise ValueError(f"workers need Linux's shared memory; on {sys.platform} there can be only one, not {count}")
    if count > batch_size:
        raise ValueError(f"{count} workers cannot share a batch_size of {batch_size}")
    if count > 1:
        model.check_splits()


def can_share(backend: Backend) -> bool:
    """Whether there can be more than one worker."""
    return backend.library.on_host and hasattr(os, "memfd_create")


def automatic_workers(batch_size: int, width: int, backend: Backend) -> int:
    """Return the number of workers for a batch: one for every core, as long as each has enough to do.

    In a process that another one of Python started, such as that of a pool, it is one: the others have the cores.

    `width` is the number of gate entries of all layers for one row of the batch.
    """
    if not can_share(backend) or multiprocessing.parent_process() is not None:
        return 1
    return max(1, min(available_cpus(), batch_size // ROWS, batch_size * width // ENTRIES))


def serve(memory: int, socket: int, parent: int) -> None:
    """Run a worker: answer batch after batch, until None comes, the other end closes or the parent has ended."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    np.seterr(all="ignore")  # the loss shows what is not finite
    with contextlib.suppress(EOFError, ConnectionError), Connection(socket) as connection:
        try:
            model, dtype, count, index, keep = connection.recv()
        except (ImportError, AttributeError) as error:  # pickle cannot find the model's class
            connection.send(WorkerError(f"a worker process cannot import the model: {error}"))
            return
        if keep:
            keep_freed_memory()
        shapes = packed_shapes(model)
        shared, tables = _shared(memory, model, count, dtype)
        params, group = {**unpack(shared[0], shapes, xp=np), **tables}, WorkerGroup(connection)
        connection.send(None)  # ready
        while (message := connection.recv()) is not None:
            part, parts = message
            try:
                answer: Any = _compute(model, params, part, parts, group, shared[index], shapes)[0]
            except AbandonedError:
                answer = None
            except Exception as error:
                traceback.print_exc()
                answer = WorkerError(f"a worker process failed: {type(error).__name__}: {error}")
            connection.send(answer)


def _end_with(parent: int) -> None:
    """End this process soon after its parent: a fork of the parent may hold the other end of the connection open."""
    while os.getppid() == parent:
        time.sleep(WATCH)
    os._exit(1)


def _start(memory: int) -> tuple[subprocess.Popen[bytes], Connection]:
    here, there = Pipe()
    with there:
        # Stopping a run signals every process; workers ignore it so that the parent can save.
        program = (
            f"import sys; sys.path[:] = {[os.fspath(entry) for entry in sys.path]!r}; import signal; "
            "signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN); "
            f"from {__name__} import serve; serve({memory}, {there.fileno()}, {os.getpid()})"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(memory, there.fileno()),
            process_group=0,  # Ctrl-C reaches the parent alone
        )
    return process, here


def _occupy_standard_streams() -> None:
    """Open whichever of stdin, stdout and stderr are closed, or shared memory would get their numbers, and output."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def _shared(memory: int, model: Model, count: int, dtype: str) -> tuple[Vector, Parameters]:
    """Shared memory: rows for the packed parameters and the gradient of each worker after the first; and tables."""
    whole, (packed, apart) = np.frombuffer(mmap.mmap(memory, 0), dtype), _sizes(model)
    return whole[: count * packed].reshape(count, -1), unpack(whole[count * packed :], apart, xp=np)


def _sizes(model: Model) -> tuple[int, Shapes]:
    """Entries of the packed parameters, and shapes of the tables, which are not packed."""
    packed = packed_shapes(model)
    apart = {name: shape for name, shape in model.shapes().items() if name not in packed}
    return sum(map(math.prod, packed.values())), apart


def _entries(model: Model, count: int) -> int:
    packed, apart = _sizes(model)
    return count * packed + sum(map(math.prod, apart.values()))


def _compute(
    model: Model,
    params: Parameters,
    part: tuple[Any, Any, float],
    parts: int,
    group: Group,
    gradient: Vector,
    shapes: Shapes,
) -> tuple[tuple[Array, Any, dict[str, RowGradient]], Any]:
    """Write what a part adds to the gradient of the batch; return what it adds to the rest, and a cache."""
    batch, carry, share = part
    if model.couples_parts:
        group.weight, scale = share * parts, 1.0 / parts
        loss, carry, cache = model.loss(params, batch, carry, group=group, xp=np)  # type: ignore[call-arg]
    else:
        scale = share
        loss, carry, cache = model.loss(params, batch, carry, xp=np)
    gradients = model.gradients(cache, xp=np)
    for name, place in unpack(gradient, shapes, xp=np).items():
        np.multiply(gradients[name], scale, out=place)
    rows = {name: RowGradient(gradients[name].ids, gradients[name].rows * scale) for name in model.row_parameters}
    return (loss * share, carry, rows), cache
