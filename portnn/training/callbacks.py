"""Callbacks: functions that the training loop calls after every step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from portnn.backends import Array, Backend, Namespace, detached, tree_map
from portnn.groups import Group
from portnn.models import Parameters
from portnn.settings import brief, brief_fields
from portnn.training.packing import row_major


class StepEvent(NamedTuple):
    """A finished step.

    Attributes
    ----------
    step : int
        Steps done, this one included.
    params : dict of str to array
        If the model has `row_parameters`, the next step may write into them: copy what is to be kept.
    loss : 0-d array
        As the model returns it. Still on the device: reading it waits for the device.
    gradient_norm : 0-d array, or None if it was not computed
    learning_rate : float
    carry : tuple
        State handed to the next step; of the first process's part of the batch, if several share it.
    backend : Backend
    """

    step: int
    params: Parameters
    loss: Array
    gradient_norm: Array | None
    learning_rate: float
    carry: Any
    backend: Backend

    def __repr__(self) -> str:
        return brief_fields(self)


class Callback(Protocol):
    """Called after every step.

    A result other than None replaces the parameters (to normalize rows, for example) and must have the same names,
    shapes and dtypes; the optimizer's state stays as it is. If it depends on the event alone, resume stays exact.
    """

    def __call__(self, event: StepEvent) -> Parameters | None:
        """Inspect a step; return new parameters, or None."""


def as_callbacks(given: Any) -> tuple[Callback, ...]:
    """Callbacks as a tuple, refused before the first step if they cannot be called.

    Raises
    ------
    TypeError
        If they are not functions, or objects that are called like functions.
    """
    if not isinstance(given, Iterable):
        raise TypeError(f"callbacks must be a list of functions, got {brief(given)}")
    callbacks = tuple(given)
    for callback in callbacks:
        if not callable(callback):
            raise TypeError(
                f"each callback is called with the event of every step, but {brief(callback)} is not callable: give a "
                "function, or a class with __call__(self, event); gensim's on_epoch_end is never called"
            )
    return callbacks


def called_back(callbacks: Sequence[Callback], event: StepEvent, group: Group) -> Parameters:
    """Parameters after the first process of a group has called its callbacks: the same in all."""
    backend, before = event.backend, event.params
    for callback in callbacks:
        replaced = callback(event)
        if replaced is not None:
            event = event._replace(params=accepted(replaced, event.params, xp=backend.xp))
    if group.size == 1:
        return event.params
    changed = tree_map(backend.to_host, event.params) if event.params is not before else None
    changed = group.broadcast(changed)
    return before if changed is None else tree_map(backend.asarray, changed)


def accepted(replaced: Parameters, params: Parameters, *, xp: Namespace) -> Parameters:
    """Parameters from a callback, row-major and without a graph, if the step, the optimizer and resume can use them.

    Raises
    ------
    ValueError
        If names or shapes differ from those of `params`.
    TypeError
        If a dtype differs.
    """
    if replaced.keys() != params.keys():
        raise ValueError(f"callback: returned parameters {sorted(replaced)}, expected {sorted(params)}")
    for name, array in replaced.items():
        before = params[name]
        if tuple(array.shape) != tuple(before.shape):
            raise ValueError(
                f"callback: returned {name} with shape {tuple(array.shape)}, expected {tuple(before.shape)}"
            )
        if array.dtype != before.dtype:
            raise TypeError(f"callback: returned {name} with dtype {array.dtype}, expected {before.dtype}")
    return {name: row_major(detached(array), xp=xp) for name, array in replaced.items()}
