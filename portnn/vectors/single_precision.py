"""Vectors in single precision, where a number that it cannot hold is an error and never infinity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from portnn.backends import real_numbers
from portnn.settings import brief

Host = np.ndarray[Any, Any]


def single_precision(vectors: Host, words: Sequence[str]) -> Host:
    """Convert vectors (n, d) of real numbers to float32, in native byte order.

    Raises
    ------
    TypeError
        If they are no real numbers.
    ValueError
        If a finite number would become infinite; the message names the word and the number.
    """
    vectors = real_numbers("vectors", vectors)
    with np.errstate(over="ignore"):
        narrow = vectors.astype(np.float32, copy=False)
    lost = np.isinf(narrow)
    if narrow is not vectors and lost.any():
        lost &= np.isfinite(vectors)
        for row, column in np.argwhere(lost)[:1].tolist():
            raise ValueError(
                f"the vector of {brief(words[row])} contains {vectors[row, column]:g}, too large for single precision, "
                "whose largest number is 3.4e38"
            )
    return narrow
