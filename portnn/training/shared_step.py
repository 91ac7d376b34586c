"""The training step of several processes: each computes its part of the batch, and one sum makes the whole."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Array, Backend, RowGradient, SummedRows, coalesce, scatter_add, tree_map
from portnn.batches import Batch
from portnn.models import Model, Parameters
from portnn.optimizers import Optimizer
from portnn.optimizers.base import Gradients
from portnn.training.packing import entries_of, pack, packed_shapes, row_major
from portnn.training.settings import StepSettings
from portnn.training.step import ALL, StepResult, make_update
from portnn.training.sums import Summand, Sums

Host = np.ndarray[Any, Any]

LAST = 2
"""Entries of the vector that is added up, after all gradients: the loss, the learning rate."""


class Computed(NamedTuple):
    """What a process finds for its part.

    Attributes
    ----------
    loss : array, shape ()
        Its summand of the batch's.
    carry : tree of arrays
        For its part of the next batch.
    grads : dict of str to array
        `ALL`, its summand of the gradient; or, on the host, the gradients that `scale` times are the summand.
    scale : array, shape ()
    rows : dict of str to RowGradient
        Its summands of the gradients of tables.
    measured : dict of str to array
    """

    loss: Array
    carry: Any
    grads: Parameters
    scale: Array
    rows: dict[str, RowGradient]
    measured: Parameters


class SharedStep:
    """A training step of all processes of a group, which end it with the same parameters.

    Gradients, loss and the first process's learning rate are one vector, which is added up once a step, together with
    the wishes to stop. Gradients of tables take part with the rows that any process used, whose numbers are exchanged
    before.

    Parameters
    ----------
    model, optimizer, backend, settings
        As for `make_step`.
    sums : HostSums or DeviceSums
        How the group adds up arrays of the backend.
    stop : callable
        Whether this process wants to stop.

    Attributes
    ----------
    stops : bool
        Whether any process has wanted to, as all have learned from the last step.
    """

    def __init__(
        self,
        model: Model,
        optimizer: Optimizer,
        backend: Backend,
        settings: StepSettings,
        sums: Sums,
        stop: Callable[[], bool],
    ) -> None:
        self._model, self._backend, self._sums, self._stop = model, backend, sums, stop
        self._shapes, self.stops = packed_shapes(model), False
        self._zero = backend.asarray(np.float64(0.0))
        self._entries = entries_of(self._shapes)
        tables = model.row_parameters
        self._compute = backend.compile(self._separate)
        update = make_update(model, optimizer, backend, settings)
        self._update = backend.compile(update, donate=(0, 1) if tables else ())

    def __call__(
        self, params: Parameters, state: Any, batch: Batch, carry: Any, learning_rate: Array, number: Array
    ) -> StepResult:
        """Like a step of `make_step`, for a part of a batch, and for the carry of that part."""
        backend, sums, xp = self._backend, self._sums, self._sums.home.xp
        copies = sums.group.size // batch.parts
        share = np.asarray(batch.share / copies, backend.dtype)
        if self._model.couples_parts and batch.parts > 1:
            found = self._coupled(params, batch, carry, share)
        else:
            found = self._compute(params, batch.data, carry, backend.asarray(share))
        rows = {name: self._united(gradient) for name, gradient in found.rows.items()}
        factor = found.scale if backend.library.on_host else None
        vector, self.stops = sums.total(
            [
                *(Summand(array, factor) for array in found.grads.values()),
                *(Summand(own) for _, own in rows.values()),
                Summand(found.loss),
                Summand(learning_rate if sums.group.rank == 0 else self._zero),
            ],
            self._stop(),
        )
        grads: Gradients = {ALL: backend.asarray(vector[: self._entries])} if self._shapes else {}
        start = self._entries
        for name, (ids, own) in rows.items():
            stop = start + math.prod(own.shape)
            summed = xp.reshape(vector[start:stop], own.shape)
            start = stop
            leads = np.ones((len(ids), 1), backend.dtype)
            grads[name] = tree_map(backend.asarray, SummedRows(ids, summed, leads))
        last = xp.asarray(vector[-LAST:], copy=True)  # the loss is read some steps later
        loss, rate = (backend.asarray(last[place]) for place in range(LAST))
        params, state, norm = self._update(params, state, grads, found.measured, rate, number)
        carry = tree_map(lambda array: row_major(array, xp=backend.xp), found.carry)
        return StepResult(params, state, carry, loss, norm)

    def _separate(self, params: Parameters, data: Any, carry: Any, share: Array) -> Computed:
        """What a part comes to that does not depend on the others."""
        model, xp = self._model, self._backend.xp
        loss, carry, cache = model.loss(params, data, carry, xp=xp)
        return self._scaled(params, loss, carry, cache, share, share)

    def _coupled(self, params: Parameters, batch: Batch, carry: Any, share: Host) -> Computed:
        """What a part comes to, where a loss needs sums over all parts; then gradients are weighted within it."""
        asarray, group = self._backend.asarray, Parts(float(share) * batch.parts, self._sums)
        loss, carry, cache = self._model.loss(params, batch.data, carry, group=group, xp=self._backend.xp)  # type: ignore[call-arg]
        return self._scaled(params, loss, carry, cache, asarray(share), asarray(np.float64(1.0 / batch.parts)))

    def _scaled(self, params: Parameters, loss: Array, carry: Any, cache: Any, share: Array, scale: Array) -> Computed:
        model, xp, shapes = self._model, self._backend.xp, self._shapes
        grads = model.gradients(cache, xp=xp)
        rows = {name: RowGradient(grads[name].ids, grads[name].rows * scale) for name in model.row_parameters}
        if self._backend.library.on_host:  # scaled where they are packed, which saves a pass over memory
            grads = {name: grads[name] for name in shapes}
        else:
            grads = {ALL: pack(grads, shapes, xp=xp) * scale} if shapes else {}
        return Computed(loss * share, carry, grads, scale, rows, model.measured(params, cache, xp=xp))

    def _united(self, gradient: RowGradient) -> tuple[Host, Array]:
        """Numbers (n,) of the rows that any process uses, and this one's gradients (n, m) for them."""
        ids, rows, _ = coalesce(gradient, xp=self._backend.xp)
        ids, rows, home = self._backend.to_host(ids), self._sums.at_home(rows), self._sums.home
        united = np.unique(np.concatenate(self._sums.group.gather(ids)))
        own = home.xp.zeros((len(united), rows.shape[1]), dtype=rows.dtype, device=home.device)
        places = home.asarray(np.searchsorted(united, ids))
        return united, scatter_add(own, places, rows, donate=True, coalesced=True, xp=home.xp)


class Parts:
    """The parts of a batch, as a loss sees them that depends on all: see `portnn.backends.BatchGroup`."""

    def __init__(self, weight: float, sums: Sums) -> None:
        self.weight, self._sums = weight, sums

    def sum(self, array: Array) -> Array:
        """Sum of arrays over the parts."""
        return self._sums.sum(array)

    def count(self, number: int) -> int:
        """Sum of numbers over the parts."""
        numbers = np.asarray([number])
        self._sums.group.sum_in_place(numbers)
        return int(numbers[0])


def part_entries(model: Model) -> int:
    """Entries of the vector that a step of a model adds up on the host, without the rows of tables."""
    return entries_of(packed_shapes(model)) + LAST + 1  # and the wish to stop
