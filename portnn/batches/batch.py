"""`Batches`: what the training loop asks of whatever batches come from."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol


class Batch(NamedTuple):
    """One batch.

    Attributes
    ----------
    data : tuple of arrays
        What the model takes, on the host or on the backend.
    terms : float
        Number of terms that the loss of this batch sums; 1 where the loss is a mean already.
    starts : bool
        Whether a pass over the data starts here, so that the carry starts anew.
    """

    data: Any
    terms: float
    starts: bool


class Batches(Protocol):
    """Batches by their position. A batch depends on the seed and the position alone, so any process can make any.

    Attributes
    ----------
    batch_size : int
    unit : {"char", "row", "word"}
        What `tokens` counts.
    """

    batch_size: int
    unit: str

    @property
    def batches(self) -> int:
        """Number of batches in one pass over the data."""

    @property
    def tokens(self) -> float:
        """Average number of characters, rows or words in a batch, for the speed."""

    def at(self, position: int) -> Batch:
        """Make the batch of a position, which counts from 0 and runs on from pass to pass."""
