"""`HostTable`: rows that stay on the host until they are needed, some at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from portnn.backends import Array

Host = np.ndarray[Any, Any]


class HostTable(ABC):
    """Rows on the host; ``table[start:stop, ...]`` is an array on the backend."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of the array that all rows would make."""

    @abstractmethod
    def __getitem__(self, where: tuple[slice, Any]) -> Array:
        """Rows on the backend."""

    @abstractmethod
    def take(self, ids: Host) -> Self:
        """Table of the rows with the given ids, on the host."""

    @abstractmethod
    def pieces(self) -> Iterator[Host]:
        """All there is to the table, for a digest, a piece at a time."""
