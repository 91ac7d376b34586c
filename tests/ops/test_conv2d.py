import re

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.testing import assert_allclose

from portnn.backends import device
from portnn.checking import frozen
from portnn.ops import conv2d, conv2d_backward

VARIANTS = {
    "plain": ((3, 2), {}),
    "pixel by pixel": ((1, 1), {}),
    "as large as the picture": ((5, 6), {}),
    "stride": ((2, 2), {"stride": 3}),
    "padding": ((3, 2), {"padding": (1, 2), "stride": (2, 1)}),
    "padding wider than the kernel": ((2, 1), {"padding": 3}),
    "same, odd": ((3, 5), {"padding": "same"}),
    "same, even": ((2, 4), {"padding": "same"}),
    "same, dilated": ((2, 3), {"padding": "same", "dilation": (3, 2)}),
    "dilation": ((2, 3), {"dilation": (3, 1)}),
    "groups": ((3, 2), {"groups": 2, "stride": 2}),
    "a group for each channel": ((3, 3), {"groups": 4, "padding": 1}),
    "everything": ((2, 3), {"groups": 2, "stride": (1, 2), "padding": (2, 1), "dilation": (3, 2)}),
}

each = pytest.mark.parametrize(("kernel", "options"), VARIANTS.values(), ids=VARIANTS)


