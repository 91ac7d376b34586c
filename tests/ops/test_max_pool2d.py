import re

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.testing import assert_allclose

from portnn.backends import device
from portnn.checking import frozen
from portnn.ops import IMAGE_POOLINGS, max_pool2d, max_pool2d_backward

VARIANTS = {
    "side by side": {"kernel": 2},
    "one pixel": {"kernel": 1},
    "overlapping": {"kernel": (3, 2), "stride": (2, 1)},
    "with gaps": {"kernel": (1, 2), "stride": 3},
    "padded": {"kernel": 3, "stride": 2, "padding": 1},
    "dilated": {"kernel": (2, 3), "stride": 1, "padding": 1, "dilation": (3, 2)},
}

each = pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)


@pytest.fixture
def x(rng):
    """Behind relu and rounded: many windows see their largest value more than once."""
    return np.maximum(np.round(rng.normal(size=(2, 5, 6, 3)) * 2.0), 0.0)


def formula(x, kernel, *, stride=None, padding=0, dilation=1):
    values = (kernel, kernel if stride is None else stride, padding, dilation)
    kernel, stride, padding, dilation = (2 * (v,) if isinstance(v, int) else v for v in values)
    framed = np.pad(x, ((0, 0), *((n, n) for n in padding), (0, 0)), constant_values=-np.inf)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    view = sliding_window_view(framed, spans, axis=(1, 2))
    return view[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]].max(axis=(-2, -1))


@each
def test_values_equal_the_formula(run, rng, x, options):
    for pictures in (x, rng.normal(size=x.shape) - 3.0):  # padding is never the largest, all values below zero or not
        right = formula(pictures, **options)
        (y,), dx = run("max_pool2d", (pictures,), [rng.normal(size=right.shape)], **options)
        assert np.array_equal(y, right)
        assert dx.shape == x.shape


@pytest.mark.parametrize("kind", ["", " overlapping"])
def test_gradient_agrees_with_central_differences(check_case, kind):
    check_case(f"max_pool2d{kind}")


def test_of_equal_values_the_first_takes_the_gradient(run):
    x = np.asarray([[0.0, 0.0, 1.0, 2.0], [0.0, 0.0, 2.0, 2.0], [3.0, 4.0, 0.0, 5.0], [4.0, 4.0, 5.0, 0.0]])
    dy = np.asarray([[2.0, 3.0], [5.0, 7.0]])
    (y,), dx = run("max_pool2d", (x[None, :, :, None],), [dy[None, :, :, None]], kernel=2)
    assert y[0, :, :, 0].tolist() == [[0, 2], [4, 5]]
    assert dx[0, :, :, 0].tolist() == [[2, 0, 0, 3], [0, 0, 0, 0], [0, 5, 0, 7], [0, 0, 0, 0]]


@each
def test_no_gradient_gets_lost_or_doubled(run, rng, x, options):
    """Sums of whole numbers, exactly, channel by channel."""
    dy = rng.integers(-9, 9, formula(x, **options).shape).astype(np.float64)
    _, dx = run("max_pool2d", (x,), [dy], **options)
    assert np.array_equal(dx.sum(axis=(1, 2)), dy.sum(axis=(1, 2)))


@pytest.mark.parametrize("name", [name for name, pooling in IMAGE_POOLINGS.items() if pooling.keeps_order])
def test_relu_may_come_before_or_after(run, rng, name):
    op = IMAGE_POOLINGS[name].forward.__name__
    x, dy = rng.normal(size=(2, 5, 6, 3)) - 0.5, rng.normal(size=(2, 2, 3, 3))
    (inner,), _ = run("relu", (x,), [x])
    (before,), dinner = run(op, (inner,), [dy], kernel=2)
    _, dbefore = run("relu", (x,), [dinner])
    (pooled,), _ = run(op, (x,), [dy], kernel=2)
    (after,), dpooled = run("relu", (pooled,), [dy])
    _, dafter = run(op, (x,), [dpooled], kernel=2)
    assert np.array_equal(before, after)
    assert np.array_equal(dbefore, dafter)
    assert (before == 0.0).any()  # or nothing would have been asked


def test_an_empty_batch(run):
    (y,), dx = run("max_pool2d", (np.zeros((0, 5, 6, 3)),), [np.zeros((0, 2, 3, 3))], kernel=2)
    assert y.shape == (0, 2, 3, 3)
    assert dx.shape == (0, 5, 6, 3)


