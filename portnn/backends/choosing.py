"""`Backend`: an array library, a device of it and a floating dtype, chosen by name or found from arrays."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from portnn.backends.compiling import compile
from portnn.backends.namespaces import Array, Namespace, device, is_array, library_name, namespace, namespace_of

F = TypeVar("F", bound=Callable[..., object])

MODULES = {
    "numpy": "numpy",
    "cupy": "cupy",
    "torch": "torch",
    "jax": "jax.numpy",
    "array-api-strict": "array_api_strict",
}
"""Backend names, best known first, and the module that each needs."""

INSTALL = {
    "numpy": "python -m pip install numpy",
    "cupy": 'python -m pip install "portnn[cuda12]"  (or cuda13)',
    "torch": 'python -m pip install "portnn[torch]"',
    "jax": 'python -m pip install "portnn[jax]"',
    "array-api-strict": "python -m pip install array-api-strict",
}
"""The command that installs each backend."""

DTYPES = ("float32", "float64")


class MissingBackendError(ModuleNotFoundError):
    """An array library that was asked for by name is not installed, or does not work here."""


@dataclass(frozen=True)
class Backend:
    """An array library at work: namespace, device, and the dtypes that new arrays get.

    Attributes
    ----------
    name : str
        One of "numpy", "cupy", "torch", "jax", "array-api-strict".
    xp : namespace
        The library's functions as the array API standard names them.
    device : object
        The library's own device object (None: wherever the library puts new arrays).
    dtype : {"float32", "float64"}
        Floating dtype of parameters and activations.
    """

    name: str
    xp: Namespace
    device: Any
    dtype: str

    @functools.cached_property
    def integer_dtype(self) -> Any:
        """Dtype that ids get: the library's default integer dtype."""
        return self.xp.__array_namespace_info__().default_dtypes(device=self.device)["integral"]

    def asarray(self, host: Any) -> Array:
        """Move host data over: floats become `dtype`, integers the library's default integer dtype.

        The result may share memory with a NumPy array given, on the CPU of any library. What belongs to this library
        already is left where and as it is.
        """
        if self.name != "numpy" and is_array(host) and namespace_of(host) is self.xp:
            return host
        array = np.asarray(host)
        if array.dtype.kind == "f":
            wanted = getattr(self.xp, self.dtype)
        elif array.dtype.kind in "iu":
            wanted = self.integer_dtype
        else:
            raise TypeError(f"cannot move an array of dtype {array.dtype}, expected floats or integers")
        if self.name == "torch" and (not array.flags.writeable or min(array.strides, default=0) < 0):
            array = array.copy()  # torch would share the memory: it warns, and knows no negative strides
        return self.xp.asarray(array, dtype=wanted, device=self.device)

    def to_host(self, array: Array) -> np.ndarray[Any, Any]:
        """Copy an array of this library back to the host, dtype unchanged."""
        if self.name == "cupy":
            return array.get()  # type: ignore[no-any-return]
        if self.name == "torch":
            return array.detach().cpu().numpy()  # type: ignore[no-any-return]
        if self.name == "array-api-strict":
            return np.from_dlpack(array.to_device(self.xp.Device("CPU_DEVICE")))
        return np.asarray(array)

    def compile(self, step: F, *, donate: tuple[int, ...] = ()) -> F:
        """Compile a pure step where this library can; see `portnn.backends.compile`."""
        return compile(step, donate=donate, xp=self.xp)

    def synchronize(self, array: Array) -> None:
        """Wait until `array` has been computed, so that a clock may be read."""
        if self.name == "jax":
            array.block_until_ready()
        elif self.name == "cupy":
            self.xp.cuda.get_current_stream().synchronize()
        elif self.name == "torch" and array.is_cuda:
            import torch

            torch.cuda.synchronize()

    def __reduce__(self) -> tuple[Callable[..., Backend], tuple[Any, ...]]:
        # Modules cannot be pickled, nor can the devices of every library.
        where = self.device
        if where is not None and self.name in ("jax", "cupy"):
            where = f"{where.platform}:{where.id}" if self.name == "jax" else where.id
        return _make, (self.name, where, self.dtype)

    def __str__(self) -> str:
        where = "cpu" if self.device is None or self.name == "numpy" else str(self.device)
        return f"{self.name} ({where}, {self.dtype})"


