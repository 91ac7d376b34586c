import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.ops import negative_sampling, negative_sampling_backward, window_mean, window_mean_backward

POSITIVES = 5


@pytest.fixture
def drawn(rng):
    """Hidden rows, output rows, the first five of which may be positive, and weights that may be 0 or above 1."""
    weights = rng.integers(0, 3, (2, 4, 8)) * rng.random((2, 4, 8))
    return 2.0 * rng.normal(size=(2, 4, 3)), 2.0 * rng.normal(size=(2, 8, 3)), weights


@pytest.fixture
def of(backend):
    """Loss, and its gradients times `dloss`, on the host."""

    def of(hidden, outputs, weights, positives, dloss=1.0, on=backend):
        placed = map(on.asarray, (hidden, outputs, weights))
        loss, cache = negative_sampling(*placed, positives=positives)
        assert loss.shape == ()
        return (on.to_host(loss), *map(on.to_host, negative_sampling_backward(dloss, cache)))

    return of


def sigma(z):
    return 1.0 / (1.0 + math.exp(-z))


def by_hand(hidden, outputs, weights, positives):
    loss, dhidden, doutputs = 0.0, np.zeros_like(hidden), np.zeros_like(outputs)
    for b, i, j in np.ndindex(weights.shape):
        h, u, weight = hidden[b, i], outputs[b, j], weights[b, i, j]
        sign = 1.0 if j < positives else -1.0
        loss -= weight * math.log(sigma(sign * float(h @ u)))
        slope = weight * (sigma(float(h @ u)) - (1.0 if j < positives else 0.0))
        dhidden[b, i] += slope * u
        doutputs[b, j] += slope * h
    return loss, dhidden, doutputs


@pytest.mark.parametrize("positives", [0, 1, POSITIVES, 8])
def test_the_same_as_a_loop(of, drawn, positives):
    for ours, right in zip(of(*drawn, positives), by_hand(*drawn, positives), strict=True):
        assert_allclose(ours, right, rtol=1e-12, atol=1e-13)


def test_one_pair(of):
    loss, dhidden, doutputs = of([[[1.0, 2.0]]], [[[0.5, -1.0]]], [[[1.0]]], 1)
    assert loss == pytest.approx(math.log1p(math.exp(1.5)), rel=1e-14)
    slope = sigma(-1.5) - 1.0
    assert_allclose(dhidden, [[[0.5 * slope, -slope]]], rtol=1e-13)
    assert_allclose(doutputs, [[[slope, 2.0 * slope]]], rtol=1e-13)


def test_weights_count_and_the_gradient_of_the_loss_scales(of, drawn):
    hidden, outputs, weights = drawn
    once, twice = of(hidden, outputs, weights, 5, dloss=2.0), of(hidden, outputs, 2.0 * weights, 5)
    assert twice[0] == pytest.approx(2.0 * once[0], rel=1e-13)
    for left, right in zip(once[1:], twice[1:], strict=True):
        assert_allclose(left, right, rtol=1e-13)
    assert not any(np.any(array) for array in of(hidden, outputs, 0.0 * weights, 5))


def test_central_differences(check_case):
    check_case("negative_sampling")


@pytest.mark.parametrize("size", [50.0, 1e3, 1e30])
def test_extreme_logits_do_not_overflow(of, backend, backend32, size):
    """On the right side they cost nothing and on the wrong one a finite sum; the gradient is that of a logit."""
    outputs, weights = np.asarray([[[1.0], [-1.0], [1.0], [-1.0]]]), np.ones((1, 1, 4))
    for chosen in (backend, backend32):
        loss, dhidden, doutputs = of([[[size]]], outputs, weights, 2, on=chosen)
        assert loss == pytest.approx(2.0 * min(size, 80.0), rel=1e-6)
        assert_allclose(dhidden, [[[2.0]]], rtol=1e-6)  # a positive below and a negative above, both wrong
        assert_allclose(doutputs / size, [[[0.0], [-1.0], [1.0], [0.0]]], atol=1e-6)


def test_not_a_number_is_not_hidden(of):
    assert np.isnan(of([[[np.nan]]], [[[1.0]]], [[[1.0]]], 1)[0])


def test_float32_stays_float32(of, drawn, backend32):
    assert [array.dtype for array in of(*drawn, POSITIVES, on=backend32)] == [np.float32] * 3


def test_neither_arguments_nor_cache_are_written_into(backend, place, drawn):
    placed = [place(array) for array in drawn]
    _, cache = negative_sampling(*placed, positives=POSITIVES)
    first, second = (negative_sampling_backward(2.0, cache) for _ in range(2))
    for left, right in zip(first, second, strict=True):
        assert np.array_equal(backend.to_host(left), backend.to_host(right))
    for array, before in zip(placed, drawn, strict=True):
        assert np.array_equal(backend.to_host(array), before)


