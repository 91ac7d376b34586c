"""Scaling and rows held out, on every library."""

from __future__ import annotations

import numpy as np
import pytest

from portnn.backends import to_host
from portnn.models import RowBatch
from portnn.tables import Scaling, split_ids, take_rows


def test_columns_are_brought_to_mean_0_and_deviation_1(backend):
    x = np.random.default_rng(0).normal(size=(50, 3)) * [1.0, 100.0, 0.0] + [5.0, -3.0, 7.0]
    placed = backend.asarray(x)
    for scaling in (Scaling.of(placed, backend), Scaling.of_host(x), Scaling.from_json(Scaling.of_host(x).to_json())):
        scaled = to_host(scaling(placed, backend))
        np.testing.assert_allclose(scaled.mean(axis=0), 0.0, atol=1e-12)
        np.testing.assert_allclose(scaled.std(axis=0), [1.0, 1.0, 0.0], atol=1e-12)
        np.testing.assert_allclose(scaled, scaling.of_rows(x), atol=1e-12)
        np.testing.assert_allclose(to_host(scaling.undo(backend.asarray(scaled), backend)), x, atol=1e-10)
    assert to_host(placed).tolist() == x.tolist(), "the table itself was changed"


@pytest.mark.host
def test_numbers_too_large_to_standardize():
    with pytest.raises(ValueError, match="column 1 has numbers that are too large to standardize"):
        Scaling.of_host(np.asarray([[1.0, 1e308], [2.0, -1e308], [0.0, 1e308]]))


@pytest.mark.host
def test_ids_are_split_by_the_seed():
    train, held = split_ids(20, 0.25, seed=3)
    assert (len(train), len(held)) == (15, 5)
    assert sorted([*train, *held]) == list(range(20))
    assert np.array_equal(held, split_ids(20, 0.25, seed=3)[1])
    assert not np.array_equal(held, split_ids(20, 0.25, seed=4)[1])
    for fraction, message in ((1.0, r"held_out must be in \[0, 1\), got 1.0"), (0.99, "leaves none of 20 rows")):
        with pytest.raises(ValueError, match=message):
            split_ids(20, fraction, seed=0)


def test_rows_are_taken_with_their_weights(backend):
    rows = RowBatch(*map(backend.asarray, (np.arange(8.0).reshape(4, 2), np.arange(4), np.asarray([0.0, 1.0, 0, 2.0]))))
    taken = take_rows(rows, np.asarray([1, 3]), backend)
    assert [to_host(array).tolist() for array in taken[:3]] == [[[2.0, 3.0], [6.0, 7.0]], [1, 3], [1.0, 2.0]]
    assert take_rows(rows, np.arange(4), backend) is rows
    with pytest.raises(ValueError, match="all of 2 rows to train or to measure on weigh 0"):
        take_rows(rows, np.asarray([0, 2]), backend)
