import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.ops import cross_entropy, cross_entropy_backward

WEIGHTS = np.asarray([[1.0, 0.0, 0.5], [0.0, 2.0, 1.0]])


def nats(logits, targets):
    """Cross-entropy of every row by the definition; targets are probabilities."""
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return -(targets * np.log(p)).sum(axis=-1)


@pytest.fixture
def logits(rng):
    return rng.normal(size=(2, 3, 5))


@pytest.fixture
def hard(rng):
    return rng.integers(0, 5, (2, 3))


@pytest.fixture
def soft(rng):
    soft = rng.random((2, 3, 5))
    return soft / soft.sum(axis=-1, keepdims=True)


@pytest.fixture
def of(run):
    """Loss, and its gradient times `dloss` for the logits."""

    def of(*arrays, dloss=1.0, **on):
        (loss,), dlogits = run("cross_entropy", arrays, [dloss], **on)
        return loss, dlogits

    return of


def test_mean_over_rows_of_hard_targets(of, logits, hard):
    assert of(logits, hard)[0] == pytest.approx(nats(logits, np.eye(5)[hard]).mean(), rel=1e-13)


def test_mean_over_rows_of_soft_targets(of, logits, soft):
    assert of(logits, soft)[0] == pytest.approx(nats(logits, soft).mean(), rel=1e-13)


def test_hard_targets_equal_their_one_hot_rows(of, logits, hard):
    loss, dlogits = of(logits, hard)
    other, other_dlogits = of(logits, np.eye(5)[hard])
    assert loss == pytest.approx(other, rel=1e-14)
    assert_allclose(dlogits, other_dlogits, rtol=1e-13, atol=1e-16)


def test_equal_logits_cost_the_logarithm_of_the_number_of_classes(of, hard):
    assert of(np.full((2, 3, 5), 3.0), hard)[0] == pytest.approx(math.log(5), rel=1e-14)


@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_weights_count_in_the_mean_and_the_gradient(of, logits, hard, soft, kind):
    targets, rows = (hard, np.eye(5)[hard]) if kind == "hard" else (soft, soft)
    loss, dlogits = of(logits, targets, WEIGHTS, dloss=3.0)
    assert loss == pytest.approx((nats(logits, rows) * WEIGHTS).sum() / WEIGHTS.sum(), rel=1e-13)
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = 3.0 * (p - rows) * WEIGHTS[..., np.newaxis] / WEIGHTS.sum()
    assert_allclose(dlogits, expected, rtol=1e-12, atol=1e-15)


def test_weights_of_one_change_nothing(of, logits, hard):
    loss, dlogits = of(logits, hard)
    other, other_dlogits = of(logits, hard, np.ones((2, 3)))
    assert loss == pytest.approx(other, rel=1e-14)
    assert_allclose(dlogits, other_dlogits, rtol=1e-14, atol=1e-16)


def test_weights_of_zero_give_loss_and_gradient_zero(of, logits, hard):
    loss, dlogits = of(logits, hard, np.zeros((2, 3)))
    assert loss == 0.0
    assert not dlogits.any()


