import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.ops import window_softmax, window_softmax_backward


@pytest.fixture
def drawn(rng):
    """Hidden rows, table, ids with repetitions, and windows, one of them empty."""
    windows = (rng.random((2, 4, 6)) < 0.6).astype(np.float64)
    windows[1, 2] = 0.0
    return rng.normal(size=(2, 4, 3)), rng.normal(size=(5, 3)), rng.integers(0, 5, (2, 6)), windows


@pytest.fixture
def of(backend):
    """Loss, and its gradients times `dloss`, on the host."""

    def of(hidden, table, ids, windows, dloss=1.0, on=backend):
        placed = (on.asarray(np.asarray(array)) for array in (hidden, table, ids, windows))
        loss, cache = window_softmax(*placed)
        assert loss.shape == ()
        return (on.to_host(loss), *map(on.to_host, window_softmax_backward(dloss, cache)))

    return of


def by_hand(hidden, table, ids, windows):
    loss, dhidden, dtable = 0.0, np.zeros_like(hidden), np.zeros_like(table)
    for b, i, j in np.ndindex(windows.shape):
        h, word, weight = hidden[b, i], ids[b][j], windows[b, i, j]
        scores = [math.exp(float(h @ u)) for u in table]
        loss -= weight * math.log(scores[word] / sum(scores))
        for other, score in enumerate(scores):
            slope = weight * (score / sum(scores) - (1.0 if other == word else 0.0))
            dhidden[b, i] += slope * table[other]
            dtable[other] += slope * h
    return loss, dhidden, dtable


def test_the_same_as_a_loop(of, drawn):
    for ours, right in zip(of(*drawn), by_hand(*drawn), strict=True):
        assert_allclose(ours, right, rtol=1e-12, atol=1e-13)


def test_words_may_count_more_than_once(of, drawn):
    hidden, table, ids, windows = drawn
    weights = windows * np.arange(1.0, 7.0)
    for ours, right in zip(of(hidden, table, ids, weights), by_hand(hidden, table, ids, weights), strict=True):
        assert_allclose(ours, right, rtol=1e-12, atol=1e-13)


def test_a_large_vocabulary(of, rng):
    """NumPy sums rows of tables with more than 512 another way."""
    arrays = rng.normal(size=(1, 2, 3)), rng.normal(size=(600, 3)), rng.integers(0, 600, (1, 4)), np.ones((1, 2, 4))
    for ours, right in zip(of(*arrays), by_hand(*arrays), strict=True):
        assert_allclose(ours, right, rtol=1e-11, atol=1e-13)


def test_the_gradient_of_the_loss_scales(of, drawn):
    once, thrice = of(*drawn), of(*drawn, dloss=3.0)
    assert once[0] == thrice[0]
    for left, right in zip(once[1:], thrice[1:], strict=True):
        assert_allclose(3.0 * left, right, rtol=1e-13, atol=1e-15)


def test_a_known_case(of):
    """Five words a to e, ten vectors of length one from a known seed: the centre c in the window a b e [c] d b c."""
    vectors = np.random.RandomState(9265).randn(10, 3)
    vectors /= np.sqrt(np.sum(vectors**2, axis=1, keepdims=True))
    table = vectors[5:]
    # The whole window, with the centre's own place in it, which does not count.
    ids, windows = [[0, 1, 4, 2, 3, 1, 2]], [[[1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0]]]
    ours = of(vectors[None, 2:3], table, ids, windows)
    assert float(ours[0]) == pytest.approx(11.16610900153398, rel=0.0, abs=1e-12)
    right = by_hand(vectors[None, 2:3], table, ids, np.asarray(windows))
    for left, one in zip(ours[1:], right[1:], strict=True):
        assert_allclose(left, one, rtol=1e-12, atol=1e-13)


def test_central_differences(check_case):
    check_case("window_softmax")


@pytest.mark.parametrize("size", [100.0, 1e4])
def test_extreme_logits_do_not_overflow(of, backend, backend32, size):
    hidden, table = [[[size], [-size]]], np.asarray([[1.0], [-1.0]])
    for chosen in (backend, backend32):
        loss, dhidden, dtable = of(hidden, table, [[0, 1]], np.ones((1, 2, 2)), on=chosen)
        assert loss == pytest.approx(4.0 * size, rel=1e-6)
        assert_allclose(dhidden, [[[2.0], [-2.0]]], rtol=1e-6)
        assert_allclose(dtable, [[2.0 * size], [-2.0 * size]], rtol=1e-6)


def test_float32_stays_float32(of, drawn, backend32):
    assert [array.dtype for array in of(*drawn, on=backend32)] == [np.float32] * 3


def test_neither_arguments_nor_cache_are_written_into(backend, place, drawn):
    placed = [place(array) for array in drawn]
    _, cache = window_softmax(*placed)
    first, second = (window_softmax_backward(2.0, cache) for _ in range(2))
    for left, right in zip(first, second, strict=True):
        assert np.array_equal(backend.to_host(left), backend.to_host(right))
    for array, before in zip(placed, drawn, strict=True):
        assert np.array_equal(backend.to_host(array), before)


@pytest.mark.parametrize(
    ("hidden", "table", "ids", "windows", "message"),
    [
        ((4, 3), (5, 3), (2, 6), (2, 4, 6), "hidden has shape (4, 3), expected 3 dimensions"),
        ((2, 4, 3), (5, 3), (6,), (2, 4, 6), "ids has shape (6,), expected 2 dimensions"),
        ((2, 4, 3), (5, 2), (2, 6), (2, 4, 6), "table has shape (5, 2) but hidden expects (5, 3)"),
        ((2, 4, 3), (5, 3, 1), (2, 6), (2, 4, 6), "table has shape (5, 3, 1) but hidden expects (5, 3)"),
        ((2, 4, 3), (5, 3), (2, 6), (2, 4, 5), "windows has shape (2, 4, 5) but hidden and ids expect (2, 4, 6)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(place, hidden, table, ids, windows, message):
    arrays = (np.ones(hidden), np.ones(table), np.ones(ids, int), np.ones(windows))
    with pytest.raises(ValueError, match=f"^{re.escape(f'window_softmax: {message}')}$"):
        window_softmax(*map(place, arrays))
