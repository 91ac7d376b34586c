"""`Batches`: what the training loop needs from any source of batches."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from portnn.batches.part import WHOLE, Part
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
    share : float
        What the loss of these data counts in that of the whole batch, if they are a part of it.
    parts : int
        Number of parts that make up the whole batch.
    """

    data: Any
    terms: float
    starts: bool
    share: float = 1.0
    parts: int = 1

    def __repr__(self) -> str:
        return brief_fields(self)


def check_rows(parts: int, batch_size: int) -> None:
    """Raise ValueError if a batch has fewer rows than parts."""
    if parts > batch_size:
        raise ValueError(f"{parts} workers cannot share a batch_size of {batch_size}")


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

    def at(self, position: int, part: Part = WHOLE) -> Batch:
        """Make the batch of a position, or a part of it; positions start at 0 and continue from pass to pass.

        What is drawn for a batch does not depend on the number of its parts. A batch with fewer rows than parts is not
        cut.
        """

    def check_parts(self, count: int) -> None:
        """Raise ValueError unless batches can be cut into so many parts."""
