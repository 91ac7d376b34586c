"""MLX: Apple GPUs, and CPUs.

MLX is lazy, so a step ends by starting to compute what it returns; otherwise the graph of operations would grow until
a loss is read.

CPU and GPU share memory, and arrays have no device: operations run on the process's default device.

float64 works on the CPU only. Even there `exp`, `sin`, `cos`, `sigmoid`, `softmax`, `logsumexp`, `logaddexp` and `erf`
compute in single precision (version 0.32). The two that portnn calls, `exp` and `logaddexp`, are replaced here by
`expm1` and `log1p`, which do not, so float64 meets the same tolerances as elsewhere.
"""

from __future__ import annotations

import copyreg
import functools
import math
import types
from typing import Any

import numpy as np

from portnn.backends.libraries.library import DTYPES, Library, writable
from portnn.backends.libraries.primitives import Array, F, Namespace
from portnn.backends.libraries.runs import sum_runs

PART = 1 << 10
"""Numbers that are added one after the other."""


class MLX(Library):
    """MLX behind a namespace that has the standard's keywords."""

    name = "mlx"
    module = "mlx.core"
    namespaces = ("mlx",)
    array_class = "array"
    install = 'python -m pip install "portnn[mlx]"'
    gpus = ("Apple",)
    scikit_learn = False
    proof_devices = ("cpu",)

    def load(self) -> Any:
        """Let float64 arrays keep their digits when pickled; by default they become float32."""
        module = super().load()
        copyreg.pickle(module.array, _reduced)
        return module

    def select(self, device: Any) -> None:
        """Make the device the process's default."""
        import mlx.core as mx

        if device is not None:
            mx.set_default_device(getattr(mx, device))

    def namespace_of(self, array: Array) -> Namespace:
        """Not the array's own namespace, which is plain MLX."""
        return namespace()

    def devices(self, *, xp: Namespace) -> list[str]:
        """The CPU, and the GPU if there is one."""
        import mlx.core as mx

        return ["cpu", *(["gpu"] if mx.is_available(mx.gpu) else [])]

    def device(self, spec: Any, *, xp: Namespace) -> Any:
        """Either of two names."""
        known = self.devices(xp=xp)
        if spec not in known:
            raise ValueError(f"known: {', '.join(known)}")
        return spec

    def device_of(self, array: Array) -> Any:
        """Device that operations run on."""
        import mlx.core as mx

        return mx.default_device().type.name

    def device_name(self, device: Any) -> str:
        """Devices are names already."""
        return str(self.device_of(None)) if device is None else str(device)

    def dtypes(self, device: Any, *, xp: Namespace) -> list[str]:
        """Apple's GPUs have no float64."""
        return list(DTYPES) if self.device_name(device) == "cpu" else ["float32"]

    def integer_dtype(self, device: Any, *, xp: Namespace) -> Any:
        """Dtype that MLX gives Python's integers."""
        return xp.int32

    def from_host(self, array: np.ndarray[Any, Any], dtype: Any, device: Any, *, xp: Namespace) -> Array:
        """MLX does not support negative strides."""
        return xp.asarray(writable(array), dtype=dtype)

    def to_host(self, array: Array) -> np.ndarray[Any, Any]:
        """NumPy has no bfloat16."""
        import mlx.core as mx

        return np.asarray(array.astype(mx.float32) if array.dtype == mx.bfloat16 else array)

    def synchronize(self, array: Array) -> None:
        """Compute an array."""
        import mlx.core as mx

        mx.eval(array)

    def compile(self, step: F, donate: tuple[int, ...], *, xp: Namespace) -> F:
        """Start computing what the step returns, while Python goes on to the next one.

        `mlx.core.compile` is not used. On a CPU it calls a C++ compiler: a training step of an LSTM then took 37
        seconds the first time and 7 % less from then on. On an Apple GPU it is unmeasured.
        """
        import mlx.core as mx

        @functools.wraps(step)
        def started(*args: Any, **kwargs: Any) -> Any:
            result = step(*args, **kwargs)
            mx.async_eval(result)
            return result

        return started  # type: ignore[return-value]

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
        """Use MLX's own operation; on a GPU, where its additions are atomic, once for each id."""
        rows = rows if scale is None else rows * scale
        if self._adds_atomically() and not coalesced:
            ids, rows, _ = sum_runs(ids, rows, xp=xp)
        return target.at[ids].add(rows)

    def coalesce(self, ids: Array, rows: Array, *, xp: Namespace) -> tuple[Array, Array, Array]:
        """Sum without atomic additions on a GPU."""
        return (sum_runs if self._adds_atomically() else super().coalesce)(ids, rows, xp=xp)

    def _adds_atomically(self) -> bool:
        return self.device_of(None) != "cpu"  # type: ignore[no-any-return]


