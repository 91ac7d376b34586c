"""`Table`: rows of numbers and what is to be predicted of each, as a file held them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Table(NamedTuple):
    """Rows of numbers and what is to be predicted of each.

    Attributes
    ----------
    x : array (rows, features), float64
    y : array (rows,) of labels or numbers, array (rows, n) of numbers, or None
    feature_names : tuple of str or None
        None, where the file names no columns.
    target_names : tuple of str or None
    name : str
        What to call the table in a message: its file.
    """

    x: np.ndarray[Any, Any]
    y: np.ndarray[Any, Any] | None
    feature_names: tuple[str, ...] | None
    target_names: tuple[str, ...] | None
    name: str
