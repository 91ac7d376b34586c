"""`Table`: rows of features and their targets, as read from a file."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from portnn.settings import brief_fields


class Table(NamedTuple):
    """Rows of features and their targets.

    Attributes
    ----------
    x : array (rows, features), float64
    y : array (rows,) of labels or numbers, array (rows, n) of numbers, or None
    feature_names : tuple of str or None
        None if the file does not name its columns.
    target_names : tuple of str or None
    name : str
        Name of the table for messages: its file.
    note : str or None
        What should be said about how it was read.
    """

    x: np.ndarray[Any, Any]
    y: np.ndarray[Any, Any] | None
    feature_names: tuple[str, ...] | None
    target_names: tuple[str, ...] | None
    name: str
    note: str | None = None

    def __repr__(self) -> str:
        return brief_fields(self)
