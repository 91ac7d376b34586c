"""`compile`: make a pure step fast, where the library knows how."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import array_api_compat as compat

from portnn.backends.namespaces import Namespace

F = TypeVar("F", bound=Callable[..., object])


def compile(step: F, *, donate: tuple[int, ...] = (), xp: Namespace) -> F:
    """Return `step`, compiled where that changes nothing but its speed: `jax.jit` on JAX, itself elsewhere.

    Parameters
    ----------
    step : callable
        A pure function of arrays, and tuples, named tuples and dicts of arrays, to the same.
    donate : tuple of int
        Places of the arguments whose arrays nobody needs after the call, so that their memory may be written to.
    """
    if compat.is_jax_namespace(xp):
        import jax

        return jax.jit(step, donate_argnums=donate)  # type: ignore[no-any-return]
    return step
