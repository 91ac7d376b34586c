import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.ops import binary_cross_entropy, binary_cross_entropy_backward


@pytest.fixture
def arrays(rng):
    return rng.normal(size=(4, 3)) * 2.0, rng.random(size=(4, 3))


def test_value_and_gradient_equal_the_formula(run, arrays):
    logits, targets = arrays
    p = 1.0 / (1.0 + np.exp(-logits))
    (loss,), dlogits = run("binary_cross_entropy", arrays, [np.asarray(2.0)])
    assert_allclose(loss, -np.sum(targets * np.log(p) + (1.0 - targets) * np.log(1.0 - p)) / 4, rtol=1e-13)
    assert_allclose(dlogits, 2.0 * (p - targets) / 4, rtol=1e-12)


def test_extreme_logits_neither_overflow_nor_take_the_logarithm_of_zero(run):
    logits, targets = np.asarray([[1000.0], [-1000.0], [1000.0], [-1000.0]]), np.asarray([[1.0], [0.0], [0.0], [1.0]])
    (loss,), dlogits = run("binary_cross_entropy", (logits, targets), [np.asarray(1.0)])
    assert loss == 500.0
    assert dlogits[:, 0].tolist() == [0.0, 0.0, 0.25, -0.25]


def test_a_tiny_loss_keeps_its_digits(run):
    (loss,), _ = run("binary_cross_entropy", (np.asarray([[40.0]]), np.asarray([[1.0]])), [np.asarray(1.0)])
    assert_allclose(loss, np.exp(-40.0), rtol=1e-10)


def test_weights_count_as_repeated_rows(run, arrays):
    repeated = [np.repeat(array, [2, 0, 1, 3], axis=0) for array in arrays]
    (loss,), dlogits = run("binary_cross_entropy", (*arrays, np.asarray([2.0, 0.0, 1.0, 3.0])), [np.asarray(1.0)])
    (right,), drepeated = run("binary_cross_entropy", repeated, [np.asarray(1.0)])
    assert_allclose(loss, right, rtol=1e-13)
    assert_allclose(dlogits[3], drepeated[3:].sum(axis=0), rtol=1e-12)


def test_rows_that_do_not_count_may_hold_anything(run, arrays):
    logits, targets = (array.copy() for array in arrays)
    logits[0], targets[1] = np.inf, np.nan
    weights = np.asarray([0.0, 0.0, 1.0, 1.0])
    (loss,), dlogits = run("binary_cross_entropy", (logits, targets, weights), [np.asarray(1.0)])
    (right,), _ = run("binary_cross_entropy", (logits[2:], targets[2:]), [np.asarray(1.0)])
    assert_allclose(loss, right, rtol=1e-13)
    assert np.all(dlogits[:2] == 0.0)


def test_shapes_that_do_not_fit(place):
    with pytest.raises(ValueError, match=r"targets has shape \(4,\) but the logits have \(4, 1\)"):
        binary_cross_entropy(place(np.ones((4, 1))), place(np.ones(4)))
    with pytest.raises(ValueError, match=r"weights has shape \(4, 1\) but the logits expect \(4,\)"):
        binary_cross_entropy(place(np.ones((4, 1))), place(np.ones((4, 1))), place(np.ones((4, 1))))


def test_float32_stays_float32(backend32, arrays):
    loss, cache = binary_cross_entropy(*map(backend32.asarray, arrays))
    assert backend32.to_host(loss).dtype == np.float32
    assert backend32.to_host(binary_cross_entropy_backward(1.0, cache)).dtype == np.float32


@pytest.mark.parametrize("case", ["binary_cross_entropy", "binary_cross_entropy weighted"])
def test_gradient_agrees_with_central_differences(check_case, case):
    check_case(case)


@pytest.mark.torch_oracle
def test_value_and_gradient_equal_torch(backend, place, arrays):
    import torch

    theirs = torch.tensor(arrays[0], requires_grad=True)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(theirs, torch.tensor(arrays[1]), reduction="sum") / 4
    loss.backward()
    ours, cache = binary_cross_entropy(*map(place, arrays))
    assert_allclose(backend.to_host(ours), loss.item(), rtol=1e-12)
    assert_allclose(backend.to_host(binary_cross_entropy_backward(1.0, cache)), theirs.grad.numpy(), rtol=1e-12)
