import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.ops import sigmoid, sigmoid_backward


def test_values_equal_the_formula(backend, place, rng):
    x = rng.normal(size=(3, 4)) * 3.0
    y, _ = sigmoid(place(x))
    assert_allclose(backend.to_host(y), 1.0 / (1.0 + np.exp(-x)), rtol=1e-13)


def test_large_inputs_saturate_without_overflow(backend, place):
    y, cache = sigmoid(place([-1000.0, -800.0, 0.0, 800.0, 1000.0]))
    assert backend.to_host(y).tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert backend.to_host(sigmoid_backward(y, cache)).tolist() == [0.0, 0.0, 0.125, 0.0, 0.0]


def test_float32_stays_float32_and_saturates(backend32):
    y, cache = sigmoid(backend32.asarray([-1000.0, 0.0, 1000.0]))
    dx = sigmoid_backward(y, cache)
    assert backend32.to_host(y).dtype == backend32.to_host(dx).dtype == np.float32
    assert backend32.to_host(y).tolist() == [0.0, 0.5, 1.0]


def test_gradient_agrees_with_central_differences(check_case):
    check_case("sigmoid")


def test_cache_is_only_read(backend, place, rng):
    y, cache = sigmoid(place(rng.normal(size=3)))
    before = backend.to_host(y).copy()
    first, second = (backend.to_host(sigmoid_backward(y, cache)) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.array_equal(backend.to_host(y), before)


@pytest.mark.torch_oracle
def test_values_and_gradient_equal_torch(backend, place, rng):
    import torch

    x, dy = rng.normal(size=(2, 3, 4)) * 4.0, rng.normal(size=(2, 3, 4))
    theirs = torch.tensor(x, requires_grad=True)
    torch.sigmoid(theirs).backward(torch.tensor(dy))
    y, cache = sigmoid(place(x))
    assert_allclose(backend.to_host(y), torch.sigmoid(theirs).detach().numpy(), rtol=1e-12)
    dx = backend.to_host(sigmoid_backward(place(dy), cache))
    assert_allclose(dx, theirs.grad.numpy(), rtol=0, atol=1e-14)
