"""`Library`: what portnn needs from an array library, with defaults for any that follows the standard."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import sys
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import array_api_compat
import numpy as np

from portnn.backends.libraries.primitives import Array, Namespace, Primitives

DTYPES = ("float32", "float64")

NOTHING = contextlib.nullcontext()


class Library(Primitives):
    """An array library: how it is found, which devices it has, how arrays get there and back, what it does better.

    A subclass overrides what differs. Nothing of the array library is imported before `load`.

    Attributes
    ----------
    name : str
        What `portnn.backend` calls it.
    module : str
        Module that is imported.
    namespaces : tuple of str
        Names of the modules that serve as its namespace; by default `module`.
    array_class : str
        Name of its class of arrays in `module`.
    distributions : tuple of str
        What it may be installed as; the first one found gives the version. By default `name`.
    install : str
        Command that installs it.
    gpus : tuple of str
        Vendors of the GPUs that it drives.
    automatic : bool
        Whether `backend("auto")` tries it. A library that also runs on a CPU gains nothing there over NumPy.
    on_host : bool
        Whether its arrays are NumPy's own, so that worker processes can share them and labels need not be moved.
    compiles : bool
        Whether `compile` compiles, so that compiled steps are worth keeping.
    slices_are_views : bool
        Whether a slice costs nothing before a product.
    gates_first : bool
        Whether the loop of a recurrent layer runs faster with the gate axis first.
    patch_entries : int
        Most entries of the patches that a convolution gathers at a time.
    writes_donated : bool
        Whether `scatter_add` writes into a donated table.
    scikit_learn : bool
        Whether scikit-learn's array API dispatch takes its arrays.
    proof_devices : tuple of str or None
        Devices for tests and proofs in float64; None is the default device.
    narrow_devices : tuple of str
        Devices without float64, for tests and proofs.
    proof_steps : int
        Training steps in the proof of parity.
    tolerance : dict of str to float
        Largest relative difference from NumPy that passes, per dtype.
    """

    name: str
    module: str
    namespaces: tuple[str, ...] = ()
    array_class: str = "ndarray"
    distributions: tuple[str, ...] = ()
    install: str
    gpus: tuple[str, ...] = ()
    automatic: bool = False
    on_host: bool = False
    compiles: bool = False
    slices_are_views: bool = True
    gates_first: bool = True
    patch_entries: int = 1 << 26
    writes_donated: bool = False
    scikit_learn: bool = True
    proof_devices: tuple[str | None, ...] = (None,)
    narrow_devices: tuple[str, ...] = ()
    proof_steps: int = 200
    tolerance: ClassVar[dict[str, float]] = {"float64": 1e-9, "float32": 2e-4}

    def installed(self) -> bool:
        """Whether its module can be found; it is not imported."""
        return importlib.util.find_spec(self.module.partition(".")[0]) is not None

    def version(self) -> str | None:
        """Version of the distribution, or what the module calls its version; None if neither is known."""
        for distribution in self.distributions or (self.name,):
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                return importlib.metadata.version(distribution)
        with contextlib.suppress(Exception):
            return getattr(self.load(), "__version__", None)
        return None

    def load(self) -> Any:
        """Import the module; any failure raises."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # CUDA libraries warn at import where there is no GPU
            return importlib.import_module(self.module)

    def prepare(self, module: Any, dtype: str) -> Namespace:
        """Try the module, make it ready to compute in a dtype, and return the namespace to use; an error raises."""
        return self.namespace_of(module.empty(0))  # fails where a driver or a GPU is missing

    def select(self, device: Any) -> None:
        """Prepare to use a device (None: the default)."""

    # Which arrays are its own

    def owns(self, xp: Namespace) -> bool:
        """Whether a namespace is this library's."""
        return getattr(xp, "__name__", None) in (self.namespaces or (self.module,))

    def is_array(self, value: object) -> bool:
        """Whether a value is an array of this library."""
        module = sys.modules.get(self.module)
        return module is not None and isinstance(value, getattr(module, self.array_class, ()))

    def namespace_of(self, array: Array) -> Namespace:
        """Namespace of an array of its own; the same one for every array."""
        return array_api_compat.array_namespace(array)

    # Devices and dtypes

    def devices(self, *, xp: Namespace) -> list[str]:
        """Available devices: a name that `device` takes, followed by the hardware in parentheses if known."""
        return [self.device_name(device) for device in xp.__array_namespace_info__().devices()]

    def device(self, spec: Any, *, xp: Namespace) -> Any:
        """Device object for a name from `devices`, or whatever else the library takes; any failure raises."""
        for device in xp.__array_namespace_info__().devices() if isinstance(spec, str) else ():
            if self.device_name(device) == spec:
                return device
        return xp.empty(0, device=spec).device

    def device_of(self, array: Array) -> Any:
        """Device of an array."""
        return array_api_compat.device(array)

    def device_name(self, device: Any) -> str:
        """Display name of a device object or None."""
        return "cpu" if device is None else str(device)

    def portable_device(self, device: Any) -> Any:
        """Picklable value from which `device` makes the same device in another process."""
        return None if device is None else self.device_name(device)

    def dtypes(self, device: Any, *, xp: Namespace) -> list[str]:
        """Which of float32 and float64 a device supports."""
        known = xp.__array_namespace_info__().dtypes(device=device, kind="real floating")
        return [dtype for dtype in DTYPES if dtype in known]

    def integer_dtype(self, device: Any, *, xp: Namespace) -> Any:
        """Dtype of ids."""
        return xp.__array_namespace_info__().default_dtypes(device=device)["integral"]

    # To and from the host, waiting

    def from_host(self, array: np.ndarray[Any, Any], dtype: Any, device: Any, *, xp: Namespace) -> Array:
        """Move a NumPy array over, converted to `dtype`."""
        return xp.asarray(array, dtype=dtype, device=device)

    def to_host(self, array: Array) -> np.ndarray[Any, Any]:
        """Copy an array to the host, dtype unchanged; memory may be shared where both are on the CPU."""
        return np.asarray(array)

    def detached(self, array: Array) -> Array:
        """Array of its own without any record of how it was computed."""
        return array

    def without_graph(self) -> contextlib.AbstractContextManager[Any]:
        """Context in which nothing records how arrays are computed."""
        return NOTHING

    def synchronize(self, array: Array) -> None:
        """Wait until an array has been computed."""

    # Between GPUs

    def gpu(self, device: Any) -> str | None:
        """Name of a device that is the same in every process of the machine, if it is a GPU on which the rest works."""
        return None

    def has_nccl(self) -> bool:
        """Whether NCCL can add up arrays of several GPUs."""
        return False

    def nccl_id(self) -> Any:
        """What `nccl_sum` needs, the same in all processes."""
        raise NotImplementedError

    def nccl_sum(self, nccl_id: Any, rank: int, size: int, device: Any) -> Callable[[Array], object]:
        """Join the GPUs of several processes; all call this together.

        Returns
        -------
        callable
            Replaces a vector (n,) on the device by the sum of all processes' vectors, in the order of its stream.
        """
        raise NotImplementedError

    def change_on_host(self, vector: Array, change: Callable[[np.ndarray[Any, Any]], object]) -> None:
        """Let a function change a GPU's vector (n,) in the host's page-locked memory."""
        raise NotImplementedError

    # Checks

    def without_stalls(self) -> contextlib.AbstractContextManager[Any]:
        """Context in which anything that would stall a GPU is an error; a no-op if the library cannot tell."""
        return contextlib.nullcontext()

    def be_strict(self) -> None:
        """Turn on, for the rest of the process, the checks that also apply outside a step."""


def writable(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """NumPy array whose memory a library may share: a copy if it is read-only or has negative strides."""
    return array.copy() if not array.flags.writeable or min(array.strides, default=0) < 0 else array
