import re

import numpy as np
import pytest

from portnn.batches.alias import AliasTable

pytestmark = pytest.mark.host

WEIGHTS = {
    "uneven": [5.0, 1.0, 0.25, 3.0, 0.75, 10.0],
    "with zeros": [0.0, 2.0, 0.0, 1.0, 0.0],
    "even": [1.0] * 7,
    "one": [3.0],
    "of a text": (1e6 / np.arange(1.0, 2001.0)).round() ** 0.75,
    "tiny": [1e-300, 3e-300],
}
each = pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)


@each
def test_the_cells_of_an_id_add_up_to_its_probability(weights):
    weights = np.asarray(weights)
    table = AliasTable(weights)
    mass = table.share.astype(np.float64)
    np.add.at(mass, table.alias, 1.0 - table.share.astype(np.float64))
    # Shares are float32.
    np.testing.assert_allclose(mass / weights.size, weights / weights.sum(), rtol=0.0, atol=6e-8)
    assert np.all((table.share >= 0.0) & (table.share <= 1.0))


@each
def test_draws_follow_the_weights(weights):
    weights = np.asarray(weights)
    draws, p = 200_000, weights / weights.sum()
    drawn = AliasTable(weights).draw(np.random.default_rng(1), (draws // 10, 10))
    assert drawn.shape == (draws // 10, 10)
    assert drawn.dtype == np.int64
    found = np.bincount(drawn.reshape(-1), minlength=weights.size)
    assert found.size == weights.size
    assert not found[weights == 0.0].any()
    # Chi-square has the degrees of freedom as its mean and twice them as its variance.
    alive = p > 0.0
    freedom = int(alive.sum()) - 1
    chi_square = np.sum((found[alive] - draws * p[alive]) ** 2 / (draws * p[alive]))
    assert abs(chi_square - freedom) <= 4.0 * np.sqrt(2.0 * freedom)


def test_the_same_draws_for_the_same_seed():
    table = AliasTable(np.asarray([1.0, 2.0, 3.0]))
    first, second, third = (table.draw(np.random.default_rng(seed), (50,)) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


@pytest.mark.parametrize("shape", [(0,), (), (2, 3), (4, 0)])
def test_weights_of_another_shape(shape):
    message = f"alias table: weights have shape {shape}, expected one axis with entries"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        AliasTable(np.ones(shape))


@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0, -1e-9], [1.0, np.nan], [1.0, np.inf]])
def test_weights_that_are_no_weights(weights):
    with pytest.raises(ValueError, match=r"^alias table: weights must be finite, not negative and not all zero$"):
        AliasTable(np.asarray(weights))
