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
    unit : {"char", "row", "word"}
        What `tokens` counts.
    terms : float
        How many terms the loss of the latest batch is the sum of; 1 where it is a mean already.
    """

    position: int
    batch_size: int
    unit: str
    terms: float

    @property
    def tokens(self) -> float:
        """How many characters, rows or words one batch has, on average, for the speed."""

    def next(self, rng: np.random.Generator) -> tuple[Any, bool]:
        """Return the next batch, on the host or on the backend, and whether the carry starts anew with it."""
