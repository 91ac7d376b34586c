import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import one_hot, scatter_add
from portnn.backends.scatter import ONE_HOT_ROWS, by_one_hot


@pytest.fixture(scope="module")
def added(backend):
    """`scatter_add` and its generic body on host arrays, compiled once."""
    functions = [backend.compile(lambda *arrays, f=f: f(*arrays, xp=backend.xp)) for f in (scatter_add, by_one_hot)]
    return lambda *host: [backend.to_host(f(*map(backend.asarray, host))) for f in functions]


def expected(target, ids, rows):
    result = target.copy()
    np.add.at(result, ids, rows)
    return result


# The last two sizes lie on both sides of where NumPy and CuPy change over from products to another way.
@pytest.mark.parametrize("size", [1, 7, ONE_HOT_ROWS, ONE_HOT_ROWS + 1])
def test_repeated_ids_accumulate_whatever_the_size_of_the_table(added, rng, size):
    target, ids, rows = rng.normal(size=(size, 3)), rng.integers(0, size, 40), rng.normal(size=(40, 3))
    for result in added(target, ids, rows):
        assert_allclose(result, expected(target, ids, rows), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("size", [7, ONE_HOT_ROWS + 1])
def test_no_ids_change_nothing(added, rng, size):
    target = rng.normal(size=(size, 3))
    for result in added(target, np.zeros(0, dtype=int), np.zeros((0, 3))):
        assert np.array_equal(result, target)


@pytest.mark.parametrize("size", [7, ONE_HOT_ROWS + 1])
def test_the_same_id_every_time(added, rng, size):
    target, rows = rng.normal(size=(size, 3)), rng.normal(size=(40, 3))
    for last in (0, size - 1):
        ids = np.full(40, last)
        for result in added(target, ids, rows):
            assert_allclose(result, expected(target, ids, rows), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("size", [7, ONE_HOT_ROWS + 1])
def test_arguments_are_not_written_into(backend, place, rng, size):
    host = rng.normal(size=(size, 3)), rng.integers(0, size, 40), rng.normal(size=(40, 3))
    placed = [place(array) for array in host]
    scatter_add(*placed, xp=backend.xp)
    for array, before in zip(placed, host, strict=True):
        assert np.array_equal(backend.to_host(array), before)


@pytest.mark.parametrize("size", [7, ONE_HOT_ROWS + 1])
def test_float32_stays_float32(backend32, size):
    arrays = map(backend32.asarray, (np.zeros((size, 2)), [1, 1], np.ones((2, 2))))
    result = backend32.to_host(scatter_add(*arrays, xp=backend32.xp))
    assert result.dtype == np.float32
    assert result.sum() == result[1].sum() == 4.0


@pytest.mark.parametrize("elements", [1, 21, 100])
def test_the_generic_body_goes_block_by_block(backend, place, rng, monkeypatch, elements):
    """However few rows a block holds, ids that do not fill the last one included."""
    monkeypatch.setattr(sys.modules["portnn.backends.scatter"], "ONE_HOT_ELEMENTS", elements)
    target, ids, rows = rng.normal(size=(7, 3)), rng.integers(0, 7, 10), rng.normal(size=(10, 3))
    result = by_one_hot(place(target), place(ids), place(rows), xp=backend.xp)
    assert_allclose(backend.to_host(result), expected(target, ids, rows), rtol=1e-12, atol=1e-13)


def test_one_hot_rows_are_rows_of_the_identity(backend, backend32, place):
    for chosen in (backend, backend32):
        rows = one_hot(place([[0, 2], [1, 1]]), 3, getattr(chosen.xp, chosen.dtype), xp=chosen.xp)
        assert chosen.to_host(rows).dtype == chosen.dtype
        assert np.array_equal(chosen.to_host(rows), np.eye(3)[[[0, 2], [1, 1]]])
