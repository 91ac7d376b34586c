"""Solvers and learning rates by scikit-learn's names, as portnn's optimizers and schedules."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

from portnn.optimizers import SGD, Adam, Optimizer, optimizer
from portnn.optimizers.schedules import Constant, Schedule
from portnn.settings import finite, not_negative, positive


class Solver(NamedTuple):
    """A way to train.

    Attributes
    ----------
    optimizer : callable or None
        Optimizer with the parameters of an estimator; None if the solver has no mini-batches.
    has_schedules : bool
        Whether the parameter `learning_rate` applies; otherwise the rate is constant.
    """

    optimizer: Callable[[Any], Optimizer] | None
    has_schedules: bool = False


class LearningRate(NamedTuple):
    """How the learning rate changes.

    Attributes
    ----------
    schedule : callable
        ``schedule(estimator, learning_rate, rows=, batches=, seen=)``, with the rows and batches of an epoch and the
        rows seen before.
    adaptive : bool
        Whether the rate is divided, instead of training being stopped, when the loss no longer improves.
    """

    schedule: Callable[..., Schedule]
    adaptive: bool = False


@dataclass(frozen=True)
class InverseScaling(Schedule):
    """``learning_rate / (t + 1)^power_t`` throughout an epoch, with t rows seen before it.

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
    rows: Annotated[int, positive, "Rows of an epoch."]
    batches: Annotated[int, positive, "Batches of an epoch."]
    seen: Annotated[int, not_negative, "Rows seen before step 0."] = 0
    power_t: Annotated[float, finite, "Power to which the rows seen are raised."] = 0.5

    def _rate(self, step: int) -> float:
        return self.learning_rate / math.pow(self.seen + step // self.batches * self.rows + 1, self.power_t)


def sgd(estimator: Any) -> Optimizer:
    """SGD with the momentum of an estimator."""
    nesterov = bool(estimator.nesterovs_momentum) and estimator.momentum > 0
    return SGD(momentum=estimator.momentum, nesterov=nesterov)


def adam(estimator: Any) -> Optimizer:
    """Adam with the decay rates of an estimator."""
    return Adam(beta1=estimator.beta_1, beta2=estimator.beta_2, eps=estimator.epsilon)


def by_name(name: str, estimator: Any) -> Optimizer:
    """One of portnn's optimizers, which have no parameters in scikit-learn."""
    return optimizer(name)


def constant(estimator: Any, learning_rate: float, *, rows: int, batches: int, seen: int) -> Schedule:
    """The same rate at every step."""
    return Constant(learning_rate)


def inverse_scaling(estimator: Any, learning_rate: float, *, rows: int, batches: int, seen: int) -> Schedule:
    """`InverseScaling` with the exponent of an estimator."""
    return InverseScaling(learning_rate, rows=rows, batches=batches, seen=seen, power_t=estimator.power_t)


SOLVERS = {
    "lbfgs": Solver(None),
    "sgd": Solver(sgd, has_schedules=True),
    "adam": Solver(adam),
    **{
        name: Solver(functools.partial(by_name, name))
        for name in ("momentum", "nesterov", "adagrad", "rmsprop", "adamw")
    },
}
"""scikit-learn's three, and portnn's other optimizers by name."""

STOCHASTIC = tuple(name for name, solver in SOLVERS.items() if solver.optimizer is not None)
"""Solvers with mini-batches."""

LEARNING_RATES = {
    "constant": LearningRate(constant),
    "invscaling": LearningRate(inverse_scaling),
    "adaptive": LearningRate(constant, adaptive=True),
}


def optimizer_of(estimator: Any) -> Optimizer:
    """Optimizer of an estimator whose solver has mini-batches."""
    make = SOLVERS[estimator.solver].optimizer
    assert make is not None, f"{estimator.solver} has no mini-batches"
    return make(estimator)


def learning_rate_of(estimator: Any) -> LearningRate:
    """How the learning rate of an estimator changes, with its solver."""
    return LEARNING_RATES[estimator.learning_rate if SOLVERS[estimator.solver].has_schedules else "constant"]
