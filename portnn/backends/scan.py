"""`scan`: a loop over time that carries a state along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import array_api_compat as compat

from portnn.backends.namespace import Array, Namespace

Carry = TypeVar("Carry")
Step = Callable[[Carry, tuple[Array, ...]], tuple[Carry, tuple[Array, ...]]]


def scan(
    step: Step[Carry], carry: Carry, xs: tuple[Array, ...], *, xp: Namespace, reverse: bool = False
) -> tuple[Carry, tuple[Array, ...]]:
    """Fold `step` over the leading axis of `xs` and collect what it puts out.

    Parameters
    ----------
    step : callable
        `step(carry, (x_t, ...)) -> (carry, (y_t, ...))`, a pure function of arrays.
    carry : array or nested tuple of arrays
        State before the first step; every step returns one of the same shapes and dtypes.
    xs : tuple of arrays (time, ...)
        At least one array, and at least one time step.
    reverse : bool
        Go from the last time step to the first. Outputs keep the order of `xs`.

    Returns
    -------
    carry
        State after the last step taken.
    ys : tuple of arrays (time, ...)
    """
    if compat.is_jax_namespace(xp):
        from jax import lax

        return lax.scan(step, carry, xs, reverse=reverse)  # type: ignore[no-any-return]
    if compat.is_numpy_namespace(xp):
        return _scan_in_place(step, carry, xs, xp, reverse)
    times = list(zip(*map(xp.unstack, xs), strict=True))
    ys = []
    for now in reversed(times) if reverse else times:
        carry, y = step(carry, now)
        ys.append(y)
    if reverse:
        ys.reverse()
    return carry, tuple(xp.stack(y) for y in zip(*ys, strict=True))


def _scan_in_place(
    step: Step[Carry], carry: Carry, xs: tuple[Array, ...], xp: Namespace, reverse: bool
) -> tuple[Carry, tuple[Array, ...]]:
    # One copy of each output straight into its place: `stack` would first expand every array by an axis.
    outputs: tuple[Any, ...] = ()
    length = xs[0].shape[0]
    times = zip(*(x[::-1] for x in xs), strict=True) if reverse else zip(*xs, strict=True)
    for t, now in enumerate(times):
        carry, ys = step(carry, now)
        if not outputs:
            outputs = tuple(xp.empty((length, *y.shape), dtype=y.dtype) for y in ys)
        at = length - 1 - t if reverse else t
        for output, y in zip(outputs, ys, strict=True):
            output[at] = y
    return carry, outputs
