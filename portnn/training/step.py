"""The training step: one pure function of arrays, for every model and optimizer."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from portnn.backends import Array, Backend, tree_map
from portnn.clipping import clip_by_global_norm, clip_by_value, global_norm
from portnn.models import Model, Parameters
from portnn.optimizers import Optimizer
from portnn.training.packing import pack, row_major, unpack
from portnn.training.workers import Workers


class StepResult(NamedTuple):
    """What a step puts out: `loss` (in the model's unit) and `gradient_norm` (before `clip_norm`) are 0-d."""

    params: Parameters
    optimizer_state: Any
    carry: Any
    loss: Array
    gradient_norm: Array


ALL = "all"
"""Name under which the optimizer sees all parameters, packed into one vector."""

Step = Callable[[Parameters, Any, Any, Any, Array, Array], StepResult]


def init_optimizer(optimizer: Optimizer, model: Model, params: Parameters, backend: Backend) -> Any:
    """State of an optimizer before the first step of `make_step`."""
    return optimizer.init({ALL: pack(params, model.shapes(), xp=backend.xp)}, xp=backend.xp)


def make_step(
    model: Model,
    optimizer: Optimizer,
    backend: Backend,
    *,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    workers: Workers | None = None,
) -> Step:
    """Build ``step(params, optimizer_state, batch, carry, learning_rate, number) -> StepResult``.

    `learning_rate` and `number` (1 for the first step) are 0-d arrays, so that a compiled step reads them
    instead of freezing them. Gradients are clipped entry by entry to `clip_value`, then to the global norm
    `clip_norm`. `workers`, if there are any, work out loss and gradient together.
    """
    if workers is None and backend.name == "jax" and _can_be_told_apart(model, optimizer, backend):
        known: Step = _known_step(model, optimizer, backend, clip_norm, clip_value)  # type: ignore[arg-type]
        return known
    return _new_step(model, optimizer, backend, clip_norm, clip_value, workers)


def _new_step(
    model: Model,
    optimizer: Optimizer,
    backend: Backend,
    clip_norm: float | None,
    clip_value: float | None,
    workers: Workers | None = None,
) -> Step:
    xp, shapes = backend.xp, model.shapes()

    def gradient_of(params: Parameters, batch: Any, carry: Any) -> tuple[Array, Any, Array]:
        loss, carry, cache = model.loss(params, batch, carry, xp=xp)
        return loss, carry, pack(model.gradients(cache, xp=xp), shapes, xp=xp)

    def step(params: Parameters, state: Any, batch: Any, carry: Any, learning_rate: Array, number: Array) -> StepResult:
        loss, carry, gradient = (workers or gradient_of)(params, batch, carry)
        grads = {ALL: gradient}
        if clip_value is not None:
            grads = clip_by_value(grads, clip_value, xp=xp)
        if clip_norm is None:
            norm = global_norm(grads, xp=xp)
        else:
            grads, norm = clip_by_global_norm(grads, clip_norm, xp=xp)
        packed, state = optimizer.update(
            {ALL: pack(params, shapes, xp=xp)}, grads, state, learning_rate=learning_rate, step=number, xp=xp
        )
        carry = tree_map(lambda array: row_major(array, xp=xp), carry)
        return StepResult(unpack(packed[ALL], shapes, xp=xp), state, carry, loss, norm)

    return backend.compile(step)


_known_step = functools.lru_cache(maxsize=32)(_new_step)
"""Steps of the latest models: one that JAX has compiled is not compiled again by the next call of `partial_fit`."""


def _can_be_told_apart(*values: object) -> bool:
    try:
        hash(values)
    except TypeError:
        return False
    return True
