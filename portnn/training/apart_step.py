"""Steps that several processes take apart, each on tables of its own, which are made equal now and then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from portnn.backends import Array
from portnn.batches import Batch
from portnn.groups import Group
from portnn.models import Model, Parameters
from portnn.training.step import Step, StepResult

Vector = np.ndarray[Any, Any]

POSITIONS = 16_384
"""Positions of all processes after which the rows of the most frequent words are made equal."""

FEWEST = 2048
"""Positions of each process before that, at the least."""

FREQUENT = 1024
"""Rows of the most frequent words; after every second period they are twice as many, after every fourth four times."""

SELDOM = 64
"""Periods after which all rows are made equal."""

CURVATURE = 2.0
"""Each use takes a row nearer to where it settles: by this share of what is left, times the learning rate."""


def period_of(processes: int, batch_size: int) -> int:
    """Steps of each process after which the rows of the most frequent words are made equal."""
    return max(1, round(max(POSITIONS / processes, FEWEST) / batch_size))


class ApartStep:
    """A step of one process of a group, whose tables drift apart from the others' until they are made equal.

    A row that processes have used since it was last equal gets the sum of their changes, times a weight. After k uses,
    exp(-c k) is left of the way of a row to where it settles, with c the learning rate times `CURVATURE`. One process
    that had done all uses would have gone ``1 - exp(-c sum(k))`` of the way; the sum of what each has gone is
    ``sum(1 - exp(-c k))``; and the weight is the first divided by the second. It is 1, the sum, for rare words and for
    those that one process alone has seen, and near the mean for words that all see often. The mean everywhere would
    halve what two processes learn of a rare word, and with the sum everywhere many processes diverge.

    Rows of the smallest numbers, those of the most frequent words, are made equal often, all rows seldom.

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
        self.period = period_of(group.size, batch_size)
        rows = max(shape[0] for name, shape in model.shapes().items() if name in self._tables)
        self._rows, self._rate = rows, 0.0
        self._moved: Parameters = {}
        self._equal: Parameters = {}
        self._uses = np.zeros(rows, np.float32)

    def __call__(
        self, params: Parameters, state: Any, batch: Batch, carry: Any, learning_rate: Array, number: Array
    ) -> StepResult:
        """Like a step of `make_step`; every now and then with some rows made equal after it."""
        if any(params[name] is not self._moved.get(name) for name in self._tables):
            # The first step, or a callback has put other tables in their place, which are the same in all processes.
            self._equal = {name: np.array(params[name]) for name in self._tables}
            self._uses[:] = 0.0
        result = self._step(params, state, batch.data, carry, learning_rate, number)
        self._moved, self._rate = result.params, float(learning_rate)
        np.add.at(self._uses, batch.data.ids.reshape(-1), np.float32(1.0))
        periods, rest = divmod(int(number), self.period)
        if rest == 0:
            self._make_equal(result.params, FREQUENT * (periods & -periods) if periods % SELDOM else self._rows)
        return result

    def settle(self, params: Parameters) -> None:
        """Make all rows equal."""
        self._make_equal(params, self._rows)

    def _make_equal(self, params: Parameters, rows: int) -> None:
        """Make equal the first rows: the frequent ones as one block, of the others those that were used."""
        rows = min(rows, self._rows)
        block = slice(0, min(FREQUENT, rows))
        stops = self._make_block_equal(params, block)
        if rows > block.stop:
            self._make_used_rows_equal(params, slice(block.stop, rows))
        self._uses[:rows] = 0.0
        if rows == self._rows:
            self.stops = stops

    def _make_block_equal(self, params: Parameters, block: slice) -> bool:
        """Make a block of rows equal, by one sum of changes, of uses, and of wishes to stop."""
        tables, count = self._tables, block.stop
        width, dtype = params[tables[0]].shape[1], params[tables[0]].dtype
        vector = self._group.empty(count * (2 + len(tables) * width) + 1, dtype)
        uses, changes = vector[: 2 * count].reshape(2, count), vector[2 * count : -1].reshape(len(tables), count, width)
        uses[...] = self._used(block)
        for place, name in enumerate(tables):
            np.subtract(params[name][block], self._equal[name][block], out=changes[place])
        vector[-1] = self._stop()
        self._group.sum_in_place(vector)
        changes *= _weights(uses)
        for place, name in enumerate(tables):
            self._equal[name][block] += changes[place]
            params[name][block] = self._equal[name][block]
        return bool(vector[-1])

    def _make_used_rows_equal(self, params: Parameters, within: slice) -> None:
        """Make equal those of some rows that any process has used."""
        uses = self._used(within)
        self._group.sum_in_place(uses.reshape(-1))
        places = np.flatnonzero(uses[0])
        ids, weights = places + within.start, _weights(uses[:, places])
        for name in self._tables:
            table, equal = params[name], self._equal[name]
            before = equal.take(ids, axis=0)
            changes = self._group.empty(before.size, table.dtype)
            moved = changes.reshape(before.shape)
            np.subtract(table.take(ids, axis=0), before, out=moved)
            self._group.sum_in_place(changes)
            moved *= weights
            before += moved
            table[ids] = equal[ids] = before

    def _used(self, rows: slice) -> Vector:
        """Of some rows (2, n): c times their uses, and how much of their way this process has gone."""
        rate = max(CURVATURE * self._rate, 1e-6)  # above 0 at a learning rate of 0, too
        spent = rate * self._uses[rows]
        return np.stack([spent, -np.expm1(-spent)])


def _weights(uses: Vector) -> Vector:
    """Weights (n, 1) of the sums of changes of rows, by the sums of what `ApartStep._used` says of them (2, n)."""
    together, apart = -np.expm1(-uses[0]), uses[1]
    return np.asarray(np.divide(together, apart, out=np.ones_like(apart), where=apart > 0.0)[:, None])
