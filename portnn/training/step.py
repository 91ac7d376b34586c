"""The training step: one pure function of arrays, for every model and optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from portnn.backends import Array, Backend
from portnn.clipping import clip_by_global_norm, clip_by_value
from portnn.models import Model, Parameters
from portnn.optimizers import Optimizer


class StepResult(NamedTuple):
    """What a step puts out. `loss` (nats or the model's own unit) and `gradient_norm` (before clipping to it) are 0-d."""

    params: Parameters
    optimizer_state: Any
    carry: Any
    loss: Array
    gradient_norm: Array


Step = Callable[[Parameters, Any, Any, Any, Array, Array], StepResult]


def make_step(
    model: Model,
    optimizer: Optimizer,
    backend: Backend,
    *,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> Step:
    """Build ``step(params, optimizer_state, batch, carry, learning_rate, number) -> StepResult``.

    `learning_rate` and `number` (1 for the first step) are 0-d arrays, so that a compiled step reads them
    instead of freezing them. Gradients are clipped entry by entry to `clip_value`, then to the global norm
    `clip_norm`.
    """
    xp = backend.xp

    def step(
        params: Parameters, state: Any, batch: Any, carry: Any, learning_rate: Array, number: Array
    ) -> StepResult:
        loss, carry, cache = model.loss(params, batch, carry, xp=xp)
        grads = model.gradients(cache, xp=xp)
        if clip_value is not None:
            grads = clip_by_value(grads, clip_value, xp=xp)
        grads, norm = clip_by_global_norm(grads, clip_norm or math.inf, xp=xp)
        params, state = optimizer.update(
            params, grads, state, learning_rate=learning_rate, step=number, xp=xp
        )
        return StepResult(params, state, carry, loss, norm)

    return backend.compile(step)
