"""Callbacks: what people hang onto the training loop."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from portnn.backends import Array, Backend
from portnn.models import Parameters


class StepEvent(NamedTuple):
    """A step that has been done.

    Attributes
    ----------
    step : int
        Steps done, this one included.
    params : dict of str to array
        Where there are `Model.row_parameters`, the next step takes them all over: copy what is to be kept.
    loss : 0-d array
        As the model gives it. Still on the device: reading it waits for it.
    gradient_norm : 0-d array, or None where it was not worked out
    learning_rate : float
    carry : tuple
        What goes on to the next step.
    backend : Backend
    """

    step: int
    params: Parameters
    loss: Array
    gradient_norm: Array | None
    learning_rate: float
    carry: Any
    backend: Backend


class Callback(Protocol):
    """Called after every step.

    What it returns, if not None, replaces the parameters (normalised rows, say): the same names, shapes and
    dtype. A pure function of the event keeps resume exact; the optimizer's state stays as it is.
    """

    def __call__(self, event: StepEvent) -> Parameters | None:
        """See a step; return new parameters, or None."""


def check_replaced(replaced: Parameters, params: Parameters) -> None:
    """Refuse parameters of a callback that a compiled step, the optimizer or resume could not go on with.

    Raises
    ------
    ValueError
        If names or shapes differ from those of `params`.
    TypeError
        If a dtype does.
    """
    if replaced.keys() != params.keys():
        raise ValueError(f"callback: parameters {sorted(replaced)} came back, expected {sorted(params)}")
    for name, array in replaced.items():
        before = params[name]
        if tuple(array.shape) != tuple(before.shape):
            raise ValueError(
                f"callback: {name} came back with shape {tuple(array.shape)}, expected {tuple(before.shape)}"
            )
        if array.dtype != before.dtype:
            raise TypeError(f"callback: {name} came back with dtype {array.dtype}, expected {before.dtype}")
