"""Choosing a backend by name, and moving arrays to it and back."""

import copy
import importlib
import importlib.machinery
import importlib.util
import os
import pickle
import re
import sys
import types

import numpy as np
import pytest

import portnn
from portnn.backends import Backend, MissingBackendError, libraries
from portnn.backends.choosing import DTYPES
from portnn.backends.libraries import LIBRARIES, array_library, library_of
from portnn.backends.libraries.cupy import CuPy
from portnn.backends.libraries.dpnp import DPNP
from portnn.backends.libraries.library import Library

OTHERS = [name for name, library in LIBRARIES.items() if not library.on_host]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_backend_is_known_by_its_name(backend, dtype):
    found = portnn.backend(backend.name, device=backend.device, dtype=dtype)
    assert (found.name, found.xp, found.device, found.dtype) == (backend.name, backend.xp, backend.device, dtype)


def test_float32_is_what_comes_without_asking():
    assert portnn.backend("numpy").dtype == "float32"


def test_floats_get_the_dtype_of_the_backend(backend, backend32):
    for chosen in (backend, backend32):
        for host in (1.5, [1.0, 2.0], np.ones(2, dtype=np.float16), np.ones((2, 3), dtype=np.float64)):
            assert chosen.asarray(host).dtype == getattr(chosen.xp, chosen.dtype)


def test_integers_get_the_default_integer_dtype_of_the_library(backend):
    for host in (3, [1, 2], np.ones(2, dtype=np.uint8), np.ones((2, 3), dtype=np.int32)):
        assert backend.asarray(host).dtype == backend.integer_dtype


def test_arrays_go_to_the_device_of_the_backend(backend, rng):
    array = backend.asarray(rng.normal(size=(2, 3)))
    found = portnn.backend_of(x=array)
    assert found.device == backend.device or backend.device is None


@pytest.mark.parametrize("host", [[True, False], "text", [1j], None], ids=str)
def test_what_is_neither_float_nor_integer_is_refused(backend, host):
    with pytest.raises(TypeError, match=r"^cannot move an array of dtype \S+, expected floats or integers$"):
        backend.asarray(host)


@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3, 4)], ids=str)
def test_there_and_back_changes_nothing(backend, rng, shape):
    whole = str(backend.integer_dtype).rpartition(".")[2]
    for host in (np.asarray(rng.normal(size=shape)), np.asarray(rng.integers(-9, 9, shape), dtype=whole)):
        back = backend.to_host(backend.asarray(host))
        assert type(back) is np.ndarray
        assert back.dtype == host.dtype
        assert np.array_equal(back, host)


def test_any_memory_layout_can_be_moved(backend, rng):
    host = rng.normal(size=(4, 6))
    read_only = host.copy()
    read_only.flags.writeable = False
    for view in (host.T, host[::2, ::3], host[::-1], host[:, ::-1], read_only):
        assert np.array_equal(backend.to_host(backend.asarray(view)), view)


def test_to_host_keeps_float32(backend32):
    assert backend32.to_host(backend32.asarray([1.0])).dtype == np.float32


def test_synchronize_waits_without_a_word(backend):
    backend.synchronize(backend.asarray([1.0]))


def test_a_backend_can_be_printed_compared_and_used_as_a_key(backend, backend32):
    assert re.fullmatch(rf"{backend.name} \(\S+, float64\)", str(backend))
    same = Backend(backend.name, backend.xp, backend.device, "float64")
    assert same == backend
    assert {same: 1}[backend] == 1
    assert backend != backend32


@pytest.mark.host
def test_numpy_is_printed_with_the_cpu():
    assert str(portnn.backend("numpy")) == "numpy (cpu, float32)"
    assert str(portnn.backend("numpy", device="cpu")) == "numpy (cpu, float32)"


