import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.ops import tanh, tanh_backward


def test_values_equal_the_formula(backend, place, rng):
    x = rng.normal(size=(3, 4))
    y, _ = tanh(place(x))
    assert_allclose(backend.to_host(y), (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1), rtol=1e-12)


def test_large_inputs_saturate_with_gradient_zero(backend, place):
    y, cache = tanh(place([-1000.0, 0.0, 1000.0]))
    assert backend.to_host(y).tolist() == [-1.0, 0.0, 1.0]
    assert backend.to_host(tanh_backward(place([1.0, 1.0, 1.0]), cache)).tolist() == [0.0, 1.0, 0.0]


def test_float32_stays_float32(backend32):
    y, cache = tanh(backend32.asarray([-1000.0, 0.5]))
    assert backend32.to_host(y).dtype == backend32.to_host(tanh_backward(y, cache)).dtype == np.float32


def test_gradient_agrees_with_central_differences(check_case):
    check_case("tanh")


@pytest.mark.torch_oracle
def test_values_and_gradient_equal_torch(backend, place, rng):
    import torch

    x, dy = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    theirs = torch.tensor(x, requires_grad=True)
    torch.tanh(theirs).backward(torch.tensor(dy))
    y, cache = tanh(place(x))
    assert_allclose(backend.to_host(y), torch.tanh(theirs).detach().numpy(), rtol=1e-12)
    assert_allclose(backend.to_host(tanh_backward(place(dy), cache)), theirs.grad.numpy(), rtol=1e-12)
