"""What a run changes as it proceeds, and how it gets into a checkpoint and back."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from portnn.backends import Backend, tree_flatten, tree_map, tree_unflatten
from portnn.checkpoints.checkpoint import Arrays, CheckpointError
from portnn.models import Parameters
from portnn.settings import brief_fields

TREES = {"params": "params", "optimizer": "optimizer_state", "carry": "carry"}
"""Names in a checkpoint of the fields of `RunState` that hold arrays; the others go into its metadata."""


@dataclass
class RunState:
    """All that a run changes as it proceeds.

    `position` is that of the next batch. `losses` are those since the last line of metrics, so that the next line of a
    resumed run has the same mean. For means over an epoch, `epoch_loss` is the sum of its `epoch_terms` terms so far.
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

    def __repr__(self) -> str:
        return brief_fields(self)

    def wait_for(self, loss: float, tolerance: float) -> None:
        """Count evaluations in a row without a loss that is lower than the lowest before by more than the tolerance."""
        lowest = math.inf if self.lowest_loss is None else self.lowest_loss
        self.waited = 0 if loss < lowest - tolerance else self.waited + 1
        self.lowest_loss = min(loss, lowest)

    def begun_anew(self, params: Parameters) -> RunState:
        """State for further training on other data: keeps the optimizer's state, drops what was measured."""
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
        """Return arrays by their path, on the host, and the rest in plain JSON types."""
        arrays = {
            path: backend.to_host(array)
            for top, name in TREES.items()
            for path, array in tree_flatten(getattr(self, name), top)
        }
        return arrays, {name: value for name, value in vars(self).items() if name not in TREES.values()}

    def restored(self, arrays: Arrays, facts: dict[str, Any], backend: Backend) -> RunState:
        """Rebuild a state from the results of `to_host`, with trees of the same form as this one's.

        Raises
        ------
        CheckpointError
            If they belong to another architecture, optimizer or dtype.
        """

        def placed(top: str, like: Any) -> Any:
            for path, array in tree_flatten(like, top):
                saved = arrays.get(path)
                if saved is None:
                    raise CheckpointError(f"the checkpoint has no {path}")
                if saved.shape != tuple(array.shape):
                    raise CheckpointError(
                        f"the checkpoint's {path} has shape {saved.shape}, expected {tuple(array.shape)}"
                    )
                if saved.dtype.kind == "f" and saved.dtype != backend.dtype:
                    raise CheckpointError(f"the checkpoint has dtype {saved.dtype}, the backend {backend.dtype}")
            return tree_map(backend.asarray, tree_unflatten(arrays, like, top))

        return RunState(**{name: placed(top, getattr(self, name)) for top, name in TREES.items()}, **facts)
