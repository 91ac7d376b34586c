"""Which way sums take, for all that it depends on."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from portnn.groups import Place, way_of

pytestmark = pytest.mark.host

PLACES = [Place(*facts) for facts in itertools.product(("one", "two"), (None, "0000:01", "0000:02"), (False, True))]


def test_all_pairs_of_processes():
    counts = Counter()
    for first, second in itertools.product(PLACES, repeat=2):
        way = way_of([first, second])
        if first.gpu is None or second.gpu is None:
            assert way == "host"
        elif first[:2] == second[:2] or not (first.nccl and second.nccl):
            assert way == "pinned"
        else:
            assert way == "nccl"
        counts[way] += 1
    assert counts == {"host": 80, "pinned": 52, "nccl": 12}


@pytest.mark.parametrize(
    ("gpus", "way"),
    [(("a", "b", "c"), "nccl"), (("a", "b", "a"), "pinned"), (("a", "b", None), "host"), (("a",), "nccl")],
)
def test_any_number_of_processes_take_one_way(gpus, way):
    """One that has no GPU, or shares it, decides for all."""
    assert way_of([Place("one", gpu, True) for gpu in gpus]) == way


def test_gpus_of_one_name_on_two_machines_are_two():
    assert way_of([Place("one", "a", True), Place("two", "a", True)]) == "nccl"
