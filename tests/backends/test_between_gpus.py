"""What CuPy and PyTorch are asked for between GPUs, by libraries that stand in for them and look at every argument."""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import numpy as np
import pytest

from portnn.backends.libraries import LIBRARIES
from portnn.backends.libraries.cupy import CuPy
from portnn.backends.libraries.torch import PyTorch

STREAM = 7
FLOAT32, FLOAT64, SUM = 7, 8, 0
"""NCCL's own numbers."""
UNIQUE_ID = bytes(range(128))
TYPES = {FLOAT32: ctypes.c_float, FLOAT64: ctypes.c_double}


class Memory(np.ndarray):
    """An array of CuPy on a GPU that is none; `events` has what was done with any."""

    events: tuple = ()

    @property
    def data(self):
        return types.SimpleNamespace(ptr=self.__array_interface__["data"][0])

    def get(self, stream=None, order="C", out=None, blocking=True):
        out[...] = np.asarray(self)
        Memory.events += ("get",)

    def set(self, arr, stream=None):
        assert type(arr) is np.ndarray
        self[...] = arr
        Memory.events += ("set",)


class Communicator:
    """CuPy's NcclCommunicator, whose processes are threads; it adds up by pointers, as NCCL does."""

    barrier, places = threading.Barrier(2), [0, 0]

    def __init__(self, ndev: int, commId: bytes, rank: int, config=None):
        assert (ndev, commId, config, Device.current) == (2, UNIQUE_ID, None, 1)
        self.rank = rank

    def allReduce(self, sendbuf: int, recvbuf: int, count: int, datatype: int, op: int, stream: int):
        assert (op, stream) == (SUM, STREAM)
        self.places[self.rank] = sendbuf
        self.barrier.wait(timeout=60)
        total = sum(np.array((TYPES[datatype] * count).from_address(place)) for place in self.places)
        self.barrier.wait(timeout=60)
        np.ctypeslib.as_array((TYPES[datatype] * count).from_address(recvbuf))[...] = total


class Device:
    """CuPy's Device."""

    current = 0

    def __init__(self, device=None):
        self.id = Device.current if device is None else device
        self.pci_bus_id = f"0000:0{self.id}:00.0"

    def use(self):
        Device.current = self.id

    def __enter__(self):
        self.before = Device.current
        self.use()

    def __exit__(self, *_):
        Device.current = self.before


