"""Learning rates as functions of the step: plain floats, worked out on the host before each step.

A schedule is a frozen dataclass. Steps count from 0, and a schedule that has an end stays there.
"""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass
from typing import Annotated, Any, ClassVar

from portnn.settings import Settings, brief, declared, not_negative, positive, share, whole_number

__all__ = ["SCHEDULES", "Constant", "CosineWithWarmup", "Exponential", "Halving", "Linear", "Schedule", "schedule"]


@dataclass(frozen=True)
class Schedule(Settings):
    """What the schedules share: a starting rate, options that are checked, and a form that JSON can hold.

    Parameters
    ----------
    learning_rate : float
        Positive: the rate that the schedule starts from, or warms up to.

    Raises
    ------
    TypeError
        If an option is not a number.
    ValueError
        If an option is out of its range.
    """

    name: ClassVar[str]
    learning_rate: Annotated[float, positive, "Rate that the schedule starts from, or warms up to."]

    def __call__(self, step: int) -> float:
        """Learning rate for `step`, which counts from 0.

        Raises
        ------
        ValueError
            If `step` is negative.
        """
        step = whole_number(f"{self.name}: step", step)
        if step < 0:
            raise ValueError(f"{self.name}: step must not be negative, got {step}")
        return float(self._rate(step))

    def _rate(self, step: int) -> float:
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """Name and options, for a checkpoint; `as_schedule` makes an equal schedule from them."""
        return {"name": self.name, **super().to_json()}

    def _require(self, option: str, valid: bool, expected: str) -> None:
        if not valid:
            raise ValueError(f"{option} must be {expected}, got {getattr(self, option):g}")


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate at every step.

    Examples
    --------
    >>> Constant(0.1)(1000)
    0.1
    """

    name: ClassVar[str] = "constant"

    def _rate(self, step: int) -> float:
        return self.learning_rate


@dataclass(frozen=True)
class Halving(Schedule):
    """The rate halves every `every` steps: ``learning_rate / 2^floor(step / every)``.

    Parameters
    ----------
    learning_rate : float
        Rate of the first `every` steps.
    every : int
        Positive.

    Examples
    --------
    >>> halving = Halving(0.8, every=10)
    >>> [halving(step) for step in (0, 9, 10, 20)]
    [0.8, 0.8, 0.4, 0.2]
    """

    name: ClassVar[str] = "halving"
    every: Annotated[int, positive, "Steps after which the rate halves."]

    def _rate(self, step: int) -> float:
        # ldexp underflows to 0 where `2.0**n` would overflow.
        return math.ldexp(self.learning_rate, -(step // self.every))


@dataclass(frozen=True)
class Linear(Schedule):
    """A straight line from `learning_rate` at step 0 to `end` at step `total`.

    Parameters
    ----------
    learning_rate : float
        Rate at step 0.
    total : int
        Steps to the end, positive. The last of `total` steps is one short of the end, so it still learns.
    end : float, default 0
        The rate from step `total` on, in [0, learning_rate].

    Examples
    --------
    >>> linear = Linear(0.5, total=10)
    >>> [linear(step) for step in (0, 5, 10, 11)]
    [0.5, 0.25, 0.0, 0.0]
    """

    name: ClassVar[str] = "linear"
    total: Annotated[int, positive, "Steps to the end."]
    end: Annotated[float, not_negative, "Rate at the end."] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("end", self.end <= self.learning_rate, f"in [0, {self.learning_rate:g}]")

    def _rate(self, step: int) -> float:
        left = 1.0 - min(step / self.total, 1.0)
        return self.end + (self.learning_rate - self.end) * left


@dataclass(frozen=True)
class Exponential(Schedule):
    """The same factor at every step, down to `fraction` of the rate at step `total`.

    The rate is ``learning_rate * fraction^(step / total)``. With a fraction of the whole instead of a factor
    per step, the decay keeps its shape when the number of steps changes.

    Parameters
    ----------
    learning_rate : float
        Rate at step 0.
    total : int
        Steps to the end, positive.
    fraction : float, default 0.01
        Share of `learning_rate` from step `total` on, in (0, 1].

    Examples
    --------
    >>> exponential = Exponential(1.0, total=10, fraction=0.25)
    >>> [exponential(step) for step in (0, 5, 10, 11)]
    [1.0, 0.5, 0.25, 0.25]
    """

    name: ClassVar[str] = "exponential"
    total: Annotated[int, positive, "Steps to the end."]
    fraction: Annotated[float, share, "Share of the rate that is left at the end."] = 0.01

    def _rate(self, step: int) -> float:
        return self.learning_rate * math.pow(self.fraction, min(step / self.total, 1.0))


@dataclass(frozen=True)
class CosineWithWarmup(Schedule):
    """A straight rise over `warmup` steps, then half a cosine down to `end` at step `total`.

    With w = `warmup` the rate is ``learning_rate * (step + 1) / (w + 1)`` before step w, so that the first
    step is not wasted on a rate of 0, and from there on::

        end + (learning_rate - end) * (1 + cos(pi * (step - w) / (total - w))) / 2

    Parameters
    ----------
    learning_rate : float
        Highest rate, at step `warmup`.
    total : int
        Steps to the end, positive, warmup included.
    warmup : int, default 0
        Steps of warmup, in [0, total).
    end : float, default 0
        The rate from step `total` on, in [0, learning_rate].

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter. SGDR: stochastic gradient descent with warm restarts. ICLR, 2017.
       https://arxiv.org/abs/1608.03983

    Examples
    --------
    >>> cosine = CosineWithWarmup(1.0, total=13, warmup=3)
    >>> [round(cosine(step), 6) for step in (0, 1, 2, 3, 8, 13, 14)]
    [0.25, 0.5, 0.75, 1.0, 0.5, 0.0, 0.0]
    """

    name: ClassVar[str] = "cosine"
    total: Annotated[int, positive, "Steps to the end."]
    warmup: Annotated[int, not_negative, "Steps of warmup."] = 0
    end: Annotated[float, not_negative, "Rate at the end."] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("warmup", self.warmup < self.total, f"in [0, {self.total})")
        self._require("end", self.end <= self.learning_rate, f"in [0, {self.learning_rate:g}]")

    def _rate(self, step: int) -> float:
        if step < self.warmup:
            return self.learning_rate * (step + 1) / (self.warmup + 1)
        done = min((step - self.warmup) / (self.total - self.warmup), 1.0)
        return self.end + (self.learning_rate - self.end) * (1.0 + math.cos(math.pi * done)) / 2.0


SCHEDULES: dict[str, type[Schedule]] = {
    kind.name: kind for kind in (Constant, Halving, Linear, Exponential, CosineWithWarmup)
}
"""Schedules by name."""


def schedule(name: str, learning_rate: float, total_steps: int, **options: Any) -> Schedule:
    """Make a schedule from its name.

    Parameters
    ----------
    name : str
        A key of `SCHEDULES`. ``halving`` needs ``every``.
    learning_rate : float
        Positive.
    total_steps : int
        Length of the training run, for the schedules that have an end.
    **options
        Other fields of the class, in place of its defaults.

    Raises
    ------
    TypeError
        If an option is not a number.
    ValueError
        If the name or an option is unknown, missing or out of its range.

    Examples
    --------
    >>> schedule("linear", 0.5, 1000, end=0.125)
    Linear(learning_rate=0.5, total=1000, end=0.125)
    >>> schedule("halving", 0.5, 1000, every=100)
    Halving(learning_rate=0.5, every=100)
    """
    if name in SCHEDULES and "total" in declared(SCHEDULES[name]):
        options = {"total": total_steps, **options}
    return _make(name, {"learning_rate": learning_rate, **options})


def as_schedule(chosen: str | dict[str, Any] | Schedule, learning_rate: float, total: int) -> Schedule:
    """The schedule itself, or one made from its name or its `to_json` record.

    Raises
    ------
    ValueError
        If the name or an option is unknown, missing or out of its range.
    """
    if isinstance(chosen, dict):
        options = dict(chosen)
        return _make(options.pop("name", ""), options)
    return chosen if isinstance(chosen, Schedule) else schedule(chosen, learning_rate, total)


def known_schedule(chosen: str | dict[str, Any] | Schedule) -> str | Schedule:
    """Return the name of a schedule, or a schedule, after checking that it exists.

    Raises
    ------
    ValueError
        If there is no schedule of this name.
    """
    made = as_schedule(chosen, 1.0, 1)
    return chosen if isinstance(chosen, str) else made


def _make(name: str, options: dict[str, Any]) -> Schedule:
    if name not in SCHEDULES:
        raise ValueError(f"unknown schedule {brief(name)}; known: {', '.join(SCHEDULES)}")
    settings = declared(SCHEDULES[name])
    for option in options:
        if option not in settings:
            raise ValueError(f"{name}: unknown option {brief(option)}; known: {', '.join(settings)}")
    for setting in settings.values():
        if setting.default is MISSING and setting.name not in options:
            raise ValueError(f"{name}: the option {brief(setting.name)} is missing")
    return SCHEDULES[name](**options)
