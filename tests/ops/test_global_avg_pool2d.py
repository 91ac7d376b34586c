import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import device
from portnn.ops import global_avg_pool2d, global_avg_pool2d_backward


@pytest.mark.parametrize("size", [(5, 6), (1, 1), (1, 7)], ids=str)
def test_values_equal_the_formula(run, rng, size):
    x, dy = rng.normal(size=(2, *size, 3)), rng.normal(size=(2, 3))
    (y,), dx = run("global_avg_pool2d", (x,), [dy])
    assert_allclose(y, x.mean(axis=(1, 2)), rtol=1e-12, atol=1e-14)
    assert_allclose(dx, np.broadcast_to(dy[:, None, None, :] / (size[0] * size[1]), x.shape), rtol=1e-12)


def test_gradient_agrees_with_central_differences(check_case):
    check_case("global_avg_pool2d")


def test_an_empty_batch(run):
    (y,), dx = run("global_avg_pool2d", (np.zeros((0, 5, 6, 3)),), [np.zeros((0, 3))])
    assert y.shape == (0, 3)
    assert dx.shape == (0, 5, 6, 3)


def test_arguments_are_not_written_into_and_results_stay_on_their_device(backend, place, rng):
    x, dy = rng.normal(size=(2, 5, 6, 3)), rng.normal(size=(2, 3))
    placed, dplaced = place(x), place(dy)
    y, cache = global_avg_pool2d(placed)
    dx = global_avg_pool2d_backward(dplaced, cache)
    assert np.array_equal(backend.to_host(placed), x)
    assert np.array_equal(backend.to_host(dplaced), dy)
    assert all(backend.device is None or device(array) == backend.device for array in (y, dx))


def test_float32_stays_float32(rng, backend32):
    y, cache = global_avg_pool2d(backend32.asarray(rng.normal(size=(2, 5, 6, 3))))
    for array in (y, global_avg_pool2d_backward(y, cache)):
        assert backend32.to_host(array).dtype == np.float32


@pytest.mark.parametrize("shape", [(2, 3), (5, 6, 3), (1, 2, 5, 6, 3)], ids=str)
def test_what_is_no_batch_of_pictures_is_named(place, shape):
    message = rf"^global_avg_pool2d: x has shape \({', '.join(map(str, shape))}\), expected 4 dimensions$"
    with pytest.raises(ValueError, match=message):
        global_avg_pool2d(place(np.ones(shape)))


@pytest.mark.torch_oracle
def test_values_and_gradients_equal_torch(run, rng):
    import torch

    x, dy = rng.normal(size=(2, 5, 6, 3)), rng.normal(size=(2, 3))
    given = torch.tensor(x, requires_grad=True)
    theirs = torch.nn.functional.adaptive_avg_pool2d(given.permute(0, 3, 1, 2), 1)[:, :, 0, 0]
    theirs.backward(torch.tensor(dy))
    (y,), dx = run("global_avg_pool2d", (x,), [dy])
    assert_allclose(y, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)
    assert_allclose(dx, given.grad.numpy(), rtol=1e-12, atol=1e-14)