@pytest.mark.parametrize("rubbish", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_rows_of_weight_zero_may_hold_infinity_and_nan(of, logits, hard, soft, kind, rubbish):
    targets = {"hard": hard, "soft": soft}[kind]
    spoilt = logits.copy()
    spoilt[0, 1, :], spoilt[1, 0, 2] = rubbish, rubbish
    loss, dlogits = of(spoilt, targets, WEIGHTS)
    clean, clean_dlogits = of(logits, targets, WEIGHTS)
    assert loss == clean
    assert np.array_equal(dlogits, clean_dlogits)
    assert not dlogits[WEIGHTS == 0.0].any()


def test_soft_targets_of_weight_zero_may_hold_nan(of, logits, soft):
    spoilt = soft.copy()
    spoilt[0, 1, 3] = np.nan
    loss, dlogits = of(logits, spoilt, WEIGHTS)
    clean, clean_dlogits = of(logits, soft, WEIGHTS)
    assert loss == clean
    assert np.array_equal(dlogits, clean_dlogits)


def test_large_logits_do_not_overflow(of):
    logits = np.asarray([[1000.0, -1000.0, 0.0], [-1000.0, -1000.0, -1000.0]])
    loss, dlogits = of(logits, np.asarray([1, 0]))
    assert loss == pytest.approx((2000.0 + math.log(3)) / 2, rel=1e-15)
    assert_allclose(dlogits, [[0.5, -0.5, 0.0], [-1 / 3, 1 / 6, 1 / 6]], rtol=1e-14)


@pytest.mark.parametrize("weighted", [False, True])
def test_float32_stays_float32_and_finite(of, backend32, weighted):
    logits = np.asarray([[1000.0, -1000.0, 0.0], [88.0, 89.0, 90.0]])
    loss, dlogits = of(logits, np.asarray([1, 0]), *([np.ones(2)] if weighted else []), on=backend32)
    assert loss.dtype == dlogits.dtype == np.float32
    assert loss == pytest.approx(1001.2, rel=1e-4)
    assert np.isfinite(dlogits).all()


def test_one_row_without_leading_axes(backend, place):
    loss, cache = cross_entropy(place([0.0, 0.0]), place(1))
    assert float(loss) == pytest.approx(math.log(2), rel=1e-14)
    assert_allclose(backend.to_host(cross_entropy_backward(2.0, cache)), [1.0, -1.0], rtol=1e-14)


@pytest.mark.parametrize("kind", ["cross_entropy", "cross_entropy soft"])
@pytest.mark.parametrize("weighted", ["", " weighted"])
def test_gradient_agrees_with_central_differences(check_case, kind, weighted):
    check_case(kind + weighted)


@pytest.mark.parametrize("kind", ["hard", "soft", "hard weighted"])
def test_neither_arguments_nor_cache_are_written_into(backend, place, logits, hard, soft, kind):
    if backend.name == "jax":
        return  # its arrays cannot be written into
    arrays = {"hard": [logits, hard], "soft": [logits, soft], "hard weighted": [logits, hard, WEIGHTS]}[kind]
    placed = [place(array) for array in arrays]
    _, cache = cross_entropy(*placed)
    first, second = (backend.to_host(cross_entropy_backward(1.0, cache)).copy() for _ in range(2))
    assert np.array_equal(first, second)
    for array, before in zip(placed, arrays, strict=True):
        assert np.array_equal(backend.to_host(array), before)


@pytest.mark.parametrize(
    ("targets", "weights", "message"),
    [
        (np.zeros(2, int), None, r"targets has shape \(2,\) but the logits expect \(2, 3\)$"),
        (np.zeros((3, 2), int), None, r"targets has shape \(3, 2\) but the logits expect \(2, 3\)$"),
        (np.zeros((2, 3, 4)), None, r"targets has shape \(2, 3, 4\) but the logits expect \(2, 3, 5\)$"),
        (np.zeros((2, 3), int), np.ones((2, 1)), r"weights has shape \(2, 1\) but the logits expect \(2, 3\)$"),
    ],
)
def test_shapes_that_do_not_fit_are_named(place, logits, targets, weights, message):
    arrays = [place(logits), place(targets), *([] if weights is None else [place(weights)])]
    with pytest.raises(ValueError, match=f"^cross_entropy: {message}"):
        cross_entropy(*arrays)


def test_hard_targets_that_are_no_integers_are_refused(place, logits):
    message = r"^cross_entropy: hard targets have dtype \S*float64, expected an integer dtype$"
    with pytest.raises(TypeError, match=message):
        cross_entropy(place(logits), place(np.zeros((2, 3))))


@pytest.mark.torch_oracle
@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_values_and_gradient_equal_torch(of, logits, hard, soft, kind):
    import torch

    targets = {"hard": hard, "soft": soft}[kind]
    rows = targets.reshape(-1, 5) if kind == "soft" else targets.reshape(-1)
    theirs = torch.tensor(logits * 4.0, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(theirs.reshape(-1, 5), torch.tensor(rows))
    expected.backward()
    loss, dlogits = of(logits * 4.0, targets)
    assert loss == pytest.approx(expected.item(), rel=1e-13)
    assert_allclose(dlogits, theirs.grad.numpy(), rtol=1e-12, atol=1e-15)
