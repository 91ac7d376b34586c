"""Settings of a training run, which every `fit` has."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from portnn.optimizers import OPTIMIZERS, Optimizer, as_optimizer
from portnn.optimizers.schedules import SCHEDULES, Schedule, as_schedule, known_schedule
from portnn.settings import FIXED, TRANSIENT, By, ClassDefault, OneOf, Settings, positive
from portnn.training import Callback, LoopSettings, as_callbacks

MEASURE, MEASUREMENTS = 50, 200
"""With patience: minimum steps between measurements, maximum measurements in a run; a small table's epoch is short."""


UpdateRule = Annotated[str | Optimizer, FIXED, By(as_optimizer), OneOf(OPTIMIZERS), "Update rule."]

RateSchedule = Annotated[
    str | Schedule, By(known_schedule), OneOf(SCHEDULES), "Learning rate over the steps of this run."
]


Callbacks = Annotated[Sequence[Callback], TRANSIENT, By(as_callbacks), "Functions called after every step."]

ShowProgress = Annotated[bool, TRANSIENT, "Show progress: a bar, or lines on stderr."]


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings(Settings):
    """What moves the parameters."""

    optimizer: UpdateRule = "adam"


@dataclass(frozen=True, kw_only=True)
class RateSettings(OptimizerSettings):
    """What moves the parameters, and how far."""

    learning_rate: Annotated[float, positive, "Step size."] = 1e-3


@dataclass(frozen=True, kw_only=True)
class RunSettings(OptimizerSettings, LoopSettings):
    """How long to train and how, where the run is kept, and what is shown of it."""

    EPOCHS: ClassVar[float] = 10.0

    steps: Annotated[
        int | None, positive, "Total length of the run in steps, including any resumed part; give steps or epochs."
    ] = None
    epochs: Annotated[
        float | None,
        positive,
        ClassDefault("EPOCHS"),
        "Total length of the run in passes over the data, including any resumed part.",
    ] = None
    out: Annotated[
        str | os.PathLike[str] | None,
        TRANSIENT,
        "Folder for last.safetensors, best.safetensors and metrics.jsonl; or the name of a .safetensors file, beside "
        "which the others lie.",
    ] = None
    resume: Annotated[
        bool, TRANSIENT, "Continue the run in `out`, bit for bit if `workers` is the same; start one if there is none."
    ] = False
    overwrite: Annotated[bool, TRANSIENT, "Replace the run in `out`; otherwise an existing run is an error."] = False
    callbacks: Callbacks = ()
    progress: ShowProgress = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps is not None and self.epochs is not None:
            raise ValueError("give steps or epochs, not both")
        if self.resume and self.overwrite:
            raise ValueError("resume continues a run and overwrite replaces it; give one of them")
        if self.resume and self.out is None:
            raise ValueError("resume needs out, the folder of the run to continue")

    def total_steps(self, batches: int) -> int:
        """Length of the run in steps, if one pass over the data has `batches` of them."""
        if self.steps is not None:
            return self.steps
        return max(1, round((self.EPOCHS if self.epochs is None else self.epochs) * batches))

    def cadence(self, batches: int, total: int) -> dict[str, int]:
        """How often to log, evaluate and save, in steps: as set, or what suits the length of the run."""
        if self.patience is None:
            suitable = max(batches, math.ceil(total / 20))
        else:
            epochs = max(math.ceil(MEASURE / batches), math.ceil(total / batches / MEASUREMENTS))
            suitable = batches * epochs
        evaluate = self.evaluate_every or suitable
        return {
            "log_every": self.log_every or max(batches, math.ceil(total / 200)),
            "evaluate_every": evaluate,
            "checkpoint_every": self.checkpoint_every or evaluate,
        }

    def recorded(self, **settled: Any) -> dict[str, Any]:
        """Settings of a run for its checkpoint, with those left open as the data settled them."""
        return {**self.to_json(), "epochs": None, **settled}

    def schedule_over(self, total: int) -> dict[str, Schedule]:
        """Schedule of the learning rate for the plan, if the run has one."""
        return {}


@dataclass(frozen=True, kw_only=True)
class DealtSettings(RunSettings):
    """Settings of a run on a text that may be dealt out."""

    sharded: Annotated[
        bool,
        FIXED,
        'With workers "mpi": each process has files of its own. Those that find the same files deal them out.',
    ] = False


@dataclass(frozen=True, kw_only=True)
class ScheduledRunSettings(RateSettings, RunSettings):
    """Settings of a run whose learning rate follows a schedule."""

    schedule: RateSchedule = "constant"

    def schedule_over(self, total: int) -> dict[str, Schedule]:
        """Schedule of the learning rate for the plan."""
        return {"schedule": as_schedule(self.schedule, self.learning_rate, total)}
