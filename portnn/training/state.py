"""What a run changes as it goes, and its way into a checkpoint and back."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from portnn.backends import Backend, tree_flatten, tree_map, tree_unflatten
from portnn.checkpoints.checkpoint import Arrays, CheckpointError
from portnn.models import Parameters

TREES = {"params": "params", "optimizer": "optimizer_state", "carry": "carry"}
"""Names in a checkpoint of the fields of `RunState` that hold arrays; the others go into its metadata."""


@dataclass
class RunState:
    """All that a run changes as it goes.

    `position` is that of the next batch. `losses` are those since the last line of metrics: a run that goes on has the
    same mean in the next. For means over an epoch, `epoch_loss` is the sum since it began, of `epoch_terms` terms.
    """

    params: Parameters
    optimizer_state: Any
    carry: Any
    step: int = 0
    position: int = 0
    seconds: float = 0.0
    first_loss: float | None = None
    smooth_loss: float | None = None
    held_out_loss: float | None = None
    best_held_out_loss: float | None = None
    tokens_per_second: float = 0.0
    lowest_loss: float | None = None
    waited: int = 0
    losses: list[float] = field(default_factory=list)
    epoch_loss: float = 0.0
    epoch_terms: float = 0.0

    def wait_for(self, loss: float, tolerance: float) -> None:
        """Count the evaluations in a row since a loss was lower than the lowest before by more than the tolerance."""
        lowest = math.inf if self.lowest_loss is None else self.lowest_loss
        self.waited = 0 if loss < lowest - tolerance else self.waited + 1
        self.lowest_loss = min(loss, lowest)

    def begun_anew(self, params: Parameters) -> RunState:
        """State to train further with on other data: with the optimizer's state, but without what was measured."""
        return replace(
            self,
            params=params,
            position=0,
            losses=[],
            held_out_loss=None,
            best_held_out_loss=None,
            lowest_loss=None,
            waited=0,
        )

    def to_host(self, backend: Backend) -> tuple[Arrays, dict[str, Any]]:
        """Arrays by their path, on the host, and the rest in plain JSON types."""
        arrays = {
            path: backend.to_host(array)
            for top, name in TREES.items()
            for path, array in tree_flatten(getattr(self, name), top)
        }
        return arrays, {name: value for name, value in vars(self).items() if name not in TREES.values()}

    def restored(self, arrays: Arrays, facts: dict[str, Any], backend: Backend) -> RunState:
        """State that `to_host` gave away, with trees of the form that this one has.

        Raises
        ------
        CheckpointError
            If it belongs to another architecture, optimizer or dtype.
        """

        def placed(top: str, like: Any) -> Any:
            for path, array in tree_flatten(like, top):
                there = arrays.get(path)
                if there is None:
                    raise CheckpointError(f"the checkpoint has no {path}")
                if there.shape != tuple(array.shape):
                    raise CheckpointError(
                        f"the checkpoint's {path} has shape {there.shape}, expected {tuple(array.shape)}"
                    )
                if there.dtype.kind == "f" and there.dtype != backend.dtype:
                    raise CheckpointError(f"the checkpoint is of {there.dtype}, the backend of {backend.dtype}")
            return tree_map(backend.asarray, tree_unflatten(arrays, like, top))

        return RunState(**{name: placed(top, getattr(self, name)) for top, name in TREES.items()}, **facts)
