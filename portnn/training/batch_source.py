"""`BatchSource`: what the training loop asks of whatever batches come from."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np


class BatchSource(Protocol):
    """Where batches come from.

    Attributes
    ----------
    position : int
        Where the next batch starts; set to go on from there.
    batch_size : int
    unit : {"char", "row"}
        What `tokens` counts.
    """

    position: int
    batch_size: int
    unit: str

    @property
    def tokens(self) -> float:
        """How many characters or rows one batch has, for the speed."""

    def next(self, rng: np.random.Generator) -> tuple[Any, bool]:
        """Return the next batch, on the host or on the backend, and whether the carry starts anew with it."""