class Adapted:
    """MLX's functions with the keywords of the standard that they lack: `device`, `copy` and `stable`."""

    __name__ = "mlx"

    def __init__(self) -> None:
        import mlx.core as mx

        self._mx = mx
        self.bool = mx.bool_
        self.linalg = types.SimpleNamespace(vector_norm=mx.linalg.norm)
        for name in ("arange", "empty", "eye", "full", "linspace", "ones", "zeros"):
            setattr(self, name, _without_device(getattr(mx, name)))
        for name in ("empty_like", "full_like", "ones_like", "zeros_like"):
            setattr(self, name, _without_device(getattr(mx, name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mx, name)

    def __array_namespace_info__(self) -> Any:
        """MLX's answers for its default device: ours are names, which it does not know."""
        info = self._mx.__array_namespace_info__()
        asked = {name: _without_device(getattr(info, name)) for name in ("default_dtypes", "dtypes")}
        return types.SimpleNamespace(
            capabilities=info.capabilities, default_device=info.default_device, devices=info.devices, **asked
        )

    def asarray(self, obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Array:
        """Memory is shared where it can be."""
        return self._mx.asarray(obj, dtype, copy=copy)

    def astype(self, x: Array, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Array:
        """Arrays are never modified by others, so a copy changes nothing."""
        return self._mx.astype(x, dtype)

    def argsort(self, x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
        """Indices that sort; MLX has one sort, which is stable on the CPU."""
        return self._mx.argsort(-x if descending else x, axis=axis)

    def sum(self, x: Array, /, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Array:
        """Sum, in parts for long vectors: on the CPU, MLX's running sum of 3 million float32 numbers is 2 % off."""
        x = x if dtype is None else self._mx.astype(x, dtype)
        whole = axis is None or x.ndim == 1
        if not whole or keepdims or x.size <= PART:
            return self._mx.sum(x, axis=axis, keepdims=keepdims)
        flat, parts = self._mx.reshape(x, (-1,)), x.size // PART
        sums = self._mx.sum(self._mx.reshape(flat[: parts * PART], (parts, PART)), axis=1)
        return self.sum(sums) + self._mx.sum(flat[parts * PART :])

    def vecdot(self, x: Array, y: Array, /, *, axis: int = -1) -> Array:
        """Dot products, summed as above."""
        return self.sum(x * y, axis=axis)

    def matmul(self, x: Array, y: Array, /) -> Array:
        """Matrix product; that of two vectors is a sum."""
        return self._mx.matmul(x, y) if x.ndim + y.ndim > 2 else self.sum(x * y)

    def exp(self, x: Array, /) -> Array:
        """Exponential, in float64 from `expm1` on the side where nothing cancels."""
        if x.dtype != self._mx.float64:
            return self._mx.exp(x)
        grown = 1.0 + self._mx.expm1(self._mx.abs(x))
        return self._mx.where(x < 0.0, 1.0 / grown, grown)

    def logaddexp(self, x: Array, y: Array, /) -> Array:
        """``log(exp(x) + exp(y))``."""
        if x.dtype != self._mx.float64:
            return self._mx.logaddexp(x, y)
        apart = self.exp(-self._mx.abs(x - y))
        # The difference of equal infinities is NaN.
        return self._mx.where(x == y, x + math.log(2.0), self._mx.maximum(x, y) + self._mx.log1p(apart))


def _reduced(array: Array) -> Any:
    import mlx.core as mx

    return (_restored, (np.asarray(array),)) if array.dtype == mx.float64 else array.__reduce_ex__(2)


def _restored(host: np.ndarray[Any, Any]) -> Array:
    import mlx.core as mx

    return mx.asarray(host, mx.float64, copy=True)


@functools.cache
def namespace() -> Adapted:
    """The one namespace, so that it can be compared with `is`."""
    return Adapted()


def _without_device(create: Any) -> Any:
    @functools.wraps(create)
    def created(*args: Any, device: Any = None, **kwargs: Any) -> Array:
        return create(*args, **kwargs)

    return created
