import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.ops import linear, linear_backward


@pytest.fixture
def arrays(rng):
    return rng.normal(size=(2, 3, 4)), rng.normal(size=(4, 5)), rng.normal(size=5)


@pytest.mark.parametrize("leading", [(), (3,), (2, 3)], ids=str)
def test_values_equal_the_formula_for_any_leading_axes(run, rng, leading):
    x, weight, bias = rng.normal(size=(*leading, 4)), rng.normal(size=(4, 5)), rng.normal(size=5)
    dy = rng.normal(size=(*leading, 5))
    (y,), gradients = run("linear", (x, weight, bias), [dy])
    assert y.shape == (*leading, 5)
    assert_allclose(y, x @ weight + bias, rtol=1e-12, atol=1e-14)
    assert_allclose(gradients.x, dy @ weight.T, rtol=1e-12, atol=1e-14)
    assert_allclose(gradients.weight, x.reshape(-1, 4).T @ dy.reshape(-1, 5), rtol=1e-12, atol=1e-14)
    assert_allclose(gradients.bias, dy.reshape(-1, 5).sum(axis=0), rtol=1e-12, atol=1e-14)


def test_gradient_agrees_with_central_differences(check_case):
    check_case("linear")


def test_arguments_are_not_written_into(backend, place, arrays):
    placed = [place(array) for array in arrays]
    y, cache = linear(*placed)
    linear_backward(y, cache)
    for array, before in zip(placed, arrays, strict=True):
        assert np.array_equal(backend.to_host(array), before)


def test_float32_stays_float32(run, backend32, arrays):
    (y,), gradients = run("linear", arrays, [np.ones((2, 3, 5))], on=backend32)
    assert {array.dtype.name for array in (y, *gradients)} == {"float32"}


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((3, 6), (4, 5), (5,)), r"^linear: x has shape \(3, 6\) but the weight expects \(\.\.\., 4\)$"),
        (((), (4, 5), (5,)), r"^linear: x has shape \(\) but the weight expects \(\.\.\., 4\)$"),
        (((3, 4), (4,), (5,)), r"^linear: weight has shape \(4,\), expected 2 dimensions$"),
        (((3, 4), (4, 5), (4,)), r"^linear: bias has shape \(4,\) but the weight expects \(5,\)$"),
        (((3, 4), (4, 5), (1, 5)), r"^linear: bias has shape \(1, 5\) but the weight expects \(5,\)$"),
    ],
)
def test_shapes_that_do_not_fit_are_named(place, shapes, message):
    with pytest.raises(ValueError, match=message):
        linear(*(place(np.ones(shape)) for shape in shapes))


@pytest.mark.torch_oracle
def test_values_and_gradients_equal_torch(run, rng, arrays):
    import torch

    x, weight, bias = (torch.tensor(array, requires_grad=True) for array in arrays)
    theirs = torch.nn.functional.linear(x, weight.T, bias)
    dy = rng.normal(size=(2, 3, 5))
    theirs.backward(torch.tensor(dy))
    (y,), gradients = run("linear", arrays, [dy])
    assert_allclose(y, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)
    for ours, expected in zip(gradients, (x, weight, bias), strict=True):
        assert_allclose(ours, expected.grad.numpy(), rtol=1e-12, atol=1e-14)
