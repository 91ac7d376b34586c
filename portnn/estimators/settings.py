"""Settings as people give them, by name or as objects, to the objects that training takes."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

from portnn.backends import Backend, backend, generator
from portnn.optimizers import Optimizer, optimizer
from portnn.optimizers.schedules import Schedule, schedule


def plain(value: Any) -> Any:
    """Python's number for a scalar of NumPy, which no checkpoint could hold; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def number(name: str, value: Any) -> Any:
    """Python's number for a real number of any kind, and no other thing: neither text nor a truth value."""
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return value


def switch(name: str, value: Any) -> bool:
    """A truth value given as such, or as 0 or 1."""
    value = plain(value)
    if not (isinstance(value, int) and value in (0, 1)):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def as_seed(value: Any) -> int:
    """A whole number, 0 or more."""
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"seed must be a whole number, got {value!r}")
    generator(value)
    return value


def as_backend(chosen: str | Backend, device: Any, dtype: str) -> Backend:
    """Backend itself, or the one of a name."""
    return chosen if isinstance(chosen, Backend) else backend(chosen, device=device, dtype=dtype)


def as_optimizer(chosen: str | dict[str, Any] | Optimizer) -> Optimizer:
    """Optimizer itself, or the one of a name or of a record that its `to_json` made."""
    if isinstance(chosen, dict):
        return optimizer(**chosen)
    return chosen if isinstance(chosen, Optimizer) else optimizer(chosen)


def as_schedule(chosen: str | dict[str, Any] | Schedule, learning_rate: float, total: int) -> Schedule:
    """Schedule itself, or the one of a name or of a record that its `to_json` made."""
    if isinstance(chosen, dict):
        return Schedule.from_json(chosen)
    return chosen if isinstance(chosen, Schedule) else schedule(chosen, learning_rate, total)


def total_steps(steps: int | None, epochs: float | None, batches: int, *, default: float = 10.0) -> int:
    """Length of a run in steps, where one pass over the data has `batches` of them; `default` is in epochs."""
    if steps is not None and epochs is not None:
        raise ValueError("give steps or epochs, not both")
    if steps is not None:
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
            raise ValueError(f"steps must be a positive whole number, got {steps!r}")
        return steps
    epochs = default if epochs is None else number("epochs", epochs)
    if not (math.isfinite(epochs) and epochs > 0):
        raise ValueError(f"epochs must be positive, got {epochs}")
    return max(1, round(epochs * batches))
