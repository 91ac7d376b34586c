"""The training step: one pure function of arrays, for every model and optimizer."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from portnn.backends import Array, Backend, coalesce, tree_map
from portnn.models import Model, Parameters
from portnn.optimizers import Optimizer
from portnn.optimizers.base import Gradients
from portnn.optimizers.clipping import clip_by_global_norm, clip_by_value, global_norm
from portnn.settings import brief_fields
from portnn.training.packing import pack, packed_shapes, row_major, unpack
from portnn.training.settings import StepSettings


class StepResult(NamedTuple):
    """What a step returns: `loss` (in the model's unit) and `gradient_norm` (before `clip_norm`) are 0-d.

    If gradients come in rows, their norm is computed only for clipping, since rows of the same id have to be summed
    first; without clipping it is None.
    """

    params: Parameters
    optimizer_state: Any
    carry: Any
    loss: Array
    gradient_norm: Array | None

    def __repr__(self) -> str:
        return brief_fields(self)


ALL = "all"
"""Name under which the optimizer sees all parameters except tables, packed into one vector."""

Step = Callable[[Parameters, Any, Any, Any, Array, Array], StepResult]
Update = Callable[[Parameters, Any, Gradients, Parameters, Array, Array], tuple[Parameters, Any, Array | None]]


def init_optimizer(optimizer: Optimizer, model: Model, params: Parameters, backend: Backend) -> Any:
    """Return the optimizer's state before the first step of `make_step`."""
    return optimizer.init(_packed(params, model, backend), xp=backend.xp)


def _packed(params: Parameters, model: Model, backend: Backend) -> Parameters:
    """Parameters as the optimizer sees them: one vector, except for tables whose gradients come in rows."""
    shapes = packed_shapes(model)
    packed = {ALL: pack(params, shapes, xp=backend.xp)} if shapes else {}
    return {**packed, **{name: params[name] for name in model.row_parameters}}


def make_step(model: Model, optimizer: Optimizer, backend: Backend, settings: StepSettings | None = None) -> Step:
    """Build ``step(params, optimizer_state, batch, carry, learning_rate, number) -> StepResult``.

    `learning_rate` and `number` (1 for the first step) are 0-d arrays, so that a compiled step reads them
    instead of freezing them. Gradients are clipped entry by entry to `settings.clip_value`, then to the global norm
    `settings.clip_norm`.

    If gradients come in rows (`Model.row_parameters`), the step may write into `params` and `optimizer_state`;
    afterwards only those that it returns are valid.
    """
    chosen = StepSettings() if settings is None else StepSettings(**settings.shared_with(StepSettings))
    if backend.library.compiles and _are_hashable(model, optimizer, backend):
        known: Step = _known_step(model, optimizer, backend, chosen)  # type: ignore[arg-type]
        return known
    return _new_step(model, optimizer, backend, chosen)


def _new_step(model: Model, optimizer: Optimizer, backend: Backend, settings: StepSettings) -> Step:
    xp, shapes, tables = backend.xp, packed_shapes(model), model.row_parameters
    update = make_update(model, optimizer, backend, settings)

    def step(params: Parameters, state: Any, batch: Any, carry: Any, learning_rate: Array, number: Array) -> StepResult:
        loss, carry, cache = model.loss(params, batch, carry, xp=xp)
        grads = model.gradients(cache, xp=xp)
        packed = {ALL: pack(grads, shapes, xp=xp)} if shapes else {}
        measured = model.measured(params, cache, xp=xp)
        grads = {**packed, **{name: grads[name] for name in tables}}
        params, state, norm = update(params, state, grads, measured, learning_rate, number)
        carry = tree_map(lambda array: row_major(array, xp=xp), carry)
        return StepResult(params, state, carry, loss, norm)

    # Copying tables would take time in proportion to their size, however few rows a step touches.
    return backend.compile(step, donate=(0, 1) if tables else ())


def make_update(model: Model, optimizer: Optimizer, backend: Backend, settings: StepSettings) -> Update:
    """Build ``update(params, optimizer_state, grads, measured, learning_rate, number)``, the second half of a step.

    It returns parameters, the optimizer's state and the global norm of the gradients, and is not compiled. `grads` are
    those of `ALL`, a vector, and of tables in rows; `measured` replaces frozen parameters.
    """
    clip_norm, clip_value = settings.clip_norm, settings.clip_value
    xp, shapes, tables, frozen = backend.xp, packed_shapes(model), model.row_parameters, model.frozen_parameters

    def clipped(grads: Gradients) -> tuple[Gradients, Array | None]:
        if tables and clip_norm is None and clip_value is None:
            return grads, None
        rows = {name: coalesce(grads[name], xp=xp) for name in tables}
        arrays = {name: rows[name].rows if name in rows else grad for name, grad in grads.items()}
        if clip_value is not None:
            arrays = clip_by_value(arrays, clip_value, xp=xp)
        if clip_norm is None:
            norm = global_norm(arrays, xp=xp)
        else:
            arrays, norm = clip_by_global_norm(arrays, clip_norm, xp=xp)
        return {**arrays, **{name: rows[name]._replace(rows=arrays[name]) for name in tables}}, norm

    def update(
        params: Parameters, state: Any, grads: Gradients, measured: Parameters, learning_rate: Array, number: Array
    ) -> tuple[Parameters, Any, Array | None]:
        grads, norm = clipped(grads)
        moved, state = optimizer.update(
            _packed(params, model, backend),
            grads,
            state,
            learning_rate=learning_rate,
            step=number,
            donate=bool(tables),
            xp=xp,
        )
        changed = {**(unpack(moved[ALL], shapes, xp=xp) if shapes else {}), **{name: moved[name] for name in tables}}
        return {**changed, **{name: params[name] for name in frozen}, **measured}, state, norm

    return update


_known_step = functools.lru_cache(maxsize=32)(_new_step)
"""Steps of the latest models, so that the next call of `partial_fit` does not compile a step again."""


def _are_hashable(*values: object) -> bool:
    try:
        hash(values)
    except TypeError:
        return False
    return True