def test_compiling_changes_no_result(backend, rng):
    xp = backend.xp

    def step(tree, x):
        return {"sum": xp.sum(tree["w"] * x)}, (x, None)

    tree, x = {"w": backend.asarray(rng.normal(size=3))}, backend.asarray(rng.normal(size=3))
    for function in (step, backend.compile(step)):
        result, (same, nothing) = function(tree, x)
        assert float(result["sum"]) == pytest.approx(float(xp.sum(tree["w"] * x)), rel=1e-15)
        assert np.array_equal(backend.to_host(same), backend.to_host(x))
        assert nothing is None


def test_a_library_that_compiles_says_so(backend):
    calls = []

    def step(x):
        calls.append(x)
        return x

    compiled = backend.compile(step)
    for _ in range(3):
        compiled(backend.asarray([1.0]))
    assert len(calls) == (1 if backend.library.compiles else 3)


def test_an_unknown_name_is_named_beside_the_known_ones():
    message = f"unknown backend 'tensorflow'; known: auto, {', '.join(LIBRARIES)}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        portnn.backend("tensorflow")


@pytest.mark.parametrize("dtype", ["float16", "int64", ""])
def test_an_unknown_dtype_is_named_beside_the_known_ones(dtype):
    with pytest.raises(ValueError, match=rf"^unknown dtype '{dtype}'; known: float32, float64$"):
        portnn.backend("numpy", dtype=dtype)


NO_SUCH_DEVICES = ("nonsense", "cuda:99", "cpu:99", -1)


@pytest.mark.parametrize("device", NO_SUCH_DEVICES)
def test_a_device_that_is_not_there_is_named(backend, device):
    with pytest.raises(ValueError, match=rf"^{backend.name} has no device {re.escape(repr(device))}: \S[^\n]*$"):
        portnn.backend(backend.name, device=device)


def test_a_device_can_be_given_by_each_name_that_the_library_lists(backend):
    for listed in backend.library.devices(xp=backend.xp):
        device = listed.partition(" (")[0]
        chosen = portnn.backend(backend.name, device=device)
        assert chosen.to_host(chosen.asarray([1.0, 2.0])).tolist() == [1.0, 2.0]
        assert portnn.backend_of(x=chosen.asarray([1.0])).device == chosen.device
        assert device in str(chosen)


@pytest.mark.host
@pytest.mark.parametrize("name", OTHERS)
def test_a_library_that_is_not_installed_is_an_error_with_the_command_that_installs_it(monkeypatch, name):
    hide(monkeypatch, LIBRARIES[name].module)
    with pytest.raises(
        MissingBackendError, match=f"^{re.escape(f'{name} is not installed; {LIBRARIES[name].install}')}$"
    ):
        portnn.backend(name)


@pytest.mark.host
def test_a_missing_backend_is_also_a_missing_module():
    assert issubclass(MissingBackendError, ModuleNotFoundError)


@pytest.mark.host
def test_a_library_that_cannot_be_imported_is_an_error_of_one_line(monkeypatch):
    def broken(name):
        raise OSError("libcudart.so.12: cannot open shared object file\nand a second line")

    fake(monkeypatch, "cupy")
    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(MissingBackendError, match=r"^cupy cannot be imported: libcudart\.so\.12: [a-z ]+ file$"):
        portnn.backend("cupy")


@pytest.mark.host
def test_a_library_without_its_driver_is_an_error(monkeypatch):
    def empty(shape):
        raise RuntimeError("cudaErrorInsufficientDriver")

    fake(monkeypatch, "cupy", empty=empty)
    with pytest.raises(MissingBackendError, match=r"^cupy does not work here: cudaErrorInsufficientDriver$"):
        portnn.backend("cupy")


@pytest.mark.host
@pytest.mark.parametrize("where", [{"device": "cpu"}, {}])
def test_auto_is_numpy_where_cupy_is_not_installed(monkeypatch, where):
    hide(monkeypatch, "cupy")
    assert portnn.backend("auto", **where).name == "numpy"


