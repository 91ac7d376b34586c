"""JAX: CPUs and NVIDIA GPUs, with every step compiled."""

from __future__ import annotations

import contextlib
from typing import Any

from portnn.backends.libraries.library import DTYPES, Library
from portnn.backends.libraries.primitives import Array, Carry, F, Namespace, Prepare, Step


class JAX(Library):
    """JAX without its autodiff."""

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
        self, target: Array, ids: Array, rows: Array, scale: Array | None, donate: bool, *, xp: Namespace
    ) -> Array:
        """Use JAX's own operation; under `compile` it writes into a donated table."""
        return target.at[ids].add(rows if scale is None else rows * scale)

    def without_stalls(self) -> contextlib.AbstractContextManager[Any]:
        """Forbid implicit copies between host and device."""
        import jax

        return jax.transfer_guard("disallow")  # type: ignore[no-any-return]


def _fused(step: Step[Carry], prepare: Prepare) -> Step[Carry]:
    def prepared(carry: Carry, now: tuple[Array, ...]) -> tuple[Carry, tuple[Array, ...]]:
        return step(carry, tuple(x[0, ...] for x in prepare(*(x[None, ...] for x in now))))

    return prepared
