"""CuPy: NVIDIA GPUs, and AMD ones in its build for ROCm."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from portnn.backends.libraries.library import Library
from portnn.backends.libraries.primitives import Array, Namespace
from portnn.backends.libraries.runs import ONE_HOT_ROWS, sum_runs
from portnn.backends.libraries.windows import Window


class CuPy(Library):
    """CuPy, whose arrays live only on GPUs."""

    name = "cupy"
    module = "cupy"
    namespaces = ("cupy", "array_api_compat.cupy")
    distributions = ("cupy-cuda12x", "cupy-cuda13x", "cupy-rocm-7-0", "cupy")  # named after the CUDA version
    install = 'python -m pip install "portnn[cuda12]"  (or cuda13)'
    gpus = ("NVIDIA", "AMD")
    automatic = True
    writes_donated = True

    def select(self, device: Any) -> None:
        """Make the device the current one, on which CuPy computes wherever the arrays are."""
        if device is not None:
            device.use()

    def devices(self, *, xp: Namespace) -> list[str]:
        """All GPUs."""
        import cupy

        runtime = cupy.cuda.runtime
        names = (runtime.getDeviceProperties(i)["name"].decode() for i in range(runtime.getDeviceCount()))
        return [f"cuda:{i} ({name})" for i, name in enumerate(names)]

    def device(self, spec: Any, *, xp: Namespace) -> Any:
        """A number, or "cuda:" and a number."""
        count, number = xp.cuda.runtime.getDeviceCount(), int(str(spec).removeprefix("cuda").removeprefix(":") or 0)
        if not 0 <= number < count:
            raise ValueError(f"{count} CUDA device(s) here")
        return xp.cuda.Device(number)

    def device_name(self, device: Any) -> str:
        """CUDA's name, on ROCm too."""
        return "cuda" if device is None else f"cuda:{device.id}"

    def to_host(self, array: Array) -> np.ndarray[Any, Any]:
        """CuPy never copies to the host implicitly."""
        return array.get()  # type: ignore[no-any-return]

    def synchronize(self, array: Array) -> None:
        """Wait for the current stream."""
        import cupy

        cupy.cuda.get_current_stream().synchronize()

    def gpu(self, device: Any) -> str | None:
        """PCI bus id, by which NCCL, too, tells whether two processes have one GPU."""
        import cupy

        return str((cupy.cuda.Device() if device is None else device).pci_bus_id)

    def has_nccl(self) -> bool:
        """It is a package of its own, without which CuPy warns."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from cupy.cuda import nccl

        return bool(nccl.available)

    def nccl_id(self) -> Any:
        """Bytes; in versions before 14, a tuple."""
        from cupy.cuda import nccl

        return nccl.get_unique_id()

    def nccl_sum(self, nccl_id: Any, rank: int, size: int, device: Any) -> Callable[[Array], object]:
        """CuPy's own binding, which takes pointers."""
        import cupy
        from cupy.cuda import nccl

        dtypes = {"float32": nccl.NCCL_FLOAT32, "float64": nccl.NCCL_FLOAT64}
        with cupy.cuda.Device() if device is None else device:
            communicator = nccl.NcclCommunicator(size, nccl_id, rank)

        def add(vector: Array) -> None:
            # On the stream of what comes before and after, so that nobody has to wait.
            place, stream = vector.data.ptr, cupy.cuda.get_current_stream().ptr
            communicator.allReduce(place, place, vector.size, dtypes[vector.dtype.name], nccl.NCCL_SUM, stream)

        return add

    def change_on_host(self, vector: Array, change: Callable[[np.ndarray[Any, Any]], object]) -> None:
        """CuPy keeps page-locked memory for the next call, which must not get it while it is read."""
        import cupyx

        host = cupyx.empty_pinned(vector.shape, vector.dtype)
        vector.get(out=host)
        change(host)
        vector.set(host)
        self.synchronize(vector)

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
        """Add to a large or donated table with atomic additions, one for each id."""
        if not donate and target.shape[0] <= ONE_HOT_ROWS:
            return super().scatter_add(target, ids, rows, scale, donate, xp=xp)
        rows = rows if scale is None else rows * scale
        if not coalesced:
            ids, rows, _ = sum_runs(ids, rows, xp=xp)
        result = target if donate else target.copy()
        xp.add.at(result, ids, rows)
        return result

    def patches(self, x: Array, window: Window, *, xp: Namespace) -> Array:
        """Copy a view in which patches overlap."""
        view = xp.lib.stride_tricks.as_strided(x, *window.view(x.shape, x.strides))
        return xp.reshape(view, (*view.shape[:3], window.positions * x.shape[3]))

    def coalesce(self, ids: Array, rows: Array, *, xp: Namespace) -> tuple[Array, Array, Array]:
        """Sum without atomic additions."""
        return sum_runs(ids, rows, xp=xp)
