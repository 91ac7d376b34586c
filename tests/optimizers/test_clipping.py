"""Clipping against PyTorch, closed forms and extreme values."""

import array_api_compat
import numpy as np
import pytest

from portnn.optimizers.clipping import clip_by_global_norm, clip_by_value, global_norm

SHAPES = {"weight": (7, 5), "bias": (5,), "gates": (4, 3, 2)}


def gradients(backend, scale=1.0):
    rng = np.random.default_rng(3)
    host = {name: scale * rng.standard_normal(shape) for name, shape in SHAPES.items()}
    arrays = {name: backend.asarray(array) for name, array in host.items()}
    for array in arrays.values():
        if isinstance(array, np.ndarray):
            array.setflags(write=False)
    return host, arrays


@pytest.mark.torch_oracle
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("max_norm", [0.5, 5.0, 1e3, float("inf")])
def test_global_norm_clips_like_torch(max_norm, scale, backend):
    import torch

    host, grads = gradients(backend, scale)
    clipped, norm = clip_by_global_norm(grads, max_norm, xp=backend.xp)
    tensors = [torch.zeros(shape, dtype=torch.float64) for shape in SHAPES.values()]
    for tensor, grad in zip(tensors, host.values(), strict=True):
        tensor.grad = torch.tensor(grad)
    expected = torch.nn.utils.clip_grad_norm_(tensors, max_norm)
    np.testing.assert_allclose(backend.to_host(norm), expected.numpy(), rtol=1e-12)
    assert list(clipped) == list(grads)
    for tensor, array in zip(tensors, clipped.values(), strict=True):
        np.testing.assert_allclose(backend.to_host(array), tensor.grad.numpy(), rtol=1e-12)


@pytest.mark.torch_oracle
@pytest.mark.parametrize("limit", [0.1, 1.0, 100.0])
def test_value_clips_like_torch(limit, backend):
    import torch

    host, grads = gradients(backend)
    clipped = clip_by_value(grads, limit, xp=backend.xp)
    for name, grad in host.items():
        tensor = torch.zeros(SHAPES[name], dtype=torch.float64)
        tensor.grad = torch.tensor(grad)
        torch.nn.utils.clip_grad_value_([tensor], limit)
        assert np.array_equal(backend.to_host(clipped[name]), tensor.grad.numpy())


def test_a_small_gradient_is_not_touched(backend):
    host, grads = gradients(backend)
    clipped, norm = clip_by_global_norm(grads, 1e3, xp=backend.xp)
    length = np.sqrt(sum(np.sum(np.square(grad)) for grad in host.values()))
    np.testing.assert_allclose(backend.to_host(norm), length, rtol=1e-12)
    for name, grad in host.items():
        assert np.array_equal(backend.to_host(clipped[name]), grad)


def test_a_gradient_of_zero_stays_zero(backend):
    clipped, norm = clip_by_global_norm({"w": backend.asarray(np.zeros(3))}, 1.0, xp=backend.xp)
    assert float(backend.to_host(norm)) == 0.0
    assert np.array_equal(backend.to_host(clipped["w"]), np.zeros(3))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_stays_visible(bad, backend):
    grads = {"w": backend.asarray(np.asarray([1.0, bad])), "b": backend.asarray(np.ones(2))}
    with np.errstate(invalid="ignore"):
        clipped, norm = clip_by_global_norm(grads, 1.0, xp=backend.xp)
    assert not np.isfinite(backend.to_host(norm))
    assert not all(np.all(np.isfinite(backend.to_host(array))) for array in clipped.values())


def test_float32_stays_float32(backend):
    xp = backend.xp
    # 300 thousand equal entries: a running sum in float32 would lose digits that a sum of parts keeps.
    grads = {
        "w": xp.astype(backend.asarray(np.full((300, 1000), 0.1)), xp.float32),
        "b": xp.astype(backend.asarray(np.full(10, 0.1)), xp.float32),
    }
    clipped, norm = clip_by_global_norm(grads, 1.0, xp=xp)
    assert norm.dtype == xp.float32
    assert all(array.dtype == xp.float32 for array in clipped.values())
    assert all(array.dtype == xp.float32 for array in clip_by_value(grads, 0.01, xp=xp).values())
    np.testing.assert_allclose(backend.to_host(norm), 0.1 * np.sqrt(300_010), rtol=1e-4)


def test_arguments_are_left_alone(backend):
    host, grads = gradients(backend)
    clip_by_global_norm(grads, 0.1, xp=backend.xp)
    clip_by_value(grads, 0.1, xp=backend.xp)
    for name, grad in host.items():
        assert np.array_equal(backend.to_host(grads[name]), grad)


def test_compiles_where_the_library_can(backend):
    xp = backend.xp
    _, grads = gradients(backend)

    def clip(grads):
        return (
            clip_by_global_norm(grads, 0.5, xp=xp)[0],
            clip_by_value(grads, 0.5, xp=xp),
            global_norm(grads, xp=xp),
        )

    compiled = clip
    if array_api_compat.is_jax_namespace(xp):
        import jax

        compiled = jax.jit(clip)
    by_norm, by_value, norm = compiled(grads)
    np.testing.assert_allclose(backend.to_host(norm), backend.to_host(clip(grads)[2]), rtol=1e-12)
    for clipped, eager in ((by_norm, clip(grads)[0]), (by_value, clip(grads)[1])):
        for name in SHAPES:
            np.testing.assert_allclose(backend.to_host(clipped[name]), backend.to_host(eager[name]), rtol=1e-12)


@pytest.mark.host
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_limits_out_of_range(value):
    grads = {"w": np.ones(2)}
    with pytest.raises(ValueError, match="clip_by_global_norm: max_norm must be a positive number, got"):
        clip_by_global_norm(grads, value, xp=np)
    with pytest.raises(ValueError, match="clip_by_value: limit must be a positive number, got"):
        clip_by_value(grads, value, xp=np)


@pytest.mark.host
def test_no_gradients():
    with pytest.raises(ValueError, match="global_norm: there are no gradients"):
        global_norm({}, xp=np)