@pytest.mark.host
def test_auto_is_cupy_where_its_product_comes_out_right(monkeypatch):
    pretend_cupy(monkeypatch, np.matmul)
    assert portnn.backend("auto").name == "cupy"
    assert portnn.backend("cupy").name == "cupy"


@pytest.mark.host
def test_auto_is_numpy_where_a_device_is_asked_for_that_numpy_has(monkeypatch):
    pretend_cupy(monkeypatch, np.matmul)
    assert portnn.backend("auto", device="cpu").name == "numpy"


@pytest.mark.host
def test_auto_is_numpy_where_cupys_product_fails(monkeypatch):
    def failing(a, b):
        raise RuntimeError("CUBLAS_STATUS_NOT_INITIALIZED")

    pretend_cupy(monkeypatch, failing)
    assert portnn.backend("auto").name == "numpy"
    with pytest.raises(MissingBackendError, match=r"^cupy \(cuda, float32\) does not work here: CUBLAS_STATUS_NOT_I"):
        portnn.backend("cupy")


@pytest.mark.host
def test_auto_is_numpy_where_cupys_product_is_wrong(monkeypatch):
    pretend_cupy(monkeypatch, lambda a, b: a)
    assert portnn.backend("auto").name == "numpy"
    with pytest.raises(MissingBackendError, match=r"does not work here: a 2 x 2 matrix product came out wrong$"):
        portnn.backend("cupy")


@pytest.mark.host
def test_a_library_whose_arrays_another_claims_is_refused(monkeypatch):
    """Otherwise everything would be computed, and proven, on the other."""
    pretend_cupy(monkeypatch, np.matmul)
    monkeypatch.setitem(libraries._OF_CLASS, OnGPU, LIBRARIES["numpy"])
    with pytest.raises(MissingBackendError, match=r"does not work here: its arrays count as those of numpy$"):
        portnn.backend("cupy")


@pytest.mark.host
@pytest.mark.parametrize(("given", "number"), [("cuda:1", 1), ("1", 1), (1, 1), ("cuda", 0), ("cuda:0", 0)])
def test_a_cuda_device_may_be_a_number_or_a_name(monkeypatch, given, number):
    used = pretend_cupy(monkeypatch, np.matmul)
    assert portnn.backend("cupy", device=given).device.id == number
    assert used == [number]


@pytest.mark.host
@pytest.mark.parametrize("given", ["cuda:2", 2, -1, "gpu"])
def test_a_cuda_device_out_of_range_is_an_error(monkeypatch, given):
    pretend_cupy(monkeypatch, np.matmul)
    with pytest.raises(ValueError, match=f"^cupy has no device {given!r}: "):
        portnn.backend("cupy", device=given)


def hide(monkeypatch, module):
    """Let a module look as if it were not installed."""
    find_spec, top = importlib.util.find_spec, module.partition(".")[0]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *on: None if name == top else find_spec(name, *on))


def fake(monkeypatch, name, **attributes):
    """Install a module that has nothing but the attributes given."""
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    vars(module).update(attributes)
    monkeypatch.setitem(sys.modules, name, module)


class OnGPU(np.ndarray):
    """NumPy array that looks like one of CuPy."""

    def get(self):
        return np.asarray(self)


def pretend_cupy(monkeypatch, matmul):
    """Install a CuPy with two devices that computes on the host; returns the numbers of those that are made current."""
    runtime, used = types.SimpleNamespace(getDeviceCount=lambda: 2), []
    xp = types.SimpleNamespace(
        float32=np.float32,
        matmul=matmul,
        asarray=lambda array, dtype, device: np.asarray(array, dtype=dtype).view(OnGPU),
        cuda=types.SimpleNamespace(
            runtime=runtime, Device=lambda id: types.SimpleNamespace(id=id, use=lambda: used.append(id))
        ),
        __array_namespace_info__=lambda: types.SimpleNamespace(dtypes=lambda **_: {"float32": np.float32}),
    )
    fake(monkeypatch, "cupy", empty=np.empty)
    monkeypatch.setitem(libraries._OF_CLASS, OnGPU, LIBRARIES["cupy"])
    monkeypatch.setattr(CuPy, "namespace_of", lambda self, array: xp)
    return used