@pytest.fixture
def cupy(monkeypatch):
    """A CuPy that computes with NumPy."""
    stream = types.SimpleNamespace(ptr=STREAM, synchronize=lambda: setattr(Memory, "events", (*Memory.events, "wait")))
    nccl = types.SimpleNamespace(
        available=True,
        NCCL_FLOAT32=FLOAT32,
        NCCL_FLOAT64=FLOAT64,
        NCCL_SUM=SUM,
        NcclCommunicator=Communicator,
        get_unique_id=lambda: UNIQUE_ID,
    )
    cuda = types.SimpleNamespace(Device=Device, get_current_stream=lambda: stream, nccl=nccl)
    modules = {
        "cupy": types.SimpleNamespace(cuda=cuda, ndarray=Memory),
        "cupy.cuda": cuda,
        "cupy.cuda.nccl": nccl,
        "cupyx": types.SimpleNamespace(empty_pinned=lambda shape, dtype=float, order="C": np.empty(shape, dtype)),
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(Device, "current", 0)
    monkeypatch.setattr(Memory, "events", ())
    return modules["cupy"]


def memory(host):
    return np.array(host).view(Memory)


@pytest.mark.host
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cupy_adds_up_by_nccl(cupy, rng, dtype):
    given = rng.normal(size=(2, 1001)).astype(dtype)
    library = CuPy()
    nccl_id = library.nccl_id()

    def work(rank):
        with alone:  # the current device is the process's, which these threads share
            add = library.nccl_sum(nccl_id, rank, 2, Device(1))
        vector = memory(given[rank])
        add(vector)
        return np.asarray(vector)

    alone = threading.Lock()
    with ThreadPoolExecutor(2) as threads:
        for total in threads.map(work, range(2)):
            np.testing.assert_array_equal(total, given[0] + given[1])
    assert Device.current == 0  # as it was


@pytest.mark.host
def test_cupy_lends_its_memory_to_the_host_and_waits(cupy):
    vector, seen = memory([1.0, 2.0]), []

    def change(host):
        seen.append(type(host))
        host += 3.0

    CuPy().change_on_host(vector, change)
    np.testing.assert_array_equal(np.asarray(vector), [4.0, 5.0])
    assert seen == [np.ndarray]
    assert Memory.events == ("get", "set", "wait")


@pytest.mark.host
def test_cupy_says_which_gpu_and_makes_it_the_current_one(cupy):
    library = CuPy()
    assert library.gpu(None) == "0000:00:00.0"
    library.select(None)
    assert library.gpu(Device(1)) == "0000:01:00.0"
    library.select(Device(1))
    assert library.gpu(None) == "0000:01:00.0"


@pytest.mark.host
@pytest.mark.parametrize("available", [True, False])
def test_cupy_may_have_no_nccl(cupy, available):
    cupy.cuda.nccl.available = available
    assert CuPy().has_nccl() is available


@pytest.mark.host
@pytest.mark.parametrize("library", LIBRARIES.values(), ids=lambda library: library.name)
def test_only_two_libraries_lend_their_memory(library):
    assert (type(library).change_on_host is not LIBRARIES["numpy"].__class__.change_on_host) == (
        library.name in ("cupy", "torch")
    )


@pytest.mark.host
@pytest.mark.torch_oracle
class TestPyTorch:
    @pytest.fixture
    def cuda(self, monkeypatch):
        """`torch.cuda` with functions that do nothing, but take only the arguments that PyTorch's own take."""
        import torch
        import torch.cuda.nccl

        entered = []

        @contextlib.contextmanager
        def on(device):
            entered.append(device)
            yield
            entered.append(None)

        for name, result in (("unique_id", UNIQUE_ID), ("init_rank", "capsule"), ("all_reduce", None)):
            own = getattr(torch.cuda.nccl, name)
            monkeypatch.setattr(torch.cuda.nccl, name, mock.create_autospec(own, return_value=result))
        monkeypatch.setattr(torch.cuda, "device", on)
        return types.SimpleNamespace(nccl=torch.cuda.nccl, entered=entered)

    def test_adds_up_by_nccl(self, cuda):
        import torch

        device, vector = torch.device("cuda:1"), torch.ones(3)
        cuda.nccl.init_rank.side_effect = lambda *_: cuda.entered.append("init") or "capsule"
        library = PyTorch()
        add = library.nccl_sum(library.nccl_id(), 1, 2, device)
        assert cuda.entered == [device, "init", None]
        cuda.nccl.init_rank.assert_called_once_with(2, UNIQUE_ID, 1)
        add(vector)
        ((inputs,), options) = cuda.nccl.all_reduce.call_args
        assert inputs[0] is vector
        assert (len(inputs), options) == (1, {"comms": ["capsule"]})  # in place, on the current stream

    def test_lends_its_memory_to_the_host(self, monkeypatch):
        import torch

        vector, empty_like = torch.ones(3), torch.empty_like

        def pinned(array, *, device, pin_memory):
            assert (device, pin_memory) == ("cpu", True)
            return empty_like(array, device=device)

        monkeypatch.setattr(torch, "empty_like", pinned)
        PyTorch().change_on_host(vector, lambda host: np.add(host, [1.0, 2.0, 3.0], out=host, casting="same_kind"))
        assert vector.tolist() == [2.0, 3.0, 4.0]

    def test_says_which_gpu(self, monkeypatch):
        import torch

        library, asked = PyTorch(), []
        assert library.gpu(None) is None
        assert library.gpu(torch.device("cpu")) is None
        assert library.gpu(torch.device("meta")) is None
        properties = mock.Mock(uuid="01-23")
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: asked.append(device) or properties)
        assert library.gpu(torch.device("cuda:1")) == "01-23"
        monkeypatch.setattr(torch, "get_default_device", lambda: torch.device("cuda"))
        assert library.gpu(None) == "01-23"
        assert asked == [torch.device("cuda:1"), torch.device("cuda")]

    def test_says_whether_it_has_nccl(self):
        import torch

        assert PyTorch().has_nccl() is hasattr(torch._C, "_nccl_all_reduce")
