import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.ops import log_softmax, log_softmax_backward, softmax, softmax_backward


def test_softmax_equals_the_formula(backend, place, rng):
    x = rng.normal(size=(2, 3, 4))
    y, _ = softmax(place(x))
    assert_allclose(backend.to_host(y), np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True), rtol=1e-13)


def test_log_softmax_equals_the_formula(backend, place, rng):
    x = rng.normal(size=(2, 3, 4))
    y, _ = log_softmax(place(x))
    assert_allclose(backend.to_host(y), x - np.log(np.exp(x).sum(axis=-1, keepdims=True)), rtol=1e-13)


def test_adding_a_constant_to_a_row_changes_nothing(backend, place, rng):
    x = rng.integers(-8, 8, (3, 4)) / 4.0
    for op in (softmax, log_softmax):
        near, far = (backend.to_host(op(place(x + shift))[0]) for shift in (0.0, 1024.0))
        assert np.array_equal(near, far)


def test_large_logits_do_not_overflow(backend, place):
    x = place([[1000.0, 1000.0, -1000.0], [-1000.0, -1000.0, -1000.0]])
    y, cache = softmax(x)
    assert_allclose(backend.to_host(y), [[0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]], rtol=1e-15)
    assert np.isfinite(backend.to_host(softmax_backward(y, cache))).all()


def test_large_logits_keep_their_logarithms(backend, place):
    y, cache = log_softmax(place([[1000.0, 0.0], [-1000.0, -1000.0]]))
    assert_allclose(backend.to_host(y), [[0.0, -1000.0], [-np.log(2.0), -np.log(2.0)]], rtol=1e-15)
    assert np.isfinite(backend.to_host(log_softmax_backward(y, cache))).all()


def test_one_class_has_probability_one_and_gradient_zero(backend, place):
    y, cache = softmax(place([[3.0], [-1000.0]]))
    assert backend.to_host(y).tolist() == [[1.0], [1.0]]
    assert backend.to_host(softmax_backward(place([[5.0], [7.0]]), cache)).tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize(
    ("forward", "backward"),
    [(softmax, softmax_backward), (log_softmax, log_softmax_backward)],
    ids=["softmax", "log_softmax"],
)
def test_float32_stays_float32_and_finite(backend32, forward, backward):
    y, cache = forward(backend32.asarray([[1000.0, -1000.0, 0.0], [88.0, 89.0, 90.0]]))
    host = [backend32.to_host(array) for array in (y, backward(y, cache))]
    assert {array.dtype.name for array in host} == {"float32"}
    assert np.isfinite(host).all()


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_gradient_agrees_with_central_differences(check_case, name):
    check_case(name)


@pytest.mark.parametrize(
    ("forward", "backward"),
    [(softmax, softmax_backward), (log_softmax, log_softmax_backward)],
    ids=["softmax", "log_softmax"],
)
def test_neither_the_argument_nor_the_cache_is_written_into(backend, place, rng, forward, backward):
    x = rng.normal(size=(3, 4))
    placed = place(x)
    y, cache = forward(placed)
    before = backend.to_host(y).copy()
    first, second = (backend.to_host(backward(placed, cache)).copy() for _ in range(2))
    assert np.array_equal(first, second)
    assert np.array_equal(backend.to_host(y), before)
    assert np.array_equal(backend.to_host(placed), x)


@pytest.mark.torch_oracle
@pytest.mark.parametrize(
    ("forward", "backward"),
    [(softmax, softmax_backward), (log_softmax, log_softmax_backward)],
    ids=["softmax", "log_softmax"],
)
def test_values_and_gradient_equal_torch(backend, place, rng, forward, backward):
    import torch

    x, dy = rng.normal(size=(3, 4)) * 5.0, rng.normal(size=(3, 4))
    theirs = torch.tensor(x, requires_grad=True)
    result = getattr(torch, forward.__name__)(theirs, dim=-1)
    result.backward(torch.tensor(dy))
    y, cache = forward(place(x))
    assert_allclose(backend.to_host(y), result.detach().numpy(), rtol=1e-12)
    assert_allclose(backend.to_host(backward(place(dy), cache)), theirs.grad.numpy(), rtol=1e-12, atol=1e-14)
