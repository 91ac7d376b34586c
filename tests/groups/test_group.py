"""What processes of a group do one after the other."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from portnn.groups import ALONE, machine_by_machine

pytestmark = pytest.mark.host


class Meeting:
    """A process of two machines with two processes each, which meet whenever they exchange something."""

    size = 4

    def __init__(self, rank, barrier):
        self.rank, self.place, self._barrier = rank, rank % 2, barrier

    def gather(self, value):
        self._barrier.wait(timeout=60)


def test_one_process_of_each_machine_comes_first():
    made, barrier = [], threading.Barrier(4)
    with ThreadPoolExecutor(4) as threads:
        work = [
            threads.submit(machine_by_machine, Meeting(rank, barrier), lambda rank=rank: made.append(rank))
            for rank in (3, 1, 2, 0)
        ]
        for each in work:
            each.result()
    assert sorted(made[:2]) == [0, 2]
    assert sorted(made[2:]) == [1, 3]


def test_nobody_waits_for_one_that_fails():
    def fail():
        raise OSError("no disk")

    barrier = threading.Barrier(4)
    with ThreadPoolExecutor(4) as threads:
        work = [threads.submit(machine_by_machine, Meeting(rank, barrier), fail) for rank in range(4)]
        for each in work:
            with pytest.raises(OSError, match="no disk"):
                each.result(timeout=60)


def test_one_process_alone():
    assert machine_by_machine(ALONE, lambda: 7) == 7
