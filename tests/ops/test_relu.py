import numpy as np
import pytest

from portnn.ops import relu, relu_backward


def test_negative_entries_become_zero(backend, place):
    y, _ = relu(place([[-2.0, 0.0], [3.0, -1e-300]]))
    assert backend.to_host(y).tolist() == [[0.0, 0.0], [3.0, 0.0]]


def test_gradient_passes_where_positive_and_not_at_the_kink(backend, place):
    _, cache = relu(place([-1.0, 0.0, 1e-300, 5.0]))
    assert backend.to_host(relu_backward(place([7.0, 7.0, 7.0, 7.0]), cache)).tolist() == [0.0, 0.0, 7.0, 7.0]


def test_large_inputs_pass_as_they_are(backend, place):
    y, _ = relu(place([-1e308, 1e308, np.inf, -np.inf]))
    assert backend.to_host(y).tolist() == [0.0, 1e308, np.inf, 0.0]


def test_float32_stays_float32(backend32):
    y, cache = relu(backend32.asarray([-1.0, 0.5]))
    assert backend32.to_host(y).dtype == backend32.to_host(relu_backward(y, cache)).dtype == np.float32


def test_gradient_agrees_with_central_differences(check_case):
    check_case("relu")


@pytest.mark.torch_oracle
def test_values_and_gradient_equal_torch(backend, place, rng):
    import torch

    x, dy = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    x[0, 0] = 0.0
    theirs = torch.tensor(x, requires_grad=True)
    torch.relu(theirs).backward(torch.tensor(dy))
    y, cache = relu(place(x))
    assert np.array_equal(backend.to_host(y), torch.relu(theirs).detach().numpy())
    assert np.array_equal(backend.to_host(relu_backward(place(dy), cache)), theirs.grad.numpy())
