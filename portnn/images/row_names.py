"""`RowNames`: names for the rows of an array, which has none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload


class RowNames(Sequence[str]):
    """Numbers of rows as names: "0", "1", ... up to the last."""

    def __init__(self, rows: range) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> RowNames: ...
    def __getitem__(self, index: int | slice) -> str | RowNames:
        return RowNames(self._rows[index]) if isinstance(index, slice) else str(self._rows[index])

    def __repr__(self) -> str:
        return f"RowNames({self._rows})"
