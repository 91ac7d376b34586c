"""`Backend`: an array library, a device and a floating dtype, chosen by name or inferred from arrays."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from portnn.backends.compiling import compile
from portnn.backends.host_numbers import native
from portnn.backends.libraries import LIBRARIES, Library, array_library, library_named
from portnn.backends.libraries.library import DTYPES
from portnn.backends.libraries.primitives import Array, F, Namespace
from portnn.backends.namespaces import detached, device, is_array, library_name, namespace, namespace_of
from portnn.backends.own_gpu import own_gpu
from portnn.groups import launched
from portnn.settings import brief, plain


class MissingBackendError(ModuleNotFoundError):
    """An array library that was asked for by name is not installed, or does not work here."""


@dataclass(frozen=True)
class Backend:
    """An array library in use: namespace, device, and the dtypes of new arrays.

    Attributes
    ----------
    name : str
        One of the names that `portnn.backends` lists.
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
    def library(self) -> Library:
        """What is specific to the array library."""
        return library_named(self.name)

    @functools.cached_property
    def integer_dtype(self) -> Any:
        """Dtype of ids: the library's default integer dtype."""
        return self.library.integer_dtype(self.device, xp=self.xp)

    def asarray(self, host: Any) -> Array:
        """Move host data over: floats become `dtype`, integers the library's default integer dtype.

        On a CPU the result may share memory with a given NumPy array. An array that already belongs to this
        library is returned as is.
        """
        if not self.library.on_host and is_array(host) and namespace_of(host) is self.xp:
            return self.library.detached(host)
        array = native(host if isinstance(host, np.ndarray) else np.asarray(detached(host)))
        if array.dtype.kind == "f":
            wanted = getattr(self.xp, self.dtype)
        elif array.dtype.kind in "iu":
            wanted = self.integer_dtype
        else:
            raise TypeError(f"cannot move an array of dtype {array.dtype}, expected floats or integers")
        return self.library.from_host(array, wanted, self.device, xp=self.xp)

    def to_host(self, array: Array) -> np.ndarray[Any, Any]:
        """Copy an array of this library back to the host, dtype unchanged."""
        return self.library.to_host(array)

    def compile(self, step: F, *, donate: tuple[int, ...] = ()) -> F:
        """Compile a pure step where this library can; see `portnn.backends.compile`."""
        return compile(step, donate=donate, xp=self.xp)

    def synchronize(self, array: Array) -> None:
        """Wait until `array` has been computed, for timing."""
        self.library.synchronize(array)

    def __reduce__(self) -> tuple[Callable[..., Backend], tuple[Any, ...]]:
        # Modules cannot be pickled, nor can the devices of some libraries.
        return _make, (self.name, self.library.portable_device(self.device), self.dtype)

    def __repr__(self) -> str:
        device = self.library.portable_device(self.device)
        where = "" if device is None else f", device={device!r}"
        return f"backend({self.name!r}{where}, dtype={self.dtype!r})"

    def __str__(self) -> str:
        return f"{self.name} ({self.library.device_name(self.device)}, {self.dtype})"


def backend(name: str = "auto", *, device: Any = None, dtype: str = "float32") -> Backend:
    """Choose an array library, a device and a floating dtype.

    Parameters
    ----------
    name : str
        One of the names that `portnn.backends` lists, such as "numpy" or "torch". "auto" is CuPy where a GPU really
        works (a small product is tried on it), else NumPy.
    device : str or object, optional
        A name that `portnn.backends` lists, or whatever the library takes: "cuda:1" or 1 for CuPy, a `torch.device`
        for PyTorch, "cpu", "gpu" or "gpu:1" for JAX and SYCL. None is the library's default. Of several processes that
        mpiexec or srun has started on a machine, each takes another GPU, if no number is given. CuPy and MLX compute
        on one device in the whole process, the one chosen last.
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
        raise ValueError(f"unknown dtype {brief(dtype)}; known: {', '.join(DTYPES)}")
    if name == "auto":
        if device is None:
            for library in LIBRARIES.values():
                if library.automatic and library.installed():
                    with contextlib.suppress(MissingBackendError, ValueError):
                        return _tried(_make(library.name, None, dtype))
        return _make("numpy", device, dtype)
    if name not in LIBRARIES:
        raise ValueError(f"unknown backend {brief(name)}; known: auto, {', '.join(LIBRARIES)}")
    library = LIBRARIES[name]
    if not library.installed():
        raise MissingBackendError(f"{name} is not installed; {library.install}")
    return _tried(_make(name, device, dtype))


def backend_of(**arrays: Array) -> Backend:
    """Backend that the given arrays live on.

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


def _make(name: str, spec: Any, dtype: str) -> Backend:
    library = library_named(name)
    try:
        module = library.load()
    except Exception as error:  # a broken installation can raise anything
        raise MissingBackendError(f"{name} cannot be imported: {one_line(error)}") from error
    try:
        xp = library.prepare(module, dtype)
    except Exception as error:  # no driver, no GPU
        raise MissingBackendError(f"{name} does not work here: {one_line(error)}") from error
    try:
        start = launched()
        if start is not None and start.place:
            spec = own_gpu(plain(spec), library.device_name(None), library.devices(xp=xp), start.place)
        device = None if spec is None else library.device(plain(spec), xp=xp)
    except Exception as error:  # each library has its own exception for this
        raise ValueError(f"{name} has no device {brief(spec)}: {one_line(error)}") from error
    known = library.dtypes(device, xp=xp)
    if dtype not in known:
        raise ValueError(f"{name} has no {dtype} on device {library.device_name(device)}, only {', '.join(known)}")
    library.select(device)
    return Backend(name, xp, device, dtype)


def _tried(chosen: Backend) -> Backend:
    """Return the backend if a small matrix product comes out right on it."""
    try:
        ones = chosen.asarray(np.ones((2, 2)))
        owner = array_library(ones)
        right = bool(np.all(chosen.to_host(chosen.xp.matmul(ones, ones)) == 2.0))
    except Exception as error:
        raise MissingBackendError(f"{chosen} does not work here: {one_line(error)}") from error
    if owner is not chosen.library:
        claimed = "no library" if owner is None else owner.name
        raise MissingBackendError(f"{chosen} does not work here: its arrays count as those of {claimed}")
    if not right:
        raise MissingBackendError(f"{chosen} does not work here: a 2 x 2 matrix product came out wrong")
    return chosen


def one_line(error: Exception) -> str:
    """First line of an exception's message, or its type where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
