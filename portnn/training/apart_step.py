"""Steps that several processes take apart, each on tables of its own, which are made equal now and then."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from portnn.backends import Array
from portnn.batches import Batch
from portnn.groups import Group
from portnn.models import Model, Parameters
from portnn.training.step import Step, StepResult

Vector = np.ndarray[Any, Any]

POSITIONS = 4096
"""Positions of each process after which the rows of the most frequent words are made equal."""

FREQUENT = 1024
"""Rows of the most frequent words; after every second period they are twice as many, after every fourth four times."""

SELDOM = 64
"""Periods after which all rows are made equal, at the latest."""


class ApartStep:
    """A step of one process of a group, whose tables drift apart from the others' until they are made equal.

    Rows that a process has changed since they were last equal get the sum of all processes' changes, divided by the
    square root of how many have changed them, and the learning rate is multiplied by the square root of the number of
    processes. So a frequent word moves as far as by the sum of what all have seen, as in one process; the mean would
    halve what two processes learn of it, and with a sum at the full rate many processes diverge. Frequent rows, which
    are those of the smallest numbers, are made equal often, all rows seldom.

    Parameters
    ----------
    model : Model
        All of its parameters are tables whose gradients come in rows.
    step : callable
        A step of `make_step`, which writes into the tables.
    group : Group
    batch_size : int
        Positions of a step.
    stop : callable
        Whether this process wants to stop.

    Attributes
    ----------
    period : int
        Steps after which frequent rows are made equal.
    stops : bool
        Whether any process has wanted to, when all rows were last made equal.
    """

    def __init__(self, model: Model, step: Step, group: Group, batch_size: int, stop: Callable[[], bool]) -> None:
        self._step, self._group, self._stop = step, group, stop
        self._tables, self.stops = model.row_parameters, False
        self.period, self._growth = max(1, round(POSITIONS / batch_size)), math.sqrt(group.size)
        rows = max(shape[0] for name, shape in model.shapes().items() if name in self._tables)
        self._first = max(FREQUENT, -(-rows // SELDOM))
        self._rows, self._done = rows, 0
        self._moved: Parameters = {}
        self._equal: Parameters = {}
        self._touched: dict[str, Vector] = {}

    def __call__(
        self, params: Parameters, state: Any, batch: Batch, carry: Any, learning_rate: Array, number: Array
    ) -> StepResult:
        """Like a step of `make_step`; every now and then with some rows made equal after it."""
        if any(params[name] is not self._moved.get(name) for name in self._tables):
            # The first step, or a callback has put other tables in their place, which are the same in all processes.
            self._equal = {name: np.array(params[name]) for name in self._tables}
            self._touched = {name: np.zeros(len(params[name]), np.bool_) for name in self._tables}
        rate = learning_rate * self._growth
        result = self._step(params, state, batch.data, carry, rate, number)
        self._moved = result.params
        for name in self._tables:
            self._touched[name][batch.data.ids.reshape(-1)] = True
        self._done = int(number)
        periods, rest = divmod(self._done, self.period)
        if rest == 0:
            self._make_equal(result.params, self._first * (periods & -periods))
        return result

    def settle(self, params: Parameters) -> None:
        """Make all rows equal."""
        self._make_equal(params, self._rows)

    def _make_equal(self, params: Parameters, rows: int) -> None:
        """Make equal the first rows: the frequent ones as one block, of the others those that were changed."""
        rows = min(rows, self._rows)
        block = slice(0, min(self._first, rows))
        stops = self._make_block_equal(params, block)
        if rows > block.stop:
            self._make_changed_rows_equal(params, slice(block.stop, rows))
        if rows == self._rows:
            self.stops = stops

    def _make_block_equal(self, params: Parameters, block: slice) -> bool:
        """Make a block of rows equal, by one sum of changes, of what was touched, and of wishes to stop."""
        tables, count = self._tables, block.stop
        width, dtype = params[tables[0]].shape[1], params[tables[0]].dtype
        vector = self._group.empty(len(tables) * count * (1 + width) + 1, dtype)
        touched = vector[: len(tables) * count].reshape(len(tables), count)
        changes = vector[len(tables) * count : -1].reshape(len(tables), count, width)
        for place, name in enumerate(tables):
            touched[place] = self._touched[name][block]
            np.subtract(params[name][block], self._equal[name][block], out=changes[place])
        vector[-1] = self._stop()
        self._group.sum_in_place(vector)
        changes *= _weights(touched)[..., None]
        for place, name in enumerate(tables):
            self._equal[name][block] += changes[place]
            params[name][block] = self._equal[name][block]
            self._touched[name][block] = False
        return bool(vector[-1])

    def _make_changed_rows_equal(self, params: Parameters, within: slice) -> None:
        """Make equal those of some rows that any process has changed."""
        counts = np.stack([self._touched[name][within] for name in self._tables]).astype(np.float32)
        self._group.sum_in_place(counts.reshape(-1))
        for name, of_table in zip(self._tables, counts, strict=True):
            table, equal = params[name], self._equal[name]
            places = np.flatnonzero(of_table)
            ids = places + within.start
            before = equal.take(ids, axis=0)
            changes = self._group.empty(before.size, table.dtype)
            moved = changes.reshape(before.shape)
            np.subtract(table.take(ids, axis=0), before, out=moved)
            self._group.sum_in_place(changes)
            moved *= _weights(of_table[places])[:, None]
            before += moved
            table[ids] = equal[ids] = before
            self._touched[name][within] = False


def _weights(counts: Vector) -> Vector:
    """What the sum of changes counts, by the number of processes that have made any."""
    return np.asarray(1.0 / np.sqrt(np.maximum(counts, 1.0)), counts.dtype)
