"""`BatchGroup`: what a loss needs of the processes that compute the other parts of its batch."""

from __future__ import annotations

from typing import Protocol

from portnn.backends.namespaces import Array


class BatchGroup(Protocol):
    """Processes that compute one batch together, a part each, and what they need of one another while they do.

    Attributes
    ----------
    weight : float
        What the loss of this process's part counts: the loss of the batch is the mean, over all parts, of theirs times
        their weights.
    """

    weight: float

    def sum(self, array: Array) -> Array:
        """Sum of the arrays, of one shape, that all processes give: the same bits in each of them."""

    def count(self, number: int) -> int:
        """Sum of the numbers that all processes give."""