def backend(name: str = "auto", *, device: Any = None, dtype: str = "float32") -> Backend:
    """Choose an array library, a device of it and a floating dtype.

    Parameters
    ----------
    name : {"auto", "numpy", "cupy", "torch", "jax", "array-api-strict"}
        "auto" is CuPy where a GPU really works (a small product is tried on it), else NumPy.
    device : str or object, optional
        "cpu" for NumPy; "cuda:1" or 1 for CuPy; what `torch.device` takes for PyTorch; "cpu", "gpu" or
        "gpu:1" for JAX; "CPU_DEVICE", "device1" or "device2" for array-api-strict. None is the library's default.
    dtype : {"float32", "float64"}
        With JAX, "float64" turns on its process-wide `jax_enable_x64`.

    Returns
    -------
    Backend

    Raises
    ------
    ValueError
        If the name, the dtype or the device is not known.
    MissingBackendError
        If the library is not installed or cannot be used; the message has the command that installs it.

    Examples
    --------
    >>> import portnn
    >>> portnn.backend("numpy", dtype="float64").name
    'numpy'
    """
    if dtype not in DTYPES:
        raise ValueError(f"unknown dtype {dtype!r}; known: {', '.join(DTYPES)}")
    if name == "auto":
        if device is None and installed("cupy"):
            try:
                return _tried(_make("cupy", None, dtype))
            except (MissingBackendError, ValueError):
                pass
        return _make("numpy", device, dtype)
    if name not in MODULES:
        raise ValueError(f"unknown backend {name!r}; known: auto, {', '.join(MODULES)}")
    if not installed(name):
        raise MissingBackendError(f"{name} is not installed; {INSTALL[name]}")
    return _tried(_make(name, device, dtype))


def backend_of(**arrays: Array) -> Backend:
    """Backend that given arrays live on: where arrays are given, the arrays decide.

    Raises
    ------
    TypeError
        If they come from different libraries, or the first is not of dtype float32 or float64.
    ValueError
        If they live on different devices.
    """
    xp = namespace(**arrays)
    name, array = next(iter(arrays.items()))
    for dtype in DTYPES:
        if array.dtype == getattr(xp, dtype):
            return Backend(library_name(xp), xp, device(array), dtype)
    raise TypeError(f"{name} has dtype {array.dtype}, expected {' or '.join(DTYPES)}")


def to_host(array: Array) -> np.ndarray[Any, Any]:
    """Copy an array of any library to the host, dtype unchanged; a NumPy array is returned as it is."""
    xp = namespace_of(array)
    return Backend(library_name(xp), xp, None, "float64").to_host(array)


def installed(name: str) -> bool:
    """Whether the module of a backend can be found; it is not imported."""
    return importlib.util.find_spec(MODULES[name].partition(".")[0]) is not None


def _make(name: str, where: Any, dtype: str) -> Backend:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # CUDA libraries warn at import where there is no GPU
            module = importlib.import_module(MODULES[name])
    except Exception as error:  # a broken installation can raise anything
        raise MissingBackendError(f"{name} cannot be imported: {one_line(error)}") from error
    if name == "jax" and dtype == "float64":
        import jax

        jax.config.update("jax_enable_x64", True)
    try:
        sample = module.empty(0)
    except Exception as error:  # no driver, no GPU
        raise MissingBackendError(f"{name} does not work here: {one_line(error)}") from error
    xp = namespace_of(sample)
    return Backend(name, xp, _device(name, xp, where), dtype)


def _device(name: str, xp: Namespace, where: Any) -> Any:
    try:
        if name == "numpy":
            if where not in (None, "cpu"):
                raise ValueError("only 'cpu'")
            return None if where is None else "cpu"
        if where is None:
            return None
        if name == "cupy":
            number = int(str(where).removeprefix("cuda:").removeprefix("cuda") or 0)
            if not 0 <= number < xp.cuda.runtime.getDeviceCount():
                raise ValueError(f"{xp.cuda.runtime.getDeviceCount()} CUDA device(s) here")
            return xp.cuda.Device(number)
        if name == "torch":
            import torch

            found = torch.device(where)
            torch.empty(0, device=found)
            return found
        if name == "jax":
            import jax

            if not isinstance(where, str):
                return where
            platform, _, index = where.partition(":")
            return jax.devices({"cuda": "gpu"}.get(platform, platform))[int(index or 0)]
        return xp.Device(where) if isinstance(where, str) else where
    except Exception as error:  # each library has its own exception for this
        raise ValueError(f"{name} has no device {where!r}: {one_line(error)}") from error


def _tried(chosen: Backend) -> Backend:
    """Return the backend after a product of two small matrices has come out right on it."""
    try:
        ones = chosen.asarray(np.ones((2, 2)))
        right = bool(np.all(chosen.to_host(chosen.xp.matmul(ones, ones)) == 2.0))
    except Exception as error:
        raise MissingBackendError(f"{chosen} does not work here: {one_line(error)}") from error
    if not right:
        raise MissingBackendError(f"{chosen} does not work here: a 2 x 2 matrix product came out wrong")
    return chosen


def one_line(error: Exception) -> str:
    """First line of an exception's message, or its type where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
