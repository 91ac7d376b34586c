"""`scan`: a loop over time that carries a state along."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import array_api_compat as compat

from portnn.backends.namespaces import Array, Namespace

Carry = TypeVar("Carry")
Step = Callable[[Carry, tuple[Array, ...]], tuple[Carry, tuple[Array, ...]]]
Prepare = Callable[..., tuple[Array, ...]]

BLOCK = 1 << 14
"""On NumPy, so many time steps are prepared together that their states have up to about this many entries."""


def scan(
    step: Step[Carry],
    carry: Carry,
    xs: tuple[Array, ...],
    *,
    xp: Namespace,
    reverse: bool = False,
    prepare: Prepare | None = None,
    fusible: bool = False,
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
    prepare : callable, optional
        `prepare(*xs) -> xs for step`: elementwise work that does not depend on the carry. It is done for many
        time steps at once: for all of them, or for as many as stay in the processor's cache.
    fusible : bool
        A compiler may do the work of `prepare` inside the loop, step by step, where it fuses it with the step and
        saves memory. Not so where `prepare` holds a product, which is faster for all time steps at once.

    Returns
    -------
    carry
        State after the last step taken.
    ys : tuple of arrays (time, ...)
    """
    if compat.is_numpy_namespace(xp):
        return _scan_in_blocks(step, carry, xs, xp, reverse, prepare)
    if compat.is_jax_namespace(xp):
        from jax import lax

        if prepare is not None and fusible:
            return lax.scan(_fused(step, prepare), carry, xs, reverse=reverse)  # type: ignore[no-any-return]
        return lax.scan(step, carry, prepare(*xs) if prepare else xs, reverse=reverse)  # type: ignore[no-any-return]
    if prepare is not None:
        xs = prepare(*xs)
    times = list(zip(*map(xp.unstack, xs), strict=True))
    ys = []
    for now in reversed(times) if reverse else times:
        carry, y = step(carry, now)
        ys.append(y)
    if reverse:
        ys.reverse()
    return carry, tuple(xp.stack(y) for y in zip(*ys, strict=True))


def _fused(step: Step[Carry], prepare: Prepare) -> Step[Carry]:
    def prepared(carry: Carry, now: tuple[Array, ...]) -> tuple[Carry, tuple[Array, ...]]:
        return step(carry, tuple(x[0, ...] for x in prepare(*(x[None, ...] for x in now))))

    return prepared


def _scan_in_blocks(
    step: Step[Carry], carry: Carry, xs: tuple[Array, ...], xp: Namespace, reverse: bool, prepare: Prepare | None
) -> tuple[Carry, tuple[Array, ...]]:
    length = xs[0].shape[0]
    size = max(1, BLOCK // max(1, _entries(carry)))
    outputs: tuple[Any, ...] = ()
    starts = range(0, length, size)
    for start in reversed(starts) if reverse else starts:
        block = tuple(x[start : start + size] for x in xs)
        if prepare is not None:
            block = prepare(*block)
        ys = []
        for now in zip(*(x[::-1] for x in block), strict=True) if reverse else zip(*block, strict=True):
            carry, y = step(carry, now)
            ys.append(y)
        if reverse:
            ys.reverse()
        if not outputs:
            outputs = tuple(xp.empty((length, *y.shape), dtype=y.dtype) for y in ys[0])
        for output, parts in zip(outputs, zip(*ys, strict=True), strict=True):
            # One call for the whole block: assignments, or `stack`, would cost a small batch more than its arithmetic.
            place = output[start : start + size]
            if place.ndim > 1:
                xp.concat(parts, out=place.reshape(-1, *place.shape[2:]))
            else:
                place[:] = parts
    return carry, outputs


def _entries(carry: Any) -> int:
    while isinstance(carry, tuple):
        carry = carry[0]
    return math.prod(carry.shape)
