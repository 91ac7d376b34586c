"""Settings of training: of one step, and of the loop around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from portnn.optimizers import Optimizer, as_optimizer
from portnn.optimizers.schedules import Schedule
from portnn.settings import (
    By,
    OneOf,
    Settings,
    Shown,
    above_zero,
    checked_number,
    fraction,
    not_negative,
    positive,
)

MPI = "mpi"
"""In place of a number of workers: the processes that mpiexec or srun has started."""


def as_workers(value: Any) -> int | str:
    """A number of worker processes, or "mpi"."""
    return MPI if value == MPI else checked_number("workers", value, int, positive)


@dataclass(frozen=True, kw_only=True)
class StepSettings(Settings):
    """What a training step depends on besides the model and the optimizer."""

    clip_norm: Annotated[float | None, above_zero, "Largest global norm of the gradients; None for no limit."] = None
    clip_value: Annotated[
        float | None, above_zero, "Largest absolute value of each gradient entry; None for no limit."
    ] = None


@dataclass(frozen=True, kw_only=True)
class LoopSettings(StepSettings):
    """What happens between steps."""

    smoothing: Annotated[
        float | None,
        fraction,
        "Report ``smooth = smoothing * smooth + (1 - smoothing) * loss`` in place of a mean; None for the mean.",
    ] = None
    patience: Annotated[
        int | None,
        positive,
        "Stop after this many evaluations in a row without a new lowest loss; None to never stop early.",
    ] = None
    tolerance: Annotated[float, not_negative, "How much lower a loss must be to count as the new lowest."] = 0.0
    divergence_factor: Annotated[
        float,
        above_zero,
        "A loss above this multiple of the first (or of 1, if the first is smaller) has diverged.",
    ] = 5.0
    workers: Annotated[
        int | str | None,
        By(as_workers),
        Shown("one per core, if the batch is large enough"),
        'Processes that share each batch, on NumPy (Linux); "mpi" for those that mpiexec or srun has started. Their '
        "number affects the last digits of a run.",
    ] = None
    timeout: Annotated[
        float, above_zero, 'Seconds after which a process that does not answer ends a run with workers "mpi".'
    ] = 600.0
    log_every: Annotated[
        int | None, positive, Shown("once an epoch, at most 200 times"), "Steps between log lines."
    ] = None
    evaluate_every: Annotated[
        int | None,
        positive,
        Shown("at most 20 times, in whole epochs; with patience, every 50 steps or more"),
        "Steps between measurements of the held-out loss.",
    ] = None
    checkpoint_every: Annotated[
        int | None, positive, Shown("as often as the loss is measured"), "Steps between checkpoints."
    ] = None


@dataclass(frozen=True, kw_only=True)
class Plan(LoopSettings):
    """How to train, with every setting decided: what `Trainer` takes."""

    optimizer: Annotated[Optimizer, By(as_optimizer), "Update rule."]
    schedule: Annotated[Schedule, "Learning rate as a function of the steps done."]
    mean_over: Annotated[
        str, OneOf(("line", "epoch")), "The loss reported is the mean since the last line, or since the epoch began."
    ] = "line"
    shared_tables: Annotated[
        bool, "Workers of a model that trains apart write to the same tables, without waiting for one another."
    ] = False
    workers: int = 1
    log_every: int = 10
    evaluate_every: int = 200
    checkpoint_every: int = 200
