"""`Batches`: what the training loop needs from any source of batches."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from portnn.settings import brief_fields


class Batch(NamedTuple):
    """One batch.

    Attributes
    ----------
    data : tuple of arrays
        Input of the model's loss, on the host or on the backend.
    terms : float
        Number of terms that the loss of this batch sums; 1 if the loss is a mean.
    starts : bool
        Whether a pass over the data starts here, so that the carry is reset.
    """

    data: Any
    terms: float
    starts: bool

    def __repr__(self) -> str:
        return brief_fields(self)


class Batches(Protocol):
    """Batches by position. A batch depends on the seed and its position alone, so any process can make any batch.

    Attributes
    ----------
    batch_size : int
    unit : {"char", "byte", "word", "row", "text"}
        Unit of `tokens`.
    speed : str
        Field of a run's metrics that holds the speed.
    """

    batch_size: int
    unit: str
    speed: str

    @property
    def batches(self) -> int:
        """Number of batches in one pass over the data."""

    @property
    def tokens(self) -> float:
        """Average number of tokens, rows or words in a batch, from which the speed is computed."""

    def at(self, position: int) -> Batch:
        """Make the batch of a position; positions start at 0 and continue from pass to pass."""
