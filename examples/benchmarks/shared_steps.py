"""Training steps of portnn on NumPy, taken by one process or shared by several: what benchmarks of steps measure."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from contenders import while_running

from portnn.backends import tree_map
from portnn.batches import Batch, Part
from portnn.groups import ALONE, Group, local_group
from portnn.models import RowBatch
from portnn.training import init_optimizer, make_step
from portnn.training.shared_step import SharedStep, part_entries
from portnn.training.sharing import own_part
from portnn.training.sums import sums_of


class Training(NamedTuple):
    """What to train, and how.

    Attributes
    ----------
    model, optimizer, backend, settings
        As for `portnn.training.make_step`.
    rate : float
    batch_size : int
    make : callable
        ``make(what, part)`` is the part of a batch, whatever names one.
    """

    model: Any
    optimizer: Any
    backend: Any
    settings: Any
    rate: float
    batch_size: int
    make: Callable[[Any, Part], Batch]


def shared_steps(training: Training, processes: int) -> Callable[[Any], None]:
    """A function that trains on a batch, as which it takes what `make` does."""
    if processes == 1:
        return steps(training, ALONE)
    room = part_entries(training.model) * np.dtype(training.backend.dtype).itemsize
    group = while_running.enter_context(local_group(processes, room, functools.partial(follow, training)))
    while_running.callback(group.broadcast, None)
    own = steps(training, group)

    def step(what: Any) -> None:
        group.broadcast(what)
        own(what)

    return step


def follow(training: Training, group: Group) -> None:
    """Train on the batches that the first process names."""
    own = steps(training, group)
    while (what := group.broadcast(None)) is not None:
        own(what)


def steps(training: Training, group: Group) -> Callable[[Any], None]:
    """A function that trains on this process's part of a batch."""
    model, optimizer, backend, settings, rate, batch_size, make = training
    if group.size == 1:
        take = make_step(model, optimizer, backend, settings)
    else:
        take = SharedStep(model, optimizer, backend, settings, sums_of(group, backend), stop=lambda: False)
    params = tree_map(backend.asarray, model.init(np.random.default_rng(0)))
    carry = own_part(tree_map(backend.asarray, model.initial_carry(batch_size)), batch_size, group)
    state, numbers = [params, init_optimizer(optimizer, model, params, backend)], itertools.count(1)
    learning_rate = backend.asarray(np.float64(rate))

    def step(what: Any) -> None:
        nonlocal carry
        batch = make(what, Part(group.rank, group.size))
        batch = batch._replace(data=tree_map(backend.asarray, batch.data))
        given = batch if group.size > 1 else batch.data
        result = take(*state, given, carry, learning_rate, backend.asarray(np.float64(next(numbers))))
        state[:], carry = result[:2], result.carry

    return step


def of_rows(images: Any, labels: Any, rows: np.ndarray[Any, Any], part: Part) -> Batch:
    """The part of a batch of images."""
    part = part.of(len(rows))
    own = rows[part.cut(len(rows))]
    return Batch(RowBatch(images[own], labels[own]), 1.0, False, part.share(len(rows)), part.size)
