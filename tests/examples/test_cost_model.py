"""The model of training over a network: closed forms against the messages that they stand for, and limits."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "benchmarks"))

from cost_model import (
    ALLREDUCE,
    SHORT,
    Network,
    automatic,
    hierarchical,
    recursive_doubling,
    reduce_scatter_allgather,
    ring,
    step,
)

pytestmark = pytest.mark.host

GIGABIT = Network(latency=50e-6, bandwidth=1e8, addition=1e-10)
LATENCY, BYTES, ADDING = Network(1.0, float("inf")), Network(0.0, 1.0), Network(0.0, float("inf"), 1.0)
"""Networks on which one thing alone takes time: an all-reduce takes as long as it has messages, bytes or additions."""


def counted(allreduce, hosts: int, size: float) -> tuple[float, float, float]:
    messages, sent, added = (allreduce(hosts, size, network) for network in (LATENCY, BYTES, ADDING))
    return messages, sent, added


def halves(hosts: int) -> list[float]:
    """Shares of the vector that a host exchanges while sums are scattered: a half, a quarter ..."""
    return list(itertools.takewhile(lambda share: share >= 1.0 / hosts, (0.5**power for power in itertools.count(1))))


def test_figures_worked_out_by_hand():
    """A megabyte on four hosts at 100 MB/s and 50 us: 1.5 MB in 4 messages; 2 MB in 2; 1.5 MB in 6."""
    assert reduce_scatter_allgather(4, 1e6, GIGABIT) == pytest.approx(4 * 50e-6 + 15e-3 + 0.75e-4)
    assert recursive_doubling(4, 1e6, GIGABIT) == pytest.approx(2 * 50e-6 + 20e-3 + 2e-4)
    assert ring(4, 1e6, GIGABIT) == pytest.approx(6 * 50e-6 + 15e-3 + 0.75e-4)


@pytest.mark.parametrize("hosts", [2, 4, 8, 64])
def test_closed_forms_are_sums_of_messages(hosts):
    shares = halves(hosts)
    there_and_back = [*shares, *reversed(shares)]
    expected = len(there_and_back), 1000.0 * sum(there_and_back), 1000.0 * sum(shares)
    assert counted(reduce_scatter_allgather, hosts, 1000.0) == pytest.approx(expected)
    expected = len(shares), 1000.0 * len(shares), 1000.0 * len(shares)
    assert counted(recursive_doubling, hosts, 1000.0) == pytest.approx(expected)


@pytest.mark.parametrize("hosts", [2, 3, 5, 8, 100])
def test_ring_sends_each_part_round_twice(hosts):
    part = 1000.0 / hosts
    expected = 2 * (hosts - 1), 2 * (hosts - 1) * part, (hosts - 1) * part
    assert counted(ring, hosts, 1000.0) == pytest.approx(expected)


@pytest.mark.parametrize("hosts", [3, 5, 6, 7])
@pytest.mark.parametrize("allreduce", [recursive_doubling, reduce_scatter_allgather])
def test_hosts_beyond_a_power_of_two_add_two_messages_and_an_addition(allreduce, hosts):
    power = 1 << (hosts.bit_length() - 1)
    within, beyond = (counted(allreduce, number, 1000.0) for number in (power, hosts))
    assert beyond == pytest.approx((within[0] + 2, within[1] + 2000.0, within[2] + 1000.0))


@pytest.mark.parametrize("allreduce", ALLREDUCE.values(), ids=ALLREDUCE)
def test_one_host_has_nothing_to_exchange(allreduce):
    assert allreduce(1, 1e6, GIGABIT) == 0.0


@pytest.mark.parametrize("hosts", [2, 3, 4, 7, 16])
def test_no_algorithm_sends_less_than_the_ring(hosts):
    """Patarasuk and Yuan's bound, which the ring meets."""
    for allreduce in ALLREDUCE.values():
        assert allreduce(hosts, 1e6, BYTES) >= ring(hosts, 1e6, BYTES) * (1.0 - 1e-12)


def test_two_hosts_exchange_the_vector_once_or_in_halves():
    once, halved = (allreduce(2, 1e6, BYTES) for allreduce in (recursive_doubling, reduce_scatter_allgather))
    assert once == halved == 1e6
    assert recursive_doubling(2, 1e6, LATENCY) == 1.0


def test_long_vectors_are_scattered_and_short_ones_are_not():
    assert automatic(8, SHORT, GIGABIT) == recursive_doubling(8, SHORT, GIGABIT)
    assert automatic(8, SHORT + 4, GIGABIT) == reduce_scatter_allgather(8, SHORT + 4, GIGABIT)


def test_with_many_hosts_bytes_approach_twice_the_vector():
    assert ring(10_000, 1e6, BYTES) == pytest.approx(2e6, rel=1e-3)
    assert reduce_scatter_allgather(1 << 14, 1e6, BYTES) == pytest.approx(2e6, rel=1e-3)


@pytest.mark.parametrize("hosts", [1, 2, 16])
@pytest.mark.parametrize("members", [1, 2, 8])
def test_a_share_of_a_host_crosses_the_slow_lines(hosts, members):
    """Within a host each share goes round twice; the sum between hosts is that of one share."""
    still = Network(0.0, float("inf"))
    within, between = (
        [hierarchical(hosts, members, 1e6, *pair) for pair in pairs]
        for pairs in zip(*(((network, still), (still, network)) for network in (LATENCY, BYTES, ADDING)), strict=True)
    )
    assert within == pytest.approx(counted(ring, members, 1e6))
    assert between == pytest.approx(counted(automatic, hosts, 1e6 / members))


def test_a_step_is_its_parts():
    assert step(compute=0.02, update=0.002, allreduce=0.01) == pytest.approx(0.032)
