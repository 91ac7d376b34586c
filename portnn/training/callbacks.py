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
    loss, gradient_norm : 0-d array
        Still on the device: reading them waits for it.
    learning_rate : float
    carry : tuple
        What goes on to the next step.
    backend : Backend
    """

    step: int
    params: Parameters
    loss: Array
    gradient_norm: Array
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
