"""Losses of a run: fetched from the device now and then, watched for divergence, and averaged for the log."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Array
from portnn.training.divergence import DivergenceWatch
from portnn.training.settings import Plan
from portnn.training.state import RunState


class Unread(NamedTuple):
    """A step whose loss, a sum of `terms` terms, is still on the device."""

    step: int
    loss: Array
    terms: float
    learning_rate: float
    gradient_norm: Array | None
    starts_epoch: bool


class Losses:
    """Losses since the device was last asked for them.

    Parameters
    ----------
    plan : Plan
    state : RunState
        Holds what a resumed run needs of the losses so far.
    """

    def __init__(self, plan: Plan, state: RunState) -> None:
        self.plan, self.state = plan, state
        self.watch = DivergenceWatch(plan.divergence_factor, state.first_loss)
        self.unread: list[Unread] = []
        self.combine: Callable[[np.ndarray[Any, Any]], object] | None = None
        """Adds up losses and terms (n,) over all processes, in place, if each has a batch of its own."""
        self.learning_rate = math.nan
        self.gradient_norm: float | None = None

    def read(self) -> None:
        """Fetch the losses that are still on the device.

        Raises
        ------
        DivergenceError
            If one is not finite or has exploded.
        """
        state, smoothing = self.state, self.plan.smoothing
        sums = np.asarray([[float(unread.loss), unread.terms] for unread in self.unread])
        if self.combine is not None:
            self.combine(sums.reshape(-1))
        for (total, terms), (step, _, _, learning_rate, norm, starts_epoch) in zip(
            sums.tolist(), self.unread, strict=True
        ):
            self.learning_rate = learning_rate
            self.gradient_norm = None if norm is None else float(norm)
            loss_now = total / max(terms, 1.0)
            if terms or not math.isfinite(total):  # a batch without terms has loss 0, which says nothing
                self.watch.check(step, loss_now, learning_rate, self.gradient_norm)
            if self.plan.mean_over == "epoch":
                if starts_epoch:
                    state.epoch_loss = state.epoch_terms = 0.0
                state.epoch_loss, state.epoch_terms = state.epoch_loss + total, state.epoch_terms + terms
            else:
                state.losses.append(loss_now)
            if smoothing is not None:
                before = loss_now if state.smooth_loss is None else state.smooth_loss
                state.smooth_loss = smoothing * before + (1.0 - smoothing) * loss_now
        state.first_loss = self.watch.first
        self.unread.clear()

    def reported(self, *, keep: bool) -> float:
        """Return the loss to report: smoothed, or the mean since the last line or the beginning of the epoch.

        With `keep`, the next line's mean includes these losses, too.
        """
        state = self.state
        if self.plan.mean_over == "epoch":
            mean = state.epoch_loss / max(state.epoch_terms, 1.0)
        else:
            mean = math.fsum(state.losses) / len(state.losses)
        if not keep:
            state.losses = []
        return mean if state.smooth_loss is None else state.smooth_loss
