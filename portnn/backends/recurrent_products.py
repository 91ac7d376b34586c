"""Products of many small matrices, one after the other, with the same weights: what a recurrent loop does.

On NumPy the time of such a product lies in how it reaches OpenBLAS. Its AVX-512 kernels multiply small matrices
(up to a million multiplications) where they lie; anything larger is first packed, which for few rows costs a third
of the time. So the weights are cut, once, into blocks of columns that stay below that size, and one call of
`matmul` goes over the stack of blocks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import array_api_compat as compat

from portnn.backends.namespaces import Array, Namespace
from portnn.process import blas_libraries

SMALL = 1_000_000
"""Multiplications up to which OpenBLAS's AVX-512 kernels do not pack."""

NARROWEST, ROWS = 32, 8
"""Fewest columns of a block, and fewest rows of x, for which cutting pays."""

AVX512_KERNELS = {"SkylakeX", "Cooperlake", "SapphireRapids"}


def gates_first(*, xp: Namespace) -> bool:
    """Whether a loop runs faster with each gate in a contiguous block, (gates, rows, n), or side by side.

    NumPy works on whole blocks. JAX fuses the arithmetic of all gates, and only the transposition would cost time.
    """
    return not compat.is_jax_namespace(xp)


def slices_are_views(*, xp: Namespace) -> bool:
    """Whether a slice costs nothing. JAX copies one before it goes into a product."""
    return not compat.is_jax_namespace(xp)


def product(weight: Array, rows: int, *, xp: Namespace) -> Callable[[Array], Array]:
    """Make the function ``x -> x @ weight`` for many x (rows, k), with weight (k, n).

    The sum over k may be taken in parts, so that results can differ from `matmul` in the last digits.
    """
    if compat.is_numpy_namespace(xp):
        k, n = weight.shape
        for parts in (1, 2, 4, 8):
            columns = _columns(rows, k // parts, n) if k % parts == 0 else 0
            if columns:
                return _in_blocks(weight.reshape(parts, k // parts, n), rows, columns, xp)
    return lambda x: xp.matmul(x, weight)


def products(weight: Array, gates: int, rows: int, *, xp: Namespace) -> Callable[[Array], Array]:
    """Make a function from x (rows, k) to its products with several matrices, (gates, rows, n).

    The matrices lie side by side in weight (k, gates * n).
    """
    k, n = weight.shape[0], weight.shape[1] // gates
    if not compat.is_numpy_namespace(xp):
        return lambda x: xp.permute_dims(xp.reshape(xp.matmul(x, weight), (rows, gates, n)), (1, 0, 2))
    columns = _columns(rows, k, n)
    if not columns:  # methods: at batch 1, NumPy's functions of these names would take as long as the product
        return lambda x: xp.matmul(x, weight).reshape(rows, gates, n).transpose(1, 0, 2)
    blocks = xp.ascontiguousarray(weight.reshape(k, gates, n // columns, columns).transpose(1, 2, 0, 3))

    def multiply(x: Array) -> Array:
        result = xp.empty((gates, rows, n), dtype=xp.result_type(x, weight))
        xp.matmul(x, blocks, out=result.reshape(gates, rows, -1, columns).transpose(0, 2, 1, 3))
        return result

    return multiply


def _in_blocks(weight: Array, rows: int, columns: int, xp: Namespace) -> Callable[[Array], Array]:
    parts, k, n = weight.shape
    blocks = xp.ascontiguousarray(weight.reshape(parts, k, n // columns, columns).transpose(0, 2, 1, 3))

    def multiply(x: Array) -> Array:
        result = xp.empty((parts, rows, n), dtype=xp.result_type(x, weight))
        place = result.reshape(parts, rows, -1, columns).transpose(0, 2, 1, 3)
        xp.matmul(x.reshape(rows, parts, 1, k).transpose(1, 2, 0, 3), blocks, out=place)
        return result[0] if parts == 1 else xp.add.reduce(result, axis=0)

    return multiply


def _columns(rows: int, k: int, n: int) -> int:
    """Columns of a block: as many as divide n and stay small; 0 where the product should be left whole."""
    if rows < ROWS or not k or not _small_kernels():
        return 0
    return next((size for size in range(min(SMALL // (rows * k), n), NARROWEST - 1, -1) if n % size == 0), 0)


@functools.cache
def _small_kernels() -> bool:
    return any(library["architecture"] in AVX512_KERNELS for library in blas_libraries())