@pytest.mark.parametrize("kind", ["side by side", "overlapping"])
def test_arguments_are_not_written_into_and_results_stay_on_their_device(backend, place, x, kind):
    placed = place(x)
    y, cache = max_pool2d(placed, **VARIANTS[kind])
    before = np.array(backend.to_host(y))
    dx = max_pool2d_backward(frozen(y), cache)
    assert np.array_equal(backend.to_host(placed), x)
    assert np.array_equal(backend.to_host(y), before)
    assert all(backend.device is None or device(array) == backend.device for array in (y, dx))


@pytest.mark.parametrize("padding", [0, 1])
def test_float32_stays_float32(x, backend32, padding):
    y, cache = max_pool2d(backend32.asarray(x), 2, padding=padding)
    for array in (y, max_pool2d_backward(y, cache)):
        assert backend32.to_host(array).dtype == np.float32
    assert np.array_equal(backend32.to_host(y), formula(x, 2, padding=padding))


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((5, 6, 3), {"kernel": 2}, "x has shape (5, 6, 3), expected 4 dimensions"),
        (
            (2, 5, 6, 3),
            {"kernel": (6, 2)},
            "the window spans 6 x 2 pixels, but the pictures have only 5 x 6: x has shape (2, 5, 6, 3)",
        ),
        (
            (2, 0, 6, 3),
            {"kernel": (3, 2), "padding": 1},
            "the window spans 3 x 2 pixels, but the pictures have only 2 x 8 with their padding: "
            "x has shape (2, 0, 6, 3)",
        ),
        ((2, 5, 6, 3), {"kernel": 0}, "kernel must be at least 1, got 0"),
        ((2, 5, 6, 3), {"kernel": 2, "stride": (0, 1)}, "stride must be at least 1, got (0, 1)"),
        ((2, 5, 6, 3), {"kernel": 2, "padding": (0, -1)}, "padding must be at least 0, got (0, -1)"),
        ((2, 5, 6, 3), {"kernel": 2, "dilation": 0}, "dilation must be at least 1, got 0"),
        ((2, 5, 6, 3), {"kernel": None}, "kernel must be a whole number or a tuple of two, got None"),
        ((2, 5, 6, 3), {"kernel": 2.0}, "kernel must be a whole number or a tuple of two, got 2.0"),
        ((2, 5, 6, 3), {"kernel": (2, 2, 2)}, "kernel must be a whole number or a tuple of two, got (2, 2, 2)"),
        (
            (2, 5, 6, 3),
            {"kernel": (4, 2), "padding": 2},
            "padding must be at most half of the kernel, or a window would see nothing else: "
            "got 2 for a kernel of 4 x 2",
        ),
    ],
)
def test_what_does_not_fit_is_named(place, shape, options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(f'max_pool2d: {message}')}$"):
        max_pool2d(place(np.ones(shape)), **options)


@pytest.mark.torch_oracle
@each
def test_values_and_gradients_equal_torch(run, rng, x, options):
    """Ties included."""
    import torch

    for pictures in (x, rng.normal(size=x.shape)):
        given = torch.tensor(pictures, requires_grad=True)
        named = {"kernel_size" if name == "kernel" else name: value for name, value in options.items()}
        theirs = torch.nn.functional.max_pool2d(given.permute(0, 3, 1, 2).contiguous(), **named).permute(0, 2, 3, 1)
        dy = rng.normal(size=theirs.shape)
        theirs.backward(torch.tensor(dy))
        (y,), dx = run("max_pool2d", (pictures,), [dy], **options)
        assert np.array_equal(y, theirs.detach().numpy())
        assert_allclose(dx, given.grad.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kernel", [(2, 1), [2, 1], (np.int64(2), np.asarray(1))], ids=["tuple", "list", "NumPy"])
def test_a_size_may_be_written_in_several_ways(place, backend, rng, kernel):
    x = rng.normal(size=(1, 4, 4, 2))
    y, _ = max_pool2d(place(x), kernel, stride=kernel, padding=np.int64(0))
    assert np.array_equal(backend.to_host(y), x.reshape(1, 2, 2, 4, 2).max(axis=2))
