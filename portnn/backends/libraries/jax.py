"""JAX: CPUs and NVIDIA GPUs, with every step compiled."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable
from typing import Any

from portnn.backends.libraries.library import DTYPES, Library
from portnn.backends.libraries.primitives import Array, Carry, F, Namespace, Prepare, Step
from portnn.backends.libraries.runs import ONE_HOT_ROWS, sum_runs
from portnn.backends.libraries.windows import Window


class JAX(Library):
    """JAX without its autodiff, behind a namespace that multiplies in single precision on a GPU, too."""

    name = "jax"
    module = "jax.numpy"
    install = 'python -m pip install "portnn[jax]"'
    gpus = ("NVIDIA",)
    compiles = True
    gates_first = False
    slices_are_views = False

    def prepare(self, module: Any, dtype: str) -> Namespace:
        """For float64, turn on the process-wide flag without which JAX computes in float32."""
        import jax

        if dtype == "float64":
            jax.config.update("jax_enable_x64", True)
        return super().prepare(module, dtype)

    def namespace_of(self, array: Array) -> Namespace:
        """Not the array's own namespace, which is plain `jax.numpy`."""
        return namespace()

    def devices(self, *, xp: Namespace) -> list[str]:
        """All devices of the default platform."""
        import jax

        return [self.device_name(device) for device in jax.devices()]

    def device(self, spec: Any, *, xp: Namespace) -> Any:
        """A platform, or a platform, a colon and a device number."""
        import jax

        if not isinstance(spec, str):
            return super().device(spec, xp=xp)
        platform, _, index = spec.partition(":")
        return jax.devices({"cuda": "gpu"}.get(platform, platform))[int(index or 0)]

    def device_name(self, device: Any) -> str:
        """Name that `device` takes, unlike JAX's own display names."""
        import jax

        device = jax.devices()[0] if device is None else device
        return f"{device.platform}:{device.id}"

    def dtypes(self, device: Any, *, xp: Namespace) -> list[str]:
        """All, since `prepare` turns float64 on."""
        return list(DTYPES)

    def synchronize(self, array: Array) -> None:
        """Wait for one array."""
        array.block_until_ready()

    def compile(self, step: F, donate: tuple[int, ...], *, xp: Namespace) -> F:
        """Let XLA compile the whole step."""
        import jax

        return jax.jit(step, donate_argnums=donate)  # type: ignore[no-any-return]

    def scan(
        self,
        step: Step[Carry],
        carry: Carry,
        xs: tuple[Array, ...],
        reverse: bool,
        prepare: Prepare | None,
        fusible: bool,
        *,
        xp: Namespace,
    ) -> tuple[Carry, tuple[Array, ...]]:
        """Use `lax.scan`: a compiled step does not grow with the number of time steps."""
        from jax import lax

        if prepare is not None and fusible:
            return lax.scan(_fused(step, prepare), carry, xs, reverse=reverse)  # type: ignore[no-any-return]
        return lax.scan(step, carry, xs if prepare is None else prepare(*xs), reverse=reverse)  # type: ignore[no-any-return]

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
        """Use JAX's own operation; on a GPU, where its additions are atomic, once for each id.

        Under `compile` it writes into a donated table.
        """
        from jax import lax

        rows = rows if scale is None else rows * scale

        def in_any_order(target: Array, ids: Array, rows: Array) -> Array:
            return target.at[ids].add(rows)

        def in_one_order(target: Array, ids: Array, rows: Array) -> Array:
            if not donate and target.shape[0] <= ONE_HOT_ROWS:
                return super(JAX, self).scatter_add(target, ids, rows, None, donate, xp=xp)
            return in_any_order(target, *sum_runs(ids, rows, xp=xp)[:2])

        if coalesced:
            return in_any_order(target, ids, rows)
        return lax.platform_dependent(target, ids, rows, cpu=in_any_order, default=in_one_order)

    def coalesce(self, ids: Array, rows: Array, *, xp: Namespace) -> tuple[Array, Array, Array]:
        """Sum without atomic additions on a GPU."""
        from jax import lax

        on_cpu, on_gpu = (functools.partial(way, xp=xp) for way in (super().coalesce, sum_runs))
        return lax.platform_dependent(ids, rows, cpu=on_cpu, default=on_gpu)  # type: ignore[no-any-return]

    def add_patches(self, pieces: Iterable[Array], size: tuple[int, int], window: Window, *, xp: Namespace) -> Array:
        """Pad each position's pieces to the size of the pictures and add them, which XLA does in one loop."""
        from jax import lax

        height, width = window.padded(*size)
        padded = []
        for piece, places in zip(pieces, window.slices(height, width), strict=True):
            zero = xp.zeros((), dtype=piece.dtype)
            margins = [
                (place.start, length - place.stop, stride - 1)
                for place, length, stride in zip(places, (height, width), window.stride, strict=True)
            ]
            padded.append(lax.pad(piece, zero, [(0, 0, 0), *margins, (0, 0, 0)]))
        (top, _), (left, _) = window.padding
        return sum(padded[1:], padded[0])[:, top : top + size[0], left : left + size[1], :]

    def without_stalls(self) -> contextlib.AbstractContextManager[Any]:
        """Forbid implicit copies between host and device."""
        import jax

        return jax.transfer_guard("disallow")  # type: ignore[no-any-return]


class Precise:
    """`jax.numpy`, but where JAX would multiply float32 matrices in TF32 or less, portnn asks for float32.

    `jax_default_matmul_precision`, if it is set, decides instead.
    """

    __name__ = "jax.numpy"

    def __init__(self) -> None:
        import jax.numpy

        self._numpy = jax.numpy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._numpy, name)

    def matmul(self, x1: Array, x2: Array, /) -> Array:
        """Matrix product."""
        return self._numpy.matmul(x1, x2, precision=_precision())

    def vecdot(self, x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
        """Dot products, which XLA also computes as matrix products."""
        return self._numpy.vecdot(x1, x2, axis=axis, precision=_precision())


def _precision() -> str | None:
    import jax

    asked = jax.config.jax_default_matmul_precision is None and jax.default_backend() != "cpu"
    return "float32" if asked else None


@functools.cache
def namespace() -> Namespace:
    """Namespace that is the same for every array."""
    return Precise()


def _fused(step: Step[Carry], prepare: Prepare) -> Step[Carry]:
    def prepared(carry: Carry, now: tuple[Array, ...]) -> tuple[Carry, tuple[Array, ...]]:
        return step(carry, tuple(x[0, ...] for x in prepare(*(x[None, ...] for x in now))))

    return prepared
