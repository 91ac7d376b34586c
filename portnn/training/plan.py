"""How to train: optimizer, learning rate, clipping, and what happens every so many steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

from portnn.optimizers import Optimizer
from portnn.optimizers.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to train: what a checkpoint needs beside the model for the run to go on.

    Attributes
    ----------
    optimizer : Optimizer
    schedule : Schedule
        Learning rate as a function of the steps done.
    clip_norm, clip_value : float, optional
        Limits of the gradients' global norm and of each of their entries.
    log_every, evaluate_every, checkpoint_every : int
        In steps.
    mean_over : {"line", "epoch"}
        The loss reported is the mean since the last line of metrics, or since the epoch began.
    smoothing : float in [0, 1), optional
        Report ``smooth = smoothing * smooth + (1 - smoothing) * loss`` instead of a mean.
    patience : int, optional
        Stop after so many evaluations in a row whose loss (held out, or of training where nothing is) is not lower
        than the lowest before by `tolerance`.
    tolerance : float
    divergence_factor : float
        A loss above this multiple of the first (or of 1, where the first is smaller) has diverged. Infinity: only a
        loss that is not finite has.
    workers : int
        Processes that share each batch, on NumPy; 1: this one alone. See `portnn.training.Workers`.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """

    optimizer: Optimizer
    schedule: Schedule
    clip_norm: float | None = None
    clip_value: float | None = None
    log_every: int = 10
    evaluate_every: int = 200
    checkpoint_every: int = 200
    mean_over: str = "line"
    smoothing: float | None = None
    patience: int | None = None
    tolerance: float = 0.0
    divergence_factor: float = 5.0
    workers: int = 1

    def __post_init__(self) -> None:
        # Comparisons with NaN are false, so NaN fails each of these too.
        for name in ("clip_norm", "clip_value", "divergence_factor"):
            value = getattr(self, name)
            if value is not None and not value > 0.0:
                raise ValueError(f"{name} must be positive, got {value}")
        for name in ("log_every", "evaluate_every", "checkpoint_every", "patience"):
            value = getattr(self, name)
            if name == "patience" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a positive whole number, got {value!r}")
        if self.mean_over not in ("line", "epoch"):
            raise ValueError(f"mean_over must be 'line' or 'epoch', got {self.mean_over!r}")
        if not 0.0 <= self.tolerance < math.inf:
            raise ValueError(f"tolerance must be 0 or a positive number, got {self.tolerance}")
        if self.smoothing is not None and not 0.0 <= self.smoothing < 1.0:
            raise ValueError(f"smoothing must be in [0, 1), got {self.smoothing}")
