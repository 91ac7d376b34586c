import re

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.testing import assert_allclose

from portnn.backends import device
from portnn.checking import frozen
from portnn.ops import avg_pool2d, avg_pool2d_backward

VARIANTS = {
    "side by side": {"kernel": 2},
    "one pixel": {"kernel": 1},
    "overlapping": {"kernel": (3, 2), "stride": (2, 1)},
    "with gaps": {"kernel": (1, 2), "stride": 3},
    "padded": {"kernel": (3, 4), "stride": 2, "padding": (1, 2)},
}

each = pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)


@pytest.fixture
def x(rng):
    return rng.normal(size=(2, 5, 6, 3))


def formula(x, kernel, *, stride=None, padding=0):
    values = (kernel, kernel if stride is None else stride, padding)
    kernel, stride, padding = (2 * (v,) if isinstance(v, int) else v for v in values)
    framed = np.pad(x, ((0, 0), *((n, n) for n in padding), (0, 0)))
    return sliding_window_view(framed, kernel, axis=(1, 2))[:, :: stride[0], :: stride[1]].mean(axis=(-2, -1))


@each
def test_values_equal_the_formula(run, rng, x, options):
    right = formula(x, **options)
    (y,), dx = run("avg_pool2d", (x,), [rng.normal(size=right.shape)], **options)
    assert y.shape == right.shape
    assert dx.shape == x.shape
    assert_allclose(y, right, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", ["", " overlapping"])
def test_gradient_agrees_with_central_differences(check_case, kind):
    check_case(f"avg_pool2d{kind}")


def test_zeros_of_the_padding_count(run):
    (y,), dx = run("avg_pool2d", (np.full((1, 2, 2, 1), 4.0),), [np.full((1, 2, 2, 1), 4.0)], kernel=2, padding=1)
    assert y.ravel().tolist() == dx.ravel().tolist() == [1.0] * 4


def test_over_the_whole_picture_it_is_global_average_pooling(run, rng, x):
    dy = rng.normal(size=(2, 3))
    (y,), dx = run("avg_pool2d", (x,), [dy[:, None, None, :]], kernel=(5, 6))
    (right,), its = run("global_avg_pool2d", (x,), [dy])
    assert_allclose(y[:, 0, 0, :], right, rtol=1e-12, atol=1e-14)
    assert_allclose(dx, its, rtol=1e-12, atol=1e-14)


def test_an_empty_batch(run):
    (y,), dx = run("avg_pool2d", (np.zeros((0, 5, 6, 3)),), [np.zeros((0, 2, 3, 3))], kernel=2)
    assert y.shape == (0, 2, 3, 3)
    assert dx.shape == (0, 5, 6, 3)


@pytest.mark.parametrize("kind", ["side by side", "overlapping"])
def test_arguments_are_not_written_into_and_results_stay_on_their_device(backend, place, x, kind):
    placed = place(x)
    y, cache = avg_pool2d(placed, **VARIANTS[kind])
    before = np.array(backend.to_host(y))
    dx = avg_pool2d_backward(frozen(y), cache)
    assert np.array_equal(backend.to_host(placed), x)
    assert np.array_equal(backend.to_host(y), before)
    assert all(backend.device is None or device(array) == backend.device for array in (y, dx))


@pytest.mark.parametrize("padding", [0, 1])
def test_float32_stays_float32(x, backend32, padding):
    y, cache = avg_pool2d(backend32.asarray(x), 2, padding=padding)
    for array in (y, avg_pool2d_backward(y, cache)):
        assert backend32.to_host(array).dtype == np.float32
    assert_allclose(backend32.to_host(y), formula(x, 2, padding=padding), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((2, 6, 3), {"kernel": 2}, "x has shape (2, 6, 3), expected 4 dimensions"),
        (
            (2, 5, 6, 3),
            {"kernel": 9, "padding": (1, 2)},
            "the window spans 9 x 9 pixels, but the pictures have only 7 x 10 with their padding: "
            "x has shape (2, 5, 6, 3)",
        ),
        ((2, 5, 6, 3), {"kernel": (1, 0)}, "kernel must be at least 1, got (1, 0)"),
        ((2, 5, 6, 3), {"kernel": 2, "stride": 0}, "stride must be at least 1, got 0"),
        ((2, 5, 6, 3), {"kernel": 2, "padding": -2}, "padding must be at least 0, got -2"),
        ((2, 5, 6, 3), {"kernel": 2, "stride": "2"}, "stride must be a whole number or a tuple of two, got '2'"),
    ],
)
def test_what_does_not_fit_is_named(place, shape, options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(f'avg_pool2d: {message}')}$"):
        avg_pool2d(place(np.ones(shape)), **options)


@pytest.mark.torch_oracle
@each
def test_values_and_gradients_equal_torch(run, rng, x, options):
    import torch

    given = torch.tensor(x, requires_grad=True)
    named = {"kernel_size" if name == "kernel" else name: value for name, value in options.items()}
    theirs = torch.nn.functional.avg_pool2d(given.permute(0, 3, 1, 2), **named).permute(0, 2, 3, 1)
    dy = rng.normal(size=theirs.shape)
    theirs.backward(torch.tensor(dy))
    (y,), dx = run("avg_pool2d", (x,), [dy], **options)
    assert_allclose(y, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)
    assert_allclose(dx, given.grad.numpy(), rtol=1e-12, atol=1e-14)
