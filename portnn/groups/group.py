"""`Group`: processes that do one thing together, and what they exchange."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np

Vector = np.ndarray[Any, Any]
T = TypeVar("T")


class Group(Protocol):
    """Processes that train together. Each calls the same methods in the same order.

    Attributes
    ----------
    rank, size : int
        Number of this process, from 0, and how many there are.
    place, neighbours : int
        Number of this process among those on its machine, from 0, and how many these are.
    """

    rank: int
    size: int
    place: int
    neighbours: int

    def empty(self, entries: int, dtype: Any) -> Vector:
        """Vector (entries,) in memory that `sum_in_place` adds up fastest; the next call may return the same."""

    def sum_in_place(self, vector: Vector) -> None:
        """Replace a vector by the sum of all processes' vectors, of one length and dtype: the same bits in each."""

    def broadcast(self, value: T) -> T:
        """What process 0 gives; a small thing that can be pickled."""

    def gather(self, value: T) -> list[T]:
        """What each process gives, in their order; small things that can be pickled."""


class Alone:
    """The group of a single process."""

    rank, size, place, neighbours = 0, 1, 0, 1

    def __repr__(self) -> str:
        return "Alone()"

    def empty(self, entries: int, dtype: Any) -> Vector:
        """Vector (entries,)."""
        return np.empty(entries, dtype)

    def sum_in_place(self, vector: Vector) -> None:
        """Leave a vector as it is."""

    def broadcast(self, value: T) -> T:
        """Return the value."""
        return value

    def gather(self, value: T) -> list[T]:
        """Return the value in a list."""
        return [value]


ALONE = Alone()


def from_first(group: Group, make: Callable[[], T]) -> T:
    """What process 0 makes, in all; its exception is raised in all."""
    made: T | None = None
    error: Exception | None = None
    if group.rank == 0:
        try:
            made = make()
        except Exception as caught:
            if group.size == 1:
                raise
            error = caught
    made, error = group.broadcast((made, error))
    if error is not None:
        raise error
    return made  # type: ignore[return-value]


def machine_by_machine(group: Group, make: Callable[[], T]) -> T:
    """What each process makes: on every machine one process first, since the others find what it leaves in a cache."""
    if group.place > 0:
        group.gather(None)
        return make()
    try:
        return make()
    finally:
        group.gather(None)
