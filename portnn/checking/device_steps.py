"""Device steps: whatever runs repeatedly on a device, for every training case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from portnn.backends import Backend, generator, tree_map
from portnn.checking.model_cases import TrainingCase
from portnn.optimizers import Optimizer
from portnn.training import StepSettings, init_optimizer, make_step

CLIPPED = StepSettings(clip_norm=5.0)


def device_steps(
    case: TrainingCase,
    on: Backend,
    optimizer: Optimizer,
    settings: StepSettings = CLIPPED,
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the steps of a case, with their arrays: training, evaluation and, where ids are drawn one by one, sampling.

    Parameters
    ----------
    case : TrainingCase
    on : Backend
        It need not be able to compute (PyTorch's device `meta`).
    optimizer : Optimizer
    settings : StepSettings
        As for `make_step`.

    Yields
    ------
    name : str
        "training", "evaluation" or "sampling".
    step : callable
        Takes nothing and returns a tree of arrays. A training step may write into its own tables.
    """
    model, xp = case.model, on.xp
    batches = case.batches()
    params = tree_map(on.asarray, model.init(generator(0)))
    state = init_optimizer(optimizer, model, params, on)
    train = make_step(model, optimizer, on, settings)
    batch = tree_map(on.asarray, batches.at(0).data)
    carry = tree_map(on.asarray, model.initial_carry(batches.batch_size))
    learning_rate, number = on.asarray(np.float64(0.01)), on.asarray(np.float64(1.0))
    yield "evaluation", lambda: model.loss(params, batch, carry, xp=xp)[:2]
    if case.sampling is not None:
        yield "sampling", case.sampling(params, batch, on)
    yield "training", lambda: train(params, state, batch, carry, learning_rate, number)