def draw(rng, kernel, *, groups=1, count=2, **_):
    """Pictures, weight and bias."""
    return rng.normal(size=(count, 5, 6, 4)), rng.normal(size=(*kernel, 4 // groups, 8)), rng.normal(size=8)


def formula(x, weight, bias, *, stride=1, padding=0, dilation=1, groups=1):
    stride, padding, dilation = (2 * (v,) if isinstance(v, int) else v for v in (stride, padding, dilation))
    around = [(k - 1) * d for k, d in zip(weight.shape[:2], dilation, strict=True)]
    margins = [(n // 2, n - n // 2) for n in around] if padding == "same" else [(n, n) for n in padding]
    framed = np.pad(x, ((0, 0), *margins, (0, 0)))
    view = sliding_window_view(framed, [n + 1 for n in around], axis=(1, 2))
    view = view[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
    parts = zip(np.split(view, groups, axis=3), np.split(weight, groups, axis=3), strict=True)
    return np.concatenate([np.einsum("bijckl,klco->bijo", *part) for part in parts], axis=3) + bias


@each
def test_values_equal_the_formula(run, rng, kernel, options):
    arrays = draw(rng, kernel, **options)
    right = formula(*arrays, **options)
    (y,), gradients = run("conv2d", arrays, [rng.normal(size=right.shape)], **options)
    assert y.shape == right.shape
    assert_allclose(y, right, rtol=1e-12, atol=1e-12)
    assert [gradient.shape for gradient in gradients] == [array.shape for array in arrays]


@pytest.mark.parametrize("size", [(2, 1), (5, 6)], ids=str)
def test_same_padding_keeps_the_size(run, rng, size):
    """Even of pictures that are smaller than the kernel."""
    x, weight, bias = rng.normal(size=(2, *size, 3)), rng.normal(size=(4, 3, 3, 2)), rng.normal(size=2)
    (y,), _ = run("conv2d", (x, weight, bias), [np.ones((2, *size, 2))], padding="same")
    assert_allclose(y, formula(x, weight, bias, padding="same"), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("kind", ["", " same", " strided", " in groups"])
def test_gradient_agrees_with_central_differences(check_case, kind):
    check_case(f"conv2d{kind}")


def test_one_by_one_is_linear(run, rng):
    x, weight, bias = draw(rng, (1, 1))
    dy = rng.normal(size=(2, 5, 6, 8))
    (y,), gradients = run("conv2d", (x, weight, bias), [dy])
    (flat,), of_linear = run("linear", (x, weight[0, 0], bias), [dy])
    for ours, its in zip((y, *gradients), (flat, *of_linear), strict=True):
        assert_allclose(ours, its.reshape(ours.shape), rtol=1e-12, atol=1e-13)


def test_the_bias_may_be_left_out(run, rng):
    x, weight, bias = draw(rng, (3, 2))
    dy = rng.normal(size=(2, 3, 5, 8))
    (y,), gradients = run("conv2d", (x, weight), [dy])
    (right,), its = run("conv2d", (x, weight, 0.0 * bias), [dy])
    assert gradients.bias is None
    assert np.array_equal(y, right)
    assert np.array_equal(gradients.x, its.x)
    assert np.array_equal(gradients.weight, its.weight)


@pytest.mark.parametrize("entries", [1, 1200])
@pytest.mark.parametrize("groups", [1, 2])
def test_patches_are_gathered_for_as_many_pictures_as_there_is_room_for(
    backend, place, rng, monkeypatch, entries, groups
):
    """At least one; the patches of one picture have 384 entries."""
    library, gathered = backend.library, []
    host = draw(rng, (2, 3), groups=groups, count=5)

    def results():
        y, cache = conv2d(*map(place, host), groups=groups)
        return [backend.to_host(array) for array in (y, *conv2d_backward(y, cache))]

    def spy(*args, way=library.patches, **named):
        result = way(*args, **named)
        gathered.append(tuple(result.shape))
        return result

    at_once = results()
    monkeypatch.setattr(library, "patches", spy)
    monkeypatch.setattr(library, "patch_entries", entries)
    for ours, its in zip(results(), at_once, strict=True):
        assert_allclose(ours, its, rtol=1e-12, atol=1e-12)
    most = max(1, entries // 384)
    assert sum(shape[0] for shape in gathered) == 2 * 5
    assert len(gathered) == 2 * -(-5 // most)
    assert max(shape[0] for shape in gathered) <= most
    assert {shape[1:] for shape in gathered} == {(4, 4, 24)}


def test_an_empty_batch(run, rng):
    x, weight, bias = draw(rng, (3, 2), count=0)
    (y,), gradients = run("conv2d", (x, weight, bias), [np.zeros((0, 3, 5, 8))])
    assert y.shape == (0, 3, 5, 8)
    assert gradients.x.shape == x.shape
    assert not gradients.weight.any()
    assert not gradients.bias.any()


def test_the_gradient_of_x_may_be_left_out(backend, place, rng):
    y, cache = conv2d(*map(place, draw(rng, (3, 2))))
    full, partial = conv2d_backward(y, cache), conv2d_backward(y, cache, of_x=False)
    assert partial.x is None
    for ours, its in zip(partial[1:], full[1:], strict=True):
        assert np.array_equal(backend.to_host(ours), backend.to_host(its))


@pytest.mark.parametrize("groups", [1, 2])
def test_arguments_are_not_written_into_and_results_stay_on_their_device(backend, place, rng, groups):
    host = draw(rng, (3, 2), groups=groups)
    placed = [place(array) for array in host]
    y, cache = conv2d(*placed, groups=groups)
    before = np.array(backend.to_host(y))
    gradients = conv2d_backward(frozen(y), cache)
    for array, its in zip((*placed, y), (*host, before), strict=True):
        assert np.array_equal(backend.to_host(array), its)
    assert all(backend.device is None or device(array) == backend.device for array in (y, *gradients))


@pytest.mark.parametrize("groups", [1, 2])
def test_float32_stays_float32(rng, backend32, groups):
    arrays = draw(rng, (3, 2), groups=groups)
    y, cache = conv2d(*map(backend32.asarray, arrays), padding=1, groups=groups)
    for array in (y, *conv2d_backward(y, cache)):
        assert backend32.to_host(array).dtype == np.float32
    assert_allclose(backend32.to_host(y), formula(*arrays, padding=1, groups=groups), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("shapes", "options", "message"),
    [
        (((5, 6, 4), (3, 3, 4, 8), (8,)), {}, "x has shape (5, 6, 4), expected 4 dimensions"),
        (((2, 5, 6, 4), (3, 4, 8), (8,)), {}, "weight has shape (3, 4, 8), expected 4 dimensions"),
        (
            ((2, 5, 6, 4), (3, 3, 3, 8), (8,)),
            {},
            "x has shape (2, 5, 6, 4) but the weight expects (..., 3)",
        ),
        (
            ((2, 5, 6, 4), (3, 3, 4, 8), (8,)),
            {"groups": 2},
            "x has shape (2, 5, 6, 4) but the weight expects (..., 8)",
        ),
        (((2, 5, 6, 4), (3, 3, 4, 8), (4,)), {}, "bias has shape (4,) but the weight expects (8,)"),
        (((2, 5, 6, 4), (3, 3, 4, 8), (1, 8)), {}, "bias has shape (1, 8) but the weight expects (8,)"),
        (((2, 5, 6, 4), (3, 3, 2, 7), (7,)), {"groups": 2}, "7 outputs cannot be cut into 2 groups"),
        (((2, 5, 6, 4), (3, 3, 4, 8), (8,)), {"groups": 0}, "8 outputs cannot be cut into 0 groups"),
        (
            ((2, 5, 6, 4), (6, 3, 4, 8), (8,)),
            {},
            "the window spans 6 x 3 pixels, but the pictures have only 5 x 6: x has shape (2, 5, 6, 4)",
        ),
        (
            ((2, 5, 6, 4), (2, 3, 4, 8), (8,)),
            {"dilation": 5, "padding": (1, 2)},
            "the window spans 6 x 11 pixels, but the pictures have only 7 x 10 with their padding: "
            "x has shape (2, 5, 6, 4)",
        ),
        (((2, 5, 6, 4), (0, 3, 4, 8), (8,)), {}, "kernel must be at least 1, got (0, 3)"),
        (((2, 5, 6, 4), (3, 3, 4, 8), (8,)), {"stride": 0}, "stride must be at least 1, got 0"),
        (((2, 5, 6, 4), (3, 3, 4, 8), (8,)), {"dilation": (1, 0)}, "dilation must be at least 1, got (1, 0)"),
        (((2, 5, 6, 4), (3, 3, 4, 8), (8,)), {"padding": -1}, "padding must be at least 0, got -1"),
        (
            ((2, 5, 6, 4), (3, 3, 4, 8), (8,)),
            {"padding": "valid"},
            "padding must be \"same\" or a number of pixels, got 'valid'",
        ),
        (
            ((2, 5, 6, 4), (3, 3, 4, 8), (8,)),
            {"padding": "same", "stride": (2, 1)},
            'padding "same" needs a stride of 1, got (2, 1)',
        ),
    ],
)
def test_what_does_not_fit_is_named(place, shapes, options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(f'conv2d: {message}')}$"):
        conv2d(*(place(np.ones(shape)) for shape in shapes), **options)


@pytest.mark.torch_oracle
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@each
def test_values_and_gradients_equal_torch(run, rng, kernel, options):
    import torch

    arrays = draw(rng, kernel, **options)
    x, weight, bias = (torch.tensor(array, requires_grad=True) for array in arrays)
    theirs = torch.nn.functional.conv2d(x.permute(0, 3, 1, 2), weight.permute(3, 2, 0, 1), bias, **options)
    theirs = theirs.permute(0, 2, 3, 1)
    dy = rng.normal(size=theirs.shape)
    theirs.backward(torch.tensor(dy))
    (y,), gradients = run("conv2d", arrays, [dy], **options)
    assert_allclose(y, theirs.detach().numpy(), rtol=1e-12, atol=1e-12)
    for ours, expected in zip(gradients, (x, weight, bias), strict=True):
        assert_allclose(ours, expected.grad.numpy(), rtol=1e-12, atol=1e-12)
