"""Loss and accuracy at intervals, in lines above the bar of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portnn.estimators import TextClassifier
from portnn.training import StepEvent, say

PARTS = 10
"""Measurements in a run that does not say how many."""


class Measurements:
    """Callback that says loss and accuracy on training and held-out texts. It does not change the run.

    Parameters
    ----------
    model : TextClassifier
    run : dict
        Settings of the run.
    epochs : int, optional
        Between measurements; by default a tenth of the run.
    """

    def __init__(self, model: TextClassifier, run: Mapping[str, Any], epochs: int | None = None) -> None:
        self.model, self.epochs = model, epochs
        self.length = TextClassifier.RUN(**{name: run[name] for name in ("steps", "epochs") if name in run})

    def __call__(self, event: StepEvent) -> None:
        """Measure if that is due."""
        epoch, rest = divmod(event.step, self.model.steps_per_epoch)
        if rest or epoch % self._every():
            return
        found = [(name, measure(event.params)) for name, measure in self.model.evaluators.items()]
        (name, first), *others = found
        line = f"  | epoch {epoch}: {name} loss {first.loss:.3f}, accuracy {first.score:.3f}"
        say(line + "".join(f"; {name} {each.loss:.3f}, {each.score:.3f}" for name, each in others))

    def _every(self) -> int:
        if self.epochs is not None:
            return self.epochs
        per_epoch = self.model.steps_per_epoch
        return max(1, round(self.length.total_steps(per_epoch) / per_epoch / PARTS))
