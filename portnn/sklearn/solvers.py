"""Solvers and learning rates by the names that scikit-learn has for them, as portnn's optimizers and schedules."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from portnn.optimizers import SGD, Adam, Optimizer, optimizer
from portnn.optimizers.schedules import Constant, Schedule

STOCHASTIC = ("sgd", "adam", "momentum", "nesterov", "adagrad", "rmsprop", "adamw")
"""Solvers that go through mini-batches: scikit-learn's two, and portnn's others by name."""

SOLVERS = ("lbfgs", *STOCHASTIC)

LEARNING_RATES = ("constant", "invscaling", "adaptive")


def as_solver(chosen: Any) -> Optimizer:
    """Optimizer with the settings of an estimator."""
    if chosen.solver == "sgd":
        nesterov = bool(chosen.nesterovs_momentum) and chosen.momentum > 0
        return SGD(momentum=chosen.momentum, nesterov=nesterov)
    if chosen.solver == "adam":
        return Adam(beta1=chosen.beta_1, beta2=chosen.beta_2, eps=chosen.epsilon)
    return optimizer(chosen.solver)


@dataclass(frozen=True)
class InverseScaling(Schedule):
    """``learning_rate / (t + 1)^power_t`` through every epoch, with the t rows seen before it.

    Parameters
    ----------
    learning_rate : float
    rows, batches : int
        Of an epoch.
    seen : int, default 0
        Rows seen before step 0.
    power_t : float, default 0.5

    Examples
    --------
    >>> inverse = InverseScaling(0.5, rows=3, batches=2)
    >>> [inverse(step) for step in (0, 1, 2, 3)]
    [0.5, 0.5, 0.25, 0.25]
    """

    name: ClassVar[str] = "invscaling"
    rows: int
    batches: int
    seen: int = 0
    power_t: float = 0.5

    def _rate(self, step: int) -> float:
        return self.learning_rate / math.pow(self.seen + step // self.batches * self.rows + 1, self.power_t)


def as_rates(chosen: Any, rate: float, *, rows: int, batches: int, seen: int) -> Schedule:
    """Schedule of an estimator: "invscaling" for sgd, else the same rate at every step."""
    if chosen.solver == "sgd" and chosen.learning_rate == "invscaling":
        return InverseScaling(rate, rows=rows, batches=batches, seen=seen, power_t=chosen.power_t)
    return Constant(rate)
