"""CuPy: NVIDIA GPUs, and AMD ones in its build for ROCm."""

from __future__ import annotations

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