@pytest.mark.parametrize(
    ("hidden", "outputs", "weights", "positives", "message"),
    [
        ((4, 3), (2, 8, 3), (2, 4, 8), 5, "hidden has shape (4, 3), expected 3 dimensions"),
        ((2, 4, 3), (8, 3), (2, 4, 8), 5, "outputs has shape (8, 3), expected 3 dimensions"),
        ((2, 4, 3), (2, 8, 2), (2, 4, 8), 5, "outputs has shape (2, 8, 2) but hidden expects (2, 8, 3)"),
        ((2, 4, 3), (1, 8, 3), (2, 4, 8), 5, "outputs has shape (1, 8, 3) but hidden expects (2, 8, 3)"),
        ((2, 4, 3), (2, 8, 3), (2, 4, 7), 5, "weights has shape (2, 4, 7) but hidden and outputs expect (2, 4, 8)"),
        ((2, 4, 3), (2, 8, 3), (2, 4, 8), 9, "positives is 9, expected 0..8"),
        ((2, 4, 3), (2, 8, 3), (2, 4, 8), -1, "positives is -1, expected 0..8"),
    ],
)
def test_what_does_not_fit_is_named(place, hidden, outputs, weights, positives, message):
    arrays = (place(np.ones(shape)) for shape in (hidden, outputs, weights))
    with pytest.raises(ValueError, match=f"^{re.escape(f'negative_sampling: {message}')}$"):
        negative_sampling(*arrays, positives=positives)


# Five words a to e with known vectors: the centre c in the window a b e [c] d b c, each neighbour with its negatives.
VECTORS = np.random.RandomState(9265).randn(10, 3)
VECTORS /= np.sqrt(np.sum(VECTORS**2, axis=1, keepdims=True))
INPUT, OUTPUT = VECTORS[:5], VECTORS[5:]
AROUND, CENTRE = [0, 1, 4, 3, 1, 2], 2
NEGATIVES = [1, 3, 3, 0]
"""b is a neighbour, so it does not count against itself; d counts twice."""


def pair(h, target, negatives):
    """Loss of one pair in word2vec, and its gradients for the hidden row and the output table."""
    loss, dh, dtable = 0.0, np.zeros(3), np.zeros((5, 3))
    for word, label in [(target, 1.0), *((word, 0.0) for word in negatives if word != target)]:
        z = float(h @ OUTPUT[word])
        loss -= math.log(sigma(z if label else -z))
        dh += (sigma(z) - label) * OUTPUT[word]
        dtable[word] += (sigma(z) - label) * h
    return loss, dh, dtable


def test_a_window_of_skip_gram(of):
    parts = [pair(INPUT[CENTRE], word, NEGATIVES) for word in AROUND]
    loss, dh, dtable = (sum(part[k] for part in parts) for k in range(3))
    ids = [*AROUND, *NEGATIVES]
    weights = [1.0] * len(AROUND) + [float(sum(word != negative for word in AROUND)) for negative in NEGATIVES]
    ours = of(INPUT[None, [CENTRE]], OUTPUT[None, ids], [[weights]], len(AROUND))
    table = np.zeros((5, 3))
    np.add.at(table, ids, ours[2][0])
    assert ours[0] == pytest.approx(loss, rel=1e-12)
    assert_allclose(ours[1][0, 0], dh, rtol=1e-12, atol=1e-13)
    assert_allclose(table, dtable, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("mean", [True, False])
def test_a_window_of_cbow(backend, of, mean):
    negatives = [2, 3, 3, 0]  # c is the target itself
    share = 1.0 / len(AROUND) if mean else 1.0
    h = share * sum(INPUT[word] for word in AROUND)
    loss, dh, dtable = pair(h, CENTRE, negatives)
    right = np.zeros((5, 3))
    for word in AROUND:
        right[word] += share * dh
    place = backend.asarray
    hidden, cache = window_mean(place(INPUT[None, AROUND]), place(np.ones((1, 1, len(AROUND)))), mean=mean)
    ids = [CENTRE, *negatives]
    ours = of(backend.to_host(hidden), OUTPUT[None, ids], [[[1.0, 0.0, 1.0, 1.0, 1.0]]], 1)
    inputs, outputs = np.zeros((5, 3)), np.zeros((5, 3))
    np.add.at(inputs, AROUND, backend.to_host(window_mean_backward(place(ours[1]), cache))[0])
    np.add.at(outputs, ids, ours[2][0])
    assert ours[0] == pytest.approx(loss, rel=1e-12)
    assert_allclose(inputs, right, rtol=1e-12, atol=1e-13)
    assert_allclose(outputs, dtable, rtol=1e-12, atol=1e-13)
