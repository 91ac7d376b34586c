"""The training step of several processes: each computes its part of the batch, and one sum makes the whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Array, Backend, RowGradient, SummedRows, coalesce, tree_map
from portnn.batches import Batch
from portnn.groups import Group
from portnn.models import Model, Parameters
from portnn.optimizers import Optimizer
from portnn.optimizers.base import Gradients
from portnn.training.packing import entries_of, pack, packed_shapes, row_major, unpack
from portnn.training.settings import StepSettings
from portnn.training.step import ALL, StepResult, make_update

Vector = np.ndarray[Any, Any]

LAST = 3
"""Entries of the vector that is added up, after all gradients: the loss, the wish to stop, the learning rate."""


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

    Gradients, loss, the first process's learning rate and anyone's wish to stop are one vector, which is added up once
    a step. Gradients of tables take part with the rows that any process used, whose numbers are exchanged before.

    Parameters
    ----------
    model, optimizer, backend, settings
        As for `make_step`.
    group : Group
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
        group: Group,
        stop: Callable[[], bool],
    ) -> None:
        self._model, self._backend, self._group, self._stop = model, backend, group, stop
        self._shapes, self.stops = packed_shapes(model), False
        self._entries = entries_of(self._shapes)
        tables = model.row_parameters
        self._compute = self._coupled if model.couples_parts else backend.compile(self._separate)
        update = make_update(model, optimizer, backend, settings)
        self._update = backend.compile(update, donate=(0, 1) if tables else ())

    def __call__(
        self, params: Parameters, state: Any, batch: Batch, carry: Any, learning_rate: Array, number: Array
    ) -> StepResult:
        """Like a step of `make_step`, for a part of a batch, and for the carry of that part."""
        backend, xp, copies = self._backend, self._backend.xp, self._group.size // batch.parts
        found = self._compute(params, batch.data, carry, backend.asarray(np.float64(batch.share / copies)), batch.parts)
        rows = {name: self._united(gradient) for name, gradient in found.rows.items()}
        vector = self._filled(found, rows, learning_rate)
        self._group.sum_in_place(vector)
        loss, stop, rate = vector[-LAST:].copy()
        self.stops = bool(stop)
        grads: Gradients = {ALL: backend.asarray(vector[: self._entries])} if self._shapes else {}
        start = self._entries
        for name, (ids, own) in rows.items():
            summed = vector[start : start + own.size].reshape(own.shape)
            start += own.size
            leads = np.ones((len(ids), 1), own.dtype)
            grads[name] = tree_map(backend.asarray, SummedRows(ids, summed, leads))
        params, state, norm = self._update(params, state, grads, found.measured, backend.asarray(rate), number)
        carry = tree_map(lambda array: row_major(array, xp=xp), found.carry)
        return StepResult(params, state, carry, backend.asarray(loss), norm)

    def _separate(self, params: Parameters, data: Any, carry: Any, share: Array, parts: int) -> Computed:
        """What a part comes to that does not depend on the others."""
        model, xp = self._model, self._backend.xp
        loss, carry, cache = model.loss(params, data, carry, xp=xp)
        return self._scaled(params, loss, carry, cache, share, share)

    def _coupled(self, params: Parameters, data: Any, carry: Any, share: Array, parts: int) -> Computed:
        """What a part comes to, where a loss needs sums over all parts; then gradients are weighted within it."""
        model, backend = self._model, self._backend
        if parts == 1:  # every process has the whole
            return self._separate(params, data, carry, share, parts)
        group = Parts(self._group, float(share) * parts, backend)
        loss, carry, cache = model.loss(params, data, carry, group=group, xp=backend.xp)  # type: ignore[call-arg]
        return self._scaled(params, loss, carry, cache, share, backend.asarray(np.float64(1.0 / parts)))

    def _scaled(self, params: Parameters, loss: Array, carry: Any, cache: Any, share: Array, scale: Array) -> Computed:
        model, xp, shapes = self._model, self._backend.xp, self._shapes
        grads = model.gradients(cache, xp=xp)
        rows = {name: RowGradient(grads[name].ids, grads[name].rows * scale) for name in model.row_parameters}
        if self._backend.library.on_host:  # scaled where they are packed, which saves a pass over memory
            grads = {name: grads[name] for name in shapes}
        else:
            grads = {ALL: pack(grads, shapes, xp=xp) * scale} if shapes else {}
        return Computed(loss * share, carry, grads, scale, rows, model.measured(params, cache, xp=xp))

    def _united(self, gradient: RowGradient) -> tuple[Vector, Vector]:
        """Numbers (n,) of the rows that any process uses, and this one's gradients (n, m) for them."""
        ids, rows, _ = (self._backend.to_host(array) for array in coalesce(gradient, xp=self._backend.xp))
        united = np.unique(np.concatenate(self._group.gather(ids)))
        own = np.zeros((len(united), rows.shape[1]), rows.dtype)
        np.add.at(own, np.searchsorted(united, ids), rows)
        return united, own

    def _filled(self, found: Computed, rows: dict[str, tuple[Vector, Vector]], learning_rate: Array) -> Vector:
        backend, start = self._backend, self._entries
        vector = self._group.empty(start + sum(own.size for _, own in rows.values()) + LAST, backend.dtype)
        if ALL in found.grads:
            vector[:start] = backend.to_host(found.grads[ALL])
        else:
            for name, place in unpack(vector[:start], self._shapes, xp=np).items():
                np.multiply(found.grads[name], found.scale, out=place)
        for _, own in rows.values():
            vector[start : start + own.size] = own.reshape(-1)
            start += own.size
        rate = float(learning_rate) if self._group.rank == 0 else 0.0
        vector[-LAST:] = float(found.loss), self._stop(), rate
        return vector


class Parts:
    """The parts of a batch, as a loss sees them that depends on all: see `portnn.backends.BatchGroup`."""

    def __init__(self, group: Group, weight: float, backend: Backend) -> None:
        self.weight, self._group, self._backend = weight, group, backend

    def sum(self, array: Array) -> Array:
        """Sum over the parts."""
        total = np.array(self._backend.to_host(array), order="C")
        self._group.sum_in_place(total.reshape(-1))
        return self._backend.asarray(total)


def part_entries(model: Model) -> int:
    """Entries of the vector that a step of a model adds up, without the rows of tables."""
    return entries_of(packed_shapes(model)) + LAST
