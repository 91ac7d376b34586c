"""Each process of a machine takes a GPU of its own, unless it is told which."""

from __future__ import annotations

import pytest

import portnn
from portnn.backends.libraries import LIBRARIES
from portnn.backends.libraries.numpy import NumPy
from portnn.backends.own_gpu import own_gpu

pytestmark = pytest.mark.host

CUDA = ("cuda:0 (NVIDIA H100 80GB HBM3)", "cuda:1 (NVIDIA H100 80GB HBM3)")
INTEL = ("opencl:cpu:0 (Xeon)", "level_zero:gpu:0 (Max)", "level_zero:gpu:1 (Max)", "opencl:gpu:0 (Max)")


@pytest.mark.parametrize(
    ("default", "names", "wanted", "right"),
    [
        # CuPy
        ("cuda", CUDA, None, ("cuda:0", "cuda:1", "cuda:0")),
        ("cuda", CUDA, "cuda", ("cuda:0", "cuda:1", "cuda:0")),
        ("cuda", CUDA, "cuda:0", ("cuda:0",) * 3),
        ("cuda", CUDA, 1, (1,) * 3),
        ("cuda", CUDA[:1], None, ("cuda:0",) * 3),
        # PyTorch, whose default is the CPU
        ("cpu", ("cpu", *CUDA), None, (None,) * 3),
        ("cpu", ("cpu", *CUDA), "cuda", ("cuda:0", "cuda:1", "cuda:0")),
        ("cpu", ("cpu", *CUDA), "cpu", ("cpu",) * 3),
        ("cpu", ("cpu", "mps"), "mps", ("mps",) * 3),
        ("cpu", ("cpu",), "cuda", ("cuda",) * 3),  # which PyTorch then refuses
        # JAX
        ("gpu:0", ("gpu:0", "gpu:1"), None, ("gpu:0", "gpu:1", "gpu:0")),
        ("gpu:0", ("gpu:0", "gpu:1"), "cuda", ("gpu:0", "gpu:1", "gpu:0")),
        ("gpu:0", ("gpu:0", "gpu:1"), "gpu:1", ("gpu:1",) * 3),
        ("cpu:0", ("cpu:0", "cpu:1"), None, (None,) * 3),
        # dpnp, which has the same GPU by two drivers
        ("level_zero:gpu:0", INTEL, None, ("level_zero:gpu:0", "level_zero:gpu:1", "level_zero:gpu:0")),
        ("level_zero:gpu:0", INTEL, "gpu", ("level_zero:gpu:0", "level_zero:gpu:1", "level_zero:gpu:0")),
        ("level_zero:gpu:0", INTEL, "opencl:cpu:0", ("opencl:cpu:0",) * 3),
        ("opencl:cpu:0", INTEL[:1], None, (None,) * 3),
        # MLX, of which there is one
        ("gpu", ("cpu", "gpu"), None, ("gpu",) * 3),
    ],
)
def test_what_a_process_takes(default, names, wanted, right):
    assert tuple(own_gpu(wanted, default, names, place) for place in range(3)) == right


class Two(NumPy):
    """A library that has two GPUs."""

    name = "two"

    def devices(self, *, xp):
        return ["gpu:0 (the first)", "gpu:1 (the second)"]

    def device_name(self, device):
        return device or "gpu:0"

    def device(self, spec, *, xp):
        return spec

    def dtypes(self, device, *, xp):
        return ["float32", "float64"]


@pytest.mark.parametrize(
    ("place", "device", "right"),
    [(None, None, None), ("0", None, None), ("1", None, "gpu:1"), ("2", None, "gpu:0"), ("1", "gpu:0", "gpu:0")],
)
def test_a_backend_is_on_it(monkeypatch, place, device, right):
    two = Two()
    monkeypatch.setitem(LIBRARIES, "two", two)
    monkeypatch.setattr(two, "from_host", lambda array, dtype, device, xp: array.astype(dtype))
    monkeypatch.setattr("portnn.backends.choosing.array_library", lambda array: two)
    if place is not None:
        for variable, value in {"PMI_RANK": "5", "PMI_SIZE": "9", "MPI_LOCALRANKID": place}.items():
            monkeypatch.setenv(variable, value)
    assert portnn.backend("two", device=device).device == right
