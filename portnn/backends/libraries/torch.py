"""PyTorch: CPUs, NVIDIA and AMD GPUs, and Apple's through its device mps."""

from __future__ import annotations

import contextlib
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from portnn.backends.libraries.library import Library, writable
from portnn.backends.libraries.primitives import Array, F, Namespace
from portnn.backends.libraries.runs import ONE_HOT_ROWS, sum_runs
from portnn.backends.libraries.windows import Window


class PyTorch(Library):
    """PyTorch without its autograd."""

    name = "torch"
    module = "torch"
    namespaces = ("torch", "array_api_compat.torch")
    array_class = "Tensor"
    install = 'python -m pip install "portnn[torch]"'
    gpus = ("NVIDIA", "AMD", "Apple")
    writes_donated = True

    def devices(self, *, xp: Namespace) -> list[str]:
        """The CPU and all GPUs."""
        import torch

        devices = ["cpu", *(f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count()))]
        return [*devices, "mps"] if torch.backends.mps.is_available() else devices

    def device(self, spec: Any, *, xp: Namespace) -> Any:
        """What `torch.device` takes, if an array can be made there."""
        import torch

        wanted = torch.device(spec)
        if wanted.type == "cpu" and wanted.index:
            raise ValueError("there is one CPU")  # PyTorch takes any number for it
        return super().device(wanted, xp=xp)

    def from_host(self, array: np.ndarray[Any, Any], dtype: Any, device: Any, *, xp: Namespace) -> Array:
        """PyTorch shares memory: it warns if that is read-only, and rejects negative strides."""
        return xp.asarray(writable(array), dtype=dtype, device=device)

    def to_host(self, array: Array) -> np.ndarray[Any, Any]:
        """A tensor on a GPU has to be moved first, and one of bfloat16, which NumPy does not have, be converted."""
        import torch

        array = array.detach().cpu()
        return (array.float() if array.dtype == torch.bfloat16 else array).numpy()  # type: ignore[no-any-return]

    def detached(self, array: Array) -> Array:
        """Share the memory of a tensor that requires gradients."""
        return array.detach() if array.requires_grad else array

    def without_graph(self) -> contextlib.AbstractContextManager[Any]:
        """Turn autograd off."""
        import torch

        return torch.no_grad()  # type: ignore[no-any-return]

    def compile(self, step: F, donate: tuple[int, ...], *, xp: Namespace) -> F:
        """Run the step without autograd, whatever requires gradients among its arguments."""
        return self.without_graph()(step)  # type: ignore[no-any-return,operator]

    def synchronize(self, array: Array) -> None:
        """Wait for the device of the tensor."""
        import torch

        if array.device.type != "cpu":
            getattr(torch, array.device.type).synchronize()

    def gpu(self, device: Any) -> str | None:
        """UUID of a GPU of NVIDIA or AMD."""
        import torch

        device = torch.get_default_device() if device is None else device
        return str(torch.cuda.get_device_properties(device).uuid) if device.type == "cuda" else None

    def has_nccl(self) -> bool:
        """PyTorch for GPUs comes with it, on Linux."""
        import torch.cuda.nccl

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch warns that it has none
            return bool(torch.cuda.nccl.is_available([]))

    def nccl_id(self) -> Any:
        """Bytes."""
        import torch.cuda.nccl

        return torch.cuda.nccl.unique_id()

    def nccl_sum(self, nccl_id: Any, rank: int, size: int, device: Any) -> Callable[[Array], object]:
        """PyTorch's own binding, below torch.distributed, which would need a rendezvous and process groups."""
        import torch.cuda.nccl

        with torch.cuda.device(device):
            communicator = torch.cuda.nccl.init_rank(size, nccl_id, rank)

        def add(vector: Array) -> None:
            # On the current stream, that of what comes before and after, so that nobody has to wait.
            torch.cuda.nccl.all_reduce([vector], comms=[communicator])

        return add

    def change_on_host(self, vector: Array, change: Callable[[np.ndarray[Any, Any]], object]) -> None:
        """PyTorch keeps page-locked memory for the next call; copies that are not told otherwise are waited for."""
        import torch

        host = torch.empty_like(vector, device="cpu", pin_memory=True)
        host.copy_(vector)
        change(host.numpy())
        vector.copy_(host)

    def scatter_add(
        self,
        target: Array,
        ids: Array,
        rows: Array,
        scale: Array | None,
        donate: bool,
        coalesced: bool = False,
        *,
        xp: Namespace,
    ) -> Array:
        """Use PyTorch's own operation; on a GPU, where its additions are atomic, once for each id."""
        atomic = self._adds_atomically(target)
        if atomic and not donate and target.shape[0] <= ONE_HOT_ROWS:
            return super().scatter_add(target, ids, rows, scale, donate, xp=xp)
        rows = rows if scale is None else rows * scale
        if atomic and not coalesced:
            ids, rows, _ = sum_runs(ids, rows, xp=xp)
        return target.index_add_(0, ids, rows) if donate else target.index_add(0, ids, rows)

    def coalesce(self, ids: Array, rows: Array, *, xp: Namespace) -> tuple[Array, Array, Array]:
        """Sum without atomic additions on a GPU."""
        return (sum_runs if self._adds_atomically(rows) else super().coalesce)(ids, rows, xp=xp)

    def patches(self, x: Array, window: Window, *, xp: Namespace) -> Array:
        """Copy a view in which patches overlap."""
        view = x.as_strided(*window.view(tuple(x.shape), x.stride()), x.storage_offset())
        return xp.reshape(view, (*view.shape[:3], window.positions * x.shape[3]))

    def _adds_atomically(self, array: Array) -> bool:
        return array.device.type != "cpu"  # type: ignore[no-any-return]

    @contextlib.contextmanager
    def counted_kernels(self) -> Iterator[Counter[str]]:
        """Count the kernels launched, by name; views of the same memory do not count."""
        from torch.utils._python_dispatch import TorchDispatchMode

        launched: Counter[str] = Counter()

        class Counting(TorchDispatchMode):  # type: ignore[misc]
            def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                if not function.is_view and function.overloadpacket.__name__ not in VIEWS:
                    launched[str(function)] += 1
                return function(*args, **(kwargs or {}))

        with Counting():
            yield launched


VIEWS = {"_unsafe_view", "empty", "empty_like", "squeeze_", "t_", "transpose_", "unsqueeze_"}
"""Operations that launch nothing, although PyTorch does not call them views."""
