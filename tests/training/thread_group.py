"""Groups whose processes are threads, for tests of steps."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np


class ThreadGroup:
    """A group of threads."""

    def __init__(self, rank, given, barrier):
        self.rank, self.size, self.neighbours = rank, len(given), len(given)
        self._given, self._barrier = given, barrier

    def empty(self, entries, dtype):
        return np.empty(entries, dtype)

    def gather(self, value):
        self._given[self.rank] = value
        self._barrier.wait(timeout=60)
        found = list(self._given)
        self._barrier.wait(timeout=60)
        return found

    def sum_in_place(self, vector):
        vector[...] = sum(self.gather(vector.copy()))


def together(size, work):
    """What `work(group)` gives in each thread of a group."""
    given, barrier = [None] * size, threading.Barrier(size)
    with ThreadPoolExecutor(size) as threads:
        return list(threads.map(lambda rank: work(ThreadGroup(rank, given, barrier)), range(size)))
