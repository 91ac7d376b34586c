"""Steps of several processes of one machine that write to the same tables, without waiting for one another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from portnn.backends import Array
from portnn.batches import Batch
from portnn.groups import Group
from portnn.models import Model, Parameters
from portnn.training.step import Step, StepResult

STEPS = 256
"""Steps after which processes ask one another whether any wants to stop."""


class LockFreeStep:
    """A step of one process of a group whose tables lie in memory that all write to.

    A row that two processes change at the same moment may lose one of the changes, which is rare enough not to matter
    [1]_. No two runs are the same bit for bit.

    Parameters
    ----------
    model : Model
        All of its parameters are tables whose gradients come in rows.
    step : callable
        A step of `make_step`, which writes into the tables.
    group : Group
    tables : dict of str to array
        Parameters of all, in shared memory.
    stop : callable
        Whether this process wants to stop.

    Attributes
    ----------
    stops : bool
        Whether any process has wanted to, when all last met.

    References
    ----------
    .. [1] B. Recht, C. Ré, S. Wright, F. Niu. Hogwild!: A Lock-Free Approach to Parallelizing Stochastic Gradient
       Descent. Advances in Neural Information Processing Systems 24, 2011.
    """

    def __init__(self, model: Model, step: Step, group: Group, tables: Parameters, stop: Callable[[], bool]) -> None:
        self._step, self._group, self._tables, self._stop = step, group, tables, stop
        self._names, self.stops = model.row_parameters, False
        self._moved = tables

    def __call__(
        self, params: Parameters, state: Any, batch: Batch, carry: Any, learning_rate: Array, number: Array
    ) -> StepResult:
        """Like a step of `make_step`."""
        if any(params[name] is not self._moved[name] for name in self._names):
            # A callback has put other tables in their place, which are the same in all processes.
            self._put_in_place(params)
        result = self._step(self._tables, state, batch.data, carry, learning_rate, number)
        self._moved = result.params
        if int(number) % STEPS == 0:
            self.settle(result.params)
        return result

    def settle(self, params: Parameters) -> None:
        """Meet the others."""
        wishes = np.asarray([self._stop()], np.float64)
        self._group.sum_in_place(wishes)
        self.stops = bool(wishes[0])

    def _put_in_place(self, params: Parameters) -> None:
        """Let the first process write parameters into the tables of all."""
        self._group.gather(None)
        if self._group.rank == 0:
            for name in self._names:
                self._tables[name][...] = params[name]
        self._group.gather(None)
