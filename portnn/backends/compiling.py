"""`compile`: make a pure step fast, where the library knows how."""

from __future__ import annotations

from portnn.backends.libraries import library_of
from portnn.backends.libraries.primitives import F, Namespace


def compile(step: F, *, donate: tuple[int, ...] = (), xp: Namespace) -> F:
    """Return `step`, made as fast as the library can make it without changing what it computes.

    That is `jax.jit` on JAX. On MLX, which is lazy, the step also starts computing its results. Elsewhere
    it is the step itself.

    Parameters
    ----------
    step : callable
        A pure function from arrays, or tuples, named tuples and dicts of arrays, to the same.
    donate : tuple of int
        Positions of arguments that are not needed after the call, so that their memory may be overwritten.
    """
    return library_of(xp).compile(step, donate, xp=xp)
