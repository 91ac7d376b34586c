"""`Permutation`: a random order of any number of things, of which any part can be computed alone."""

from __future__ import annotations

from typing import Any

import numpy as np

Ids = np.ndarray[Any, np.dtype[np.int64]]

DRAWN = 1 << 16
"""Up to this many things, the order is drawn; larger ones are computed, since they would not fit into every memory."""

ROUNDS = 8


class Permutation:
    """A bijection of 0 .. count - 1, which depends on the seed alone.

    Parameters
    ----------
    count : int
        Positive.
    seed : tuple of int

    Notes
    -----
    A large order is a Feistel network [1]_ over numbers of twice as many bits as half of the count needs: each round
    mixes one half of the bits into the other and can be undone, whatever it computes. Numbers past the count are sent
    through it again, until they are below.

    References
    ----------
    .. [1] M. Luby, C. Rackoff. How to construct pseudorandom permutations from pseudorandom functions. SIAM Journal on
       Computing 17, 1988.
    """

    def __init__(self, count: int, seed: tuple[int, ...]) -> None:
        rng = np.random.default_rng(seed)
        self.count = count
        self._order = rng.permutation(count) if count <= DRAWN else None
        self._bits = np.uint64((max(count - 1, 1).bit_length() + 1) // 2)
        self._keys = rng.integers(0, 1 << 63, ROUNDS, dtype=np.uint64)

    def __call__(self, places: Ids) -> Ids:
        """Numbers (n,) at some places (n,) of the order."""
        if self._order is not None:
            return np.asarray(self._order[places])
        numbers = self._once(places.astype(np.uint64))
        while (past := numbers >= self.count).any():
            numbers[past] = self._once(numbers[past])
        return numbers.astype(np.int64)

    def _once(self, numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        mask = (np.uint64(1) << self._bits) - np.uint64(1)
        left, right = numbers >> self._bits, numbers & mask
        for key in self._keys:
            left, right = right, left ^ (_mixed(right ^ key) & mask)
        return (left << self._bits) | right


def _mixed(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Every bit of the result depends on all bits of x (the finalizer of MurmurHash3); overflow is meant to wrap."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        x = (x ^ (x >> np.uint64(33))) * np.uint64(factor)
    return np.asarray(x ^ (x >> np.uint64(33)))
