"""Parameters of `TextClassifier`: portnn's settings, and scikit-learn's names for what it has names for."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any, ClassVar

from portnn.estimators.run_settings import RateSchedule, UpdateRule
from portnn.estimators.text_classifier_settings import (
    BatchSize,
    TextClassifierRun,
    TextClassifierSettings,
    Vectors,
)
from portnn.settings import By, checked_number, positive
from portnn.sklearn.parameters import TrainingParameters
from portnn.training import StepSettings


def as_jobs(chosen: Any) -> int:
    """Number of processes, or -1."""
    return -1 if chosen == -1 else checked_number("n_jobs", chosen, int, positive)


@dataclass(frozen=True)
class TextParameters(StepSettings, TrainingParameters, TextClassifierSettings):
    """Parameters of `TextClassifier`."""

    # random_state and y say these.
    seed: ClassVar[int] = 0  # type: ignore[misc]
    multi_label: ClassVar[bool] = False  # type: ignore[misc]

    _: KW_ONLY
    solver: UpdateRule = TextClassifierRun.optimizer
    batch_size: BatchSize = TextClassifierRun.batch_size
    learning_rate_init: float = TextClassifierRun.learning_rate
    schedule: RateSchedule = TextClassifierRun.schedule
    clip_norm: float | None = TextClassifierRun.clip_norm
    clip_value: float | None = TextClassifierRun.clip_value
    max_iter: Annotated[int, positive, "Number of epochs; the largest with early stopping."] = int(
        TextClassifierRun.EPOCHS
    )
    n_iter_no_change: int | float = 3
    vectors: Vectors = TextClassifierRun.vectors
    n_jobs: Annotated[
        int | None,
        By(as_jobs),
        "Processes that share each batch, on NumPy (Linux): None is one, and -1 one per core, if the batches are large "
        "enough. The number affects the last digits of a run.",
    ] = None

    @property
    def workers(self) -> int | None:
        """What portnn calls `n_jobs`, and None for as many as suit."""
        return None if self.n_jobs == -1 else self.n_jobs or 1
