import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import device
from portnn.checking import frozen
from portnn.ops import ChannelStatistics, batch_norm, batch_norm_backward

SHAPES = [(2, 5, 6, 4), (7, 4), (3, 2, 4)]


def draw(rng, shape=SHAPES[0]):
    """Pictures, scale and shift, statistics."""
    x, (scale, shift, mean) = rng.normal(size=shape) * 2.0 + 1.0, rng.normal(size=(3, shape[-1]))
    return (x, scale, shift), ChannelStatistics(mean, rng.random(shape[-1]) + 0.5)


def formula(x, scale, shift, statistics=None, epsilon=1e-5):
    axes = tuple(range(x.ndim - 1))
    mean, var = (x.mean(axis=axes), x.var(axis=axes)) if statistics is None else statistics
    return scale * (x - mean) / np.sqrt(var + epsilon) + shift, mean, var


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("epsilon", [1e-5, 0.25])
def test_values_equal_the_formula(run, rng, shape, given, epsilon):
    arrays, statistics = draw(rng, shape)
    arrays = (*arrays, statistics) if given else arrays
    (y, used), gradients = run("batch_norm", arrays, [rng.normal(size=shape)], epsilon=epsilon)
    right = formula(*arrays, epsilon=epsilon)
    assert y.shape == shape
    for ours, its in zip((y, *used), right, strict=True):
        assert_allclose(ours, its, rtol=1e-12, atol=1e-12)
    assert [gradient.shape for gradient in gradients] == [array.shape for array in arrays[:3]]


@pytest.mark.parametrize("kind", ["", " given"])
def test_gradient_agrees_with_central_differences(check_case, kind):
    check_case(f"batch_norm{kind}")


def test_training_gives_each_channel_its_mean_and_deviation_and_evaluation_with_them_the_same(run, rng):
    (x, scale, shift), _ = draw(rng)
    dy = rng.normal(size=x.shape)
    (y, statistics), gradients = run("batch_norm", (x, scale, shift), [dy], epsilon=0.0)
    assert_allclose(y.mean(axis=(0, 1, 2)), shift, rtol=1e-12, atol=1e-13)
    assert_allclose(y.std(axis=(0, 1, 2)), np.abs(scale), rtol=1e-12)
    (again, _), of_evaluation = run("batch_norm", (x, scale, shift, statistics), [dy], epsilon=0.0)
    assert_allclose(again, y, rtol=1e-12, atol=1e-13)
    assert_allclose(of_evaluation.scale, gradients.scale, rtol=1e-12, atol=1e-13)
    assert not np.allclose(of_evaluation.x, gradients.x)  # statistics that are given do not depend on x


def test_a_constant_added_to_x_changes_nothing_but_the_mean(run, rng):
    """A variance of squares less the square of the mean would lose six digits here."""
    (x, scale, shift), _ = draw(rng)
    dy = rng.normal(size=x.shape)
    (y, (mean, var)), gradients = run("batch_norm", (x, scale, shift), [dy])
    (far, (far_mean, far_var)), far_gradients = run("batch_norm", (x + 1e5, scale, shift), [dy])
    assert_allclose(far_mean, mean + 1e5, rtol=1e-12)
    for ours, its in zip((far, far_var, *far_gradients), (y, var, *gradients), strict=True):
        assert_allclose(ours, its, rtol=1e-8, atol=1e-8)


def test_a_channel_that_is_constant_stays_finite(run, rng):
    (x, scale, shift), _ = draw(rng)
    x[..., 1] = 0.5
    (y, statistics), gradients = run("batch_norm", (x, scale, shift), [rng.normal(size=x.shape)])
    assert_allclose(y[..., 1], shift[1], rtol=1e-9)
    assert abs(statistics.var[1]) < 1e-30
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_given_statistics_do_for_an_empty_batch(run, rng):
    (x, scale, shift), statistics = draw(rng)
    (y, _), gradients = run("batch_norm", (x[:0], scale, shift, statistics), [x[:0]])
    assert y.shape == gradients.x.shape == (0, *x.shape[1:])
    assert not gradients.scale.any()
    assert not gradients.shift.any()


@pytest.mark.parametrize("given", [False, True])
def test_arguments_are_not_written_into_and_results_stay_on_their_device(backend, place, rng, given):
    arrays, statistics = draw(rng)
    host = (*arrays, *statistics) if given else arrays
    placed = [place(array) for array in host]
    y, used, cache = batch_norm(*placed[:3], ChannelStatistics(*placed[3:]) if given else None)
    before = np.array(backend.to_host(y))
    gradients = batch_norm_backward(frozen(y), cache)
    for array, its in zip((*placed, y), (*host, before), strict=True):
        assert np.array_equal(backend.to_host(array), its)
    assert all(backend.device is None or device(array) == backend.device for array in (y, *used, *gradients))


@pytest.mark.parametrize("given", [False, True])
def test_float32_stays_float32(rng, backend32, given):
    host, statistics = draw(rng)
    arrays, placed = map(backend32.asarray, host), ChannelStatistics(*map(backend32.asarray, statistics))
    y, used, cache = batch_norm(*arrays, placed if given else None)
    for array in (y, *used, *batch_norm_backward(y, cache)):
        assert backend32.to_host(array).dtype == np.float32
    right, *_ = formula(*host, statistics if given else None)
    assert_allclose(backend32.to_host(y), right, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["scale", "shift", "mean", "var"])
@pytest.mark.parametrize("shape", [(3,), (1, 4), ()], ids=str)
def test_shapes_that_do_not_fit_are_named(place, name, shape):
    arrays = {each: place(np.ones(4)) for each in ("scale", "shift", "mean", "var")} | {name: place(np.ones(shape))}
    statistics = ChannelStatistics(arrays["mean"], arrays["var"])
    message = f"batch_norm: {name} has shape {shape} but x expects (4,)"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        batch_norm(place(np.ones(SHAPES[0])), arrays["scale"], arrays["shift"], statistics)


def test_no_pictures_have_no_statistics_but_can_be_given_some(place, rng):
    (_, scale, shift), statistics = draw(rng)
    arrays = [place(array) for array in (np.ones((0, 5, 6, 4)), scale, shift)]
    with pytest.raises(ValueError, match=r"^batch_norm: x has shape \(0, 5, 6, 4\), so there is nothing to average"):
        batch_norm(*arrays)
    y, _, cache = batch_norm(*arrays, ChannelStatistics(*map(place, statistics)))
    assert tuple(y.shape) == tuple(batch_norm_backward(y, cache).x.shape) == (0, 5, 6, 4)


@pytest.mark.torch_oracle
@pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[1]], ids=str)
@pytest.mark.parametrize("given", [False, True])
def test_values_and_gradients_equal_torch(run, rng, shape, given):
    import torch

    arrays, statistics = draw(rng, shape)
    x, scale, shift = (torch.tensor(array, requires_grad=True) for array in arrays)
    running = map(torch.tensor, statistics) if given else (None, None)
    theirs = torch.nn.functional.batch_norm(x.movedim(-1, 1), *running, scale, shift, training=not given, eps=1e-3)
    theirs = theirs.movedim(1, -1)
    dy = rng.normal(size=shape)
    theirs.backward(torch.tensor(dy))
    (y, _), gradients = run("batch_norm", (*arrays, statistics) if given else arrays, [dy], epsilon=1e-3)
    assert_allclose(y, theirs.detach().numpy(), rtol=1e-12, atol=1e-12)
    for ours, expected in zip(gradients, (x, scale, shift), strict=True):
        assert_allclose(ours, expected.grad.numpy(), rtol=1e-12, atol=1e-12)
