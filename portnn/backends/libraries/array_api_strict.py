"""array-api-strict: the standard and nothing beyond it, to test with.

Of its devices with fewer dtypes, `no_float64` behaves as Metal does. `no_x64`, which has no int64 either, cannot run
portnn: in version 2.6 its own `argsort` asks for int64 there.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from portnn.backends.libraries.library import Library
from portnn.backends.libraries.primitives import Array

STALLS = {"boolean_indexing": False, "data_dependent_shapes": False}
"""Flags that forbid what would stall a GPU: shapes that depend on values."""


class ArrayAPIStrict(Library):
    """array-api-strict, which computes with NumPy and refuses whatever the standard does not promise."""

    name = "array-api-strict"
    module = "array_api_strict"
    install = "python -m pip install array-api-strict"
    proof_devices = ("device1",)  # an array made on the default device by mistake is caught
    narrow_devices = ("no_float64",)

    def is_array(self, value: object) -> bool:
        """Its array class is not public, but its module name is."""
        return type(value).__module__.startswith("array_api_strict.")

    def device_name(self, device: Any) -> str:
        """Name without the class around it."""
        return "CPU_DEVICE" if device is None else str(device).rpartition("Device('")[2].removesuffix("')")

    def to_host(self, array: Array) -> np.ndarray[Any, Any]:
        """Only arrays on the CPU can be read."""
        import array_api_strict

        return np.from_dlpack(array.to_device(array_api_strict.Device("CPU_DEVICE")))

    def without_stalls(self) -> contextlib.AbstractContextManager[Any]:
        """Forbid boolean indexing and shapes that depend on values."""
        import array_api_strict

        return array_api_strict.ArrayAPIStrictFlags(**STALLS)  # type: ignore[no-any-return]

    def be_strict(self) -> None:
        """Forbid the same for good."""
        import array_api_strict

        array_api_strict.set_array_api_strict_flags(**STALLS)
