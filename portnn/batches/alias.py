"""Alias table: draws from a discrete distribution in constant time each."""

from __future__ import annotations

from typing import Any

import numpy as np


class AliasTable:
    """Distribution over 0..n-1, prepared so that one draw takes one comparison, however large n is.

    All cells of the table are equally likely. A share of each cell belongs to its own id, the rest to another.

    Parameters
    ----------
    weights : array (n,)
        Finite, not negative, not all zero; the probability of an id is its share of their sum.

    Raises
    ------
    ValueError
        If there are no weights, or they break one of these rules.

    References
    ----------
    .. [1] A. J. Walker. An efficient method for generating discrete random variables with general distributions.
       ACM Transactions on Mathematical Software 3(3), 1977.
    .. [2] M. D. Vose. A linear algorithm for generating random numbers with a given distribution. IEEE Transactions
       on Software Engineering 17(9), 1991.

    Examples
    --------
    >>> AliasTable(np.asarray([1.0, 0.0])).draw(np.random.default_rng(1), (3,)).tolist()
    [0, 0, 0]
    """

    def __init__(self, weights: np.ndarray[Any, Any]) -> None:
        weights = np.asarray(weights, np.float64)
        if weights.ndim != 1 or not weights.size:
            raise ValueError(f"alias table: weights have shape {weights.shape}, expected one axis with entries")
        total = weights.sum()
        if not (np.isfinite(total) and total > 0.0 and weights.min() >= 0.0):
            raise ValueError("alias table: weights must be finite, not negative and not all zero")
        scaled = (weights * (weights.size / total)).tolist()
        share, alias = [1.0] * weights.size, list(range(weights.size))
        small = [i for i, size in enumerate(scaled) if size < 1.0]
        large = [i for i, size in enumerate(scaled) if size >= 1.0]
        while small and large:
            less, more = small.pop(), large[-1]
            share[less], alias[less] = scaled[less], more
            scaled[more] -= 1.0 - scaled[less]
            if scaled[more] < 1.0:
                small.append(large.pop())
        # Entries left in either list are 1 except for rounding, and own their whole cell.
        self.share, self.alias = np.asarray(share, np.float32), np.asarray(alias, np.int64)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """Draw independent ids, int64."""
        cells = rng.integers(0, self.share.size, shape)
        own = rng.random(shape, dtype=np.float32) < self.share.take(cells)
        return np.where(own, cells, self.alias.take(cells))
