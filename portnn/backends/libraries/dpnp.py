"""dpnp: Intel GPUs through SYCL, and any x86-64 CPU through Intel's OpenCL runtime, which comes with it."""

from __future__ import annotations

import copyreg
import functools
import importlib.metadata
import os
from typing import Any

import numpy as np

from portnn.backends.libraries.library import Library
from portnn.backends.libraries.primitives import Array, F, Namespace
from portnn.backends.tree import tree_flatten

RUNTIME = "libintelocl.so"
"""OpenCL for CPUs, from the package intel-opencl-rt."""
HOST_THREADS = 256
"""SYCL's threads for host tasks. dpnp (0.20) frees arguments in such tasks, which need the GIL, and some of its
functions hold the GIL while they wait for other such tasks. Once every thread waits for the GIL, nothing moves: that
took seconds with 1 or 2 threads, and some minutes with SYCL's default of 6."""


class DPNP(Library):
    """dpnp, whose arrays live on a queue, are computed asynchronously and are never converted to NumPy implicitly."""

    name = "dpnp"
    module = "dpnp"
    install = 'python -m pip install "portnn[dpnp]"'
    gpus = ("Intel",)
    proof_steps = 50  # on a CPU, each of a GRU's takes it 0.1 s

    def load(self) -> Any:
        """Set what SYCL and OpenCL read at startup: threads, and the path of the CPU runtime."""
        os.environ.setdefault("SYCL_QUEUE_THREAD_POOL_SIZE", str(HOST_THREADS))
        runtime = _runtime()
        if runtime is not None:
            os.environ.setdefault("OCL_ICD_FILENAMES", runtime)
        module = super().load()
        copyreg.pickle(module.ndarray, _reduced)  # its arrays do not support pickling
        return module

    def prepare(self, module: Any, dtype: str) -> Namespace:
        """Check that there is a device."""
        import dpctl

        if not dpctl.get_devices():
            raise RuntimeError(
                f"no SYCL device was found; for an Intel GPU install its driver, for the CPU set OCL_ICD_FILENAMES to "
                f"the path of {RUNTIME} (python -m pip install intel-opencl-rt)"
            )
        return super().prepare(module, dtype)

    def devices(self, *, xp: Namespace) -> list[str]:
        """All SYCL devices."""
        import dpctl

        return [f"{device.filter_string} ({device.name.strip()})" for device in dpctl.get_devices()]

    def device(self, spec: Any, *, xp: Namespace) -> Any:
        """Any SYCL filter string, such as gpu or opencl:cpu:0."""
        return xp.empty(0, device=spec).device

    def device_name(self, device: Any) -> str:
        """SYCL's filter string, such as level_zero:gpu:0."""
        import dpctl

        sycl_device = dpctl.select_default_device() if device is None else device.sycl_device
        return str(sycl_device.filter_string)

    def to_host(self, array: Array) -> np.ndarray[Any, Any]:
        """Wait for the queue, then copy."""
        return array.asnumpy()  # type: ignore[no-any-return]

    def compile(self, step: F, donate: tuple[int, ...], *, xp: Namespace) -> F:
        """Empty the queue after each step, so that its tasks do not outnumber `HOST_THREADS`."""

        @functools.wraps(step)
        def finished(*args: Any, **kwargs: Any) -> Any:
            result = step(*args, **kwargs)
            for _, array in tree_flatten(result, ""):
                array.sycl_queue.wait()
                break
            return result

        return finished  # type: ignore[return-value]

    def synchronize(self, array: Array) -> None:
        """Wait for the queue."""
        array.sycl_queue.wait()


def _reduced(array: Array) -> tuple[Any, ...]:
    return _restored, (array.asnumpy(), array.sycl_device.filter_string)


def _restored(host: np.ndarray[Any, Any], device: str) -> Array:
    return DPNP().load().asarray(host, device=device)


def _runtime() -> str | None:
    """Path of the OpenCL runtime for CPUs in this environment, if it is installed."""
    try:
        files = importlib.metadata.files("intel-opencl-rt") or ()
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((str(file.locate().resolve()) for file in files if file.name == RUNTIME), None)  # type: ignore[attr-defined]
