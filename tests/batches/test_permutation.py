"""An order of any number of things, of which any part can be computed alone."""

import numpy as np
import pytest

from portnn.batches import Permutation
from portnn.batches.permutation import DRAWN

pytestmark = pytest.mark.host

COUNTS = (1, 2, 3, 7, 64, 1000, DRAWN - 1, DRAWN, DRAWN + 1, 70_001, 1 << 17, (1 << 17) + 1, (1 << 18) - 1, 300_007)


def order(count, seed=(3, 1)):
    return Permutation(count, seed)(np.arange(count))


@pytest.mark.parametrize("count", COUNTS)
def test_each_number_comes_once(count):
    assert np.array_equal(np.sort(order(count)), np.arange(count))


@pytest.mark.parametrize("count", [1, 64, DRAWN, DRAWN + 1, 1 << 17, 300_007])
def test_any_part_can_be_computed_alone(count):
    whole, again = order(count), Permutation(count, (3, 1))
    places = np.random.default_rng(1).integers(0, count, 50)
    assert again(places).tolist() == whole[places].tolist()
    for place in (0, count // 2, count - 1):
        assert again(np.asarray([place])).tolist() == [whole[place]]
    assert again(np.zeros(0, np.int64)).tolist() == []


@pytest.mark.parametrize("count", [1000, DRAWN + 1])
def test_each_seed_has_its_own(count):
    orders = [order(count, seed).tolist() for seed in ((3, 1), (3, 2), (4, 1), (3, 1, 5))]
    assert len(set(map(tuple, orders))) == 4
    assert order(count, (3, 1)).tolist() == orders[0]


def test_what_is_asked_is_left_alone():
    places = np.arange(DRAWN + 1)
    Permutation(DRAWN + 1, (3,))(places)
    assert np.array_equal(places, np.arange(DRAWN + 1))


@pytest.mark.parametrize("count", [DRAWN + 1, 1 << 17, 100_003])
def test_a_computed_order_is_as_uniform_as_a_drawn_one(count):
    """Where a number ends up tells nothing about it: counts of 20 parts by 20 parts, over several seeds."""
    table, parts, seeds = np.zeros((20, 20)), np.arange(count) * 20 // count, 3
    correlations = []
    for seed in range(seeds):
        numbers = order(count, (seed,))
        np.add.at(table, (parts, parts[numbers]), 1)
        correlations.append(np.corrcoef(np.arange(count), numbers)[0, 1])
        correlations.append(np.corrcoef(numbers[1:], numbers[:-1])[0, 1])
        low = np.bincount(2 * (numbers[1:] & 1) + (numbers[:-1] & 1), minlength=4)  # bits of neighbours
        assert np.abs(low / (count - 1) - 0.25).max() < 0.01
    expected = seeds * np.bincount(parts)[:, np.newaxis] * np.bincount(parts) / count
    statistic = np.sum((table - expected) ** 2 / expected)  # chi-squared with 19 * 19 degrees of freedom
    assert 361 - 5 * np.sqrt(2 * 361) < statistic < 361 + 5 * np.sqrt(2 * 361)
    assert np.abs(correlations).max() < 5 / np.sqrt(count)


def test_few_numbers_stay_where_they_are():
    """A random order has one fixed point on average."""
    fixed = [np.count_nonzero(order(DRAWN + 1, (seed,)) == np.arange(DRAWN + 1)) for seed in range(20)]
    assert 4 <= sum(fixed) <= 40
