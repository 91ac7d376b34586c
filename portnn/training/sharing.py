"""How a run is shared: how many processes there are, what the others do, and the carry, of which each has a part."""

from __future__ import annotations

import contextlib
import copy
import functools
import math
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Backend, tree_map
from portnn.batches import Batches, Part
from portnn.groups import ALONE, CommonArray, Group, LocalGroup, common_array, local_group
from portnn.models import Model, Parameters
from portnn.optimizers.schedules import Constant
from portnn.process import available_cpus, few_blas_threads
from portnn.settings import checked_number, positive
from portnn.training.apart_step import ApartStep
from portnn.training.divergence import DivergenceError
from portnn.training.interruption import Interrupted, StopRequests
from portnn.training.lock_free_step import LockFreeStep
from portnn.training.packing import packed_shapes
from portnn.training.shared_step import SharedStep, part_entries
from portnn.training.step import StepResult, make_step
from portnn.training.sums import sums_of

Trainer = Any
"""`portnn.training.Trainer`, whose file imports this one."""

SMALL_PRODUCT = 1 << 22
"""If the largest product of a step has fewer multiplications, one thread is faster than several."""

ROWS, ENTRIES = 8, 2048
"""Rows of a batch, and entries of its gates in one time step, that justify a worker."""


def check_workers(count: int, backend: Backend, batches: Batches, group: Group = ALONE) -> None:
    """Raise ValueError unless `count` processes that this one starts, or those of a group, can share the batches."""
    count = checked_number("workers", count, int, positive)
    if count > 1 and not backend.library.on_host:
        raise ValueError(f"workers train on NumPy; on {backend.name} there can be only one, not {count}")
    if count > 1 and not hasattr(os, "memfd_create"):
        raise ValueError(f"workers need Linux's shared memory; on {sys.platform} there can be only one, not {count}")
    if count * group.size > 1:
        batches.check_parts(count * group.size)


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


class Steps(NamedTuple):
    """How the processes of a group train.

    Attributes
    ----------
    take : callable
        A step, like that of `make_step`.
    stop : callable
        Whether a process has been asked to stop, as all know by now.
    settle : callable
        Makes parameters the same in all processes.
    combine : callable or None
        Adds up losses in place, if each process has those of its own batches.
    """

    take: Callable[..., StepResult]
    stop: Callable[[], bool]
    settle: Callable[[Parameters], object] = lambda params: None
    combine: Callable[[np.ndarray[Any, Any]], object] | None = None


def steps_of(trainer: Trainer, requests: StopRequests) -> Steps:
    """The steps of a trainer and the others of its group."""
    model, plan, backend = trainer.model, trainer.plan, trainer.backend

    def stop() -> bool:
        return requests.received is not None

    if trainer.group.size == 1:
        return Steps(make_step(model, plan.optimizer, backend, plan), stop)
    if model.trains_apart:
        step, group = make_step(model, plan.optimizer, backend, plan), trainer.group
        apart: ApartStep | LockFreeStep = (
            LockFreeStep(model, step, group, trainer.state.params, stop)
            if plan.shared_tables
            else ApartStep(model, step, group, trainer.batches.batch_size, stop)
        )
        return Steps(apart, lambda: apart.stops, apart.settle, group.sum_in_place)
    shared = SharedStep(model, plan.optimizer, backend, plan, sums_of(trainer.group, backend), stop)
    return Steps(shared, lambda: shared.stops)


@contextlib.contextmanager
def started(trainer: Trainer, total_steps: int) -> Iterator[None]:
    """Start the other processes that the plan asks for, and let each train its part, until the context ends."""
    workers = trainer.plan.workers
    if workers == 1:
        yield
        return
    other = copy.copy(trainer)
    other.plan = replace(trainer.plan, workers=1)
    if not trainer.model.trains_apart:  # a shared step has the learning rate of the first process
        other.plan = replace(other.plan, schedule=Constant(1.0))
    other.held_out, other.folder, other.callbacks, other.on_metrics, other.quiet = None, None, (), None, True
    other.params, other.facts, other.constants, other._files = {}, {}, {}, None
    entries = part_entries(trainer.model)
    if trainer.model.trains_apart:
        entries = 2 * sum(map(math.prod, trainer.model.shapes().values()))
    room = entries * np.dtype(trainer.backend.dtype).itemsize
    with contextlib.ExitStack() as stack:
        tables = {}
        if trainer.plan.shared_tables:
            tables = {name: stack.enter_context(common_array(table)) for name, table in trainer.state.params.items()}
            trainer.state.params = {name: table.mapped() for name, table in tables.items()}
            other.state, room = replace(trainer.state, params={}), 0
        work = functools.partial(train_part, other, total_steps, tables)
        trainer.group = stack.enter_context(local_group(workers, room, work))
        try:
            yield
        finally:
            trainer.group = ALONE


def train_part(trainer: Trainer, total_steps: int, tables: dict[str, CommonArray], group: LocalGroup) -> None:
    """Train as another process of a group than the first."""
    trainer.group = group
    trainer.state.params.update({name: table.mapped() for name, table in tables.items()})
    trainer.go_on(trainer.state)
    with contextlib.suppress(DivergenceError, Interrupted):  # the first process says so
        trainer.run(total_steps)


def blas_threads(
    model: Model, batches: Batches, backend: Backend, group: Group
) -> contextlib.AbstractContextManager[Any]:
    """Let BLAS use as many threads, until the context ends, as are fastest here."""
    largest = max(map(math.prod, packed_shapes(model).values()), default=0)
    if not backend.library.on_host:
        return contextlib.nullcontext()
    if batches.tokens * largest < SMALL_PRODUCT * group.size:
        return few_blas_threads(1)
    if group.size == 1:
        return contextlib.nullcontext()
    cores = available_cpus()
    own = cores if cores < (os.cpu_count() or 1) else cores // group.neighbours  # mpiexec may have given it its cores
    return few_blas_threads(max(1, own))


def own_part(carry: Any, batch_size: int, group: Group) -> Any:
    """The part of a carry that a process has."""
    if group.size == 1:
        return carry
    own = Part(group.rank, group.size).cut(batch_size)
    return tree_map(lambda array: array[own, ...], carry)


def whole_of(carry: Any, group: Group, backend: Backend) -> Any:
    """The carry of which every process has a part, on the host."""
    if group.size == 1:
        return carry
    parts = group.gather(tree_map(backend.to_host, carry))
    return tree_map(lambda *arrays: np.concatenate(arrays), *parts)