def test_pickled(backend):
    again = pickle.loads(pickle.dumps(backend))
    assert (again.name, again.dtype, again.device) == (backend.name, backend.dtype, backend.device)
    assert again.xp is backend.xp
    placed = portnn.backends.device(backend.asarray(np.ones(2)))
    there = Backend(backend.name, backend.xp, placed, backend.dtype)
    assert pickle.loads(pickle.dumps(there)).device == placed


@pytest.mark.parametrize("again", [lambda array: pickle.loads(pickle.dumps(array)), copy.deepcopy])
def test_an_array_can_be_pickled_and_copied(backend, again):
    array = backend.asarray([1.0, 0.1])
    other = again(array)
    assert (other.dtype, portnn.backends.device(other)) == (array.dtype, portnn.backends.device(array))
    assert backend.to_host(other).tolist() == [1.0, 0.1]


def test_an_array_belongs_to_its_library(backend):
    assert array_library(backend.asarray(np.zeros(3))) is backend.library


def test_the_library_behind_a_namespace_and_a_name_is_the_one_in_the_registry(backend):
    assert backend.library is LIBRARIES[backend.name] is library_of(backend.xp)


def test_a_dtype_that_the_device_does_not_know_is_an_error(backend, monkeypatch):
    """As on Apple's GPUs, whether through MLX or PyTorch."""
    monkeypatch.setattr(type(backend.library), "dtypes", lambda self, device, *, xp: ["float32"])
    assert portnn.backend(backend.name, device=backend.device).dtype == "float32"
    with pytest.raises(ValueError, match=rf"^{backend.name} has no float64 on device \S+, only float32$"):
        portnn.backend(backend.name, device=backend.device, dtype="float64")


@pytest.mark.host
def test_a_device_without_float64_is_refused_for_it():
    assert portnn.backend("array-api-strict", device="no_float64").dtype == "float32"
    with pytest.raises(ValueError, match=r"^array-api-strict has no float64 on device no_float64, only float32$"):
        portnn.backend("array-api-strict", device="no_float64", dtype="float64")


@pytest.mark.host
def test_dpnp_starts_with_enough_threads_not_to_deadlock(monkeypatch):
    monkeypatch.delenv("SYCL_QUEUE_THREAD_POOL_SIZE", raising=False)
    monkeypatch.setattr(Library, "load", lambda library: types.SimpleNamespace(ndarray=type("Ndarray", (), {})))
    DPNP().load()
    assert int(os.environ["SYCL_QUEUE_THREAD_POOL_SIZE"]) >= 256


@pytest.mark.host
def test_dpnp_empties_its_queue_after_every_step():
    waits = []
    array = types.SimpleNamespace(sycl_queue=types.SimpleNamespace(wait=lambda: waits.append(1)))
    step = DPNP().compile(lambda: ({"weight": array}, None), (), xp=np)
    step()
    step()
    assert len(waits) == 2


@pytest.mark.host
def test_dpnp_without_any_device_says_what_to_set(monkeypatch):
    fake(monkeypatch, "dpctl", get_devices=list)
    with pytest.raises(
        RuntimeError, match=r"^no SYCL device was found; \S.* set OCL_ICD_FILENAMES to the path of \S+ "
    ):
        DPNP().prepare(np, "float32")


@pytest.mark.host
def test_a_library_that_is_not_in_the_registry_is_taken_to_follow_the_standard():
    odd = types.SimpleNamespace(matmul=np.matmul)
    assert portnn.backends.product(np.ones((2, 2)), 1, xp=odd)(np.ones((1, 2))).tolist() == [[2.0, 2.0]]
    strange = Backend("strange", np, None, "float64")
    assert strange.to_host(strange.asarray([1.0])).tolist() == [1.0]
