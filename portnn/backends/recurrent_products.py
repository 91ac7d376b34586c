"""Products of many small matrices, one after the other, with the same weights: what a recurrent loop does."""

from __future__ import annotations

from collections.abc import Callable

from portnn.backends.libraries import library_of
from portnn.backends.libraries.primitives import Array, Namespace


def gates_first(*, xp: Namespace) -> bool:
    """Whether a loop runs faster with each gate in a contiguous block, (gates, rows, n), or side by side.

    NumPy works on whole blocks. JAX fuses the arithmetic of all gates, and only the transposition would cost time.
    """
    return library_of(xp).gates_first


def slices_are_views(*, xp: Namespace) -> bool:
    """Whether a slice costs nothing. JAX copies one before it goes into a product."""
    return library_of(xp).slices_are_views


def product(weight: Array, rows: int, *, xp: Namespace) -> Callable[[Array], Array]:
    """Make the function ``x -> x @ weight`` for many x (rows, k), with weight (k, n).

    The sum over k may be taken in parts, so that results can differ from `matmul` in the last digits.
    """
    return library_of(xp).product(weight, rows, xp=xp)


def products(weight: Array, gates: int, rows: int, *, xp: Namespace) -> Callable[[Array], Array]:
    """Make a function from x (rows, k) to its products with several matrices, (gates, rows, n).

    The matrices lie side by side in weight (k, gates * n).
    """
    return library_of(xp).products(weight, gates, rows, xp=xp)
