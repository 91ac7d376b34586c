"""Poisson deviance: a regression of counts, whose outputs are the logarithms of rates."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn import ops
from portnn.backends import Array, Namespace, portable
from portnn.objectives.label_kinds import VALUES
from portnn.objectives.registry import Objective, register
from portnn.objectives.scores import r2

Host = np.ndarray[Any, Any]


@portable
def predict(log_rates: Array, *, xp: Namespace = None) -> Array:
    """Rates (rows, n)."""
    return xp.exp(log_rates)


def score(log_rates: Host, values: Host, weights: Host | None) -> float:
    """R^2 of the rates."""
    return r2(np.exp(log_rates.astype(np.float64)), values, weights)


def check_values(values: Host) -> None:
    """Raise ValueError unless no value is negative."""
    if np.any(values < 0.0):
        raise ValueError(f"y must hold counts or other amounts of 0 or more for poisson, but has {values.min():g}")


register(
    Objective(
        name="poisson",
        forward=ops.poisson,
        backward=ops.poisson_backward,
        label=VALUES,
        loss_name="half the Poisson deviance",
        unit="nats",
        score_name="R2",
        predict=predict,
        score=score,
        check_values=check_values,
    )
)
