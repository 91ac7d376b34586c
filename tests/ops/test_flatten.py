import numpy as np
import pytest

from portnn.backends import device
from portnn.ops import flatten, flatten_backward


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3), (2,), (0, 3, 4, 5)], ids=str)
def test_pictures_become_rows_and_rows_pictures_again(run, rng, shape):
    x = rng.normal(size=shape)
    dy = rng.normal(size=(shape[0], int(np.prod(shape[1:]))))
    (y,), dx = run("flatten", (x,), [dy])
    assert np.array_equal(y, x.reshape(dy.shape))
    assert np.array_equal(dx, dy.reshape(shape))


def test_the_last_axis_runs_fastest(run):
    (y,), _ = run("flatten", (np.arange(24.0).reshape(2, 2, 2, 3),), [np.ones((2, 12))])
    assert y.tolist() == [list(range(12)), list(range(12, 24))]


def test_gradient_agrees_with_central_differences(check_case):
    check_case("flatten")


def test_pictures_need_not_be_contiguous(backend, place, rng):
    x = rng.normal(size=(4, 3, 2, 5))
    y, _ = flatten(backend.xp.permute_dims(place(x), (3, 1, 2, 0)))
    assert np.array_equal(backend.to_host(y), x.transpose(3, 1, 2, 0).reshape(5, 24))


def test_results_stay_on_the_device_of_the_arrays(backend, place, rng):
    y, cache = flatten(place(rng.normal(size=(2, 3, 4, 5))))
    for array in (y, flatten_backward(y, cache)):
        assert backend.device is None or device(array) == backend.device


def test_float32_stays_float32(rng, backend32):
    y, cache = flatten(backend32.asarray(rng.normal(size=(2, 3, 4, 5))))
    for array in (y, flatten_backward(y, cache)):
        assert backend32.to_host(array).dtype == np.float32


@pytest.mark.torch_oracle
def test_values_and_gradients_equal_torch(run, rng):
    import torch

    x, dy = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 60))
    given = torch.tensor(x, requires_grad=True)
    theirs = torch.flatten(given, 1)
    theirs.backward(torch.tensor(dy))
    (y,), dx = run("flatten", (x,), [dy])
    assert np.array_equal(y, theirs.detach().numpy())
    assert np.array_equal(dx, given.grad.numpy())
