"""`scan`: a loop over time that carries a state along."""

from __future__ import annotations

from portnn.backends.libraries import library_of
from portnn.backends.libraries.primitives import Array, Carry, Namespace, Prepare, Step


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
    """Fold `step` over the leading axis of `xs` and collect its outputs.

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
        A compiler may do the work of `prepare` inside the loop, fused with each step, which saves memory. False
        if `prepare` contains a product, which is faster for all time steps at once.

    Returns
    -------
    carry
        State after the last step taken.
    ys : tuple of arrays (time, ...)
    """
    return library_of(xp).scan(step, carry, xs, reverse, prepare, fusible, xp=xp)
