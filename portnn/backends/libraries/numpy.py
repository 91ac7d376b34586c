"""NumPy: the host itself, where a call costs as much as the arithmetic of a small array.

The products of a recurrent loop reach OpenBLAS again and again with the same weights. Its AVX-512 kernels multiply
small matrices (up to a million multiplications) unpacked; anything larger is first packed, which for few rows costs a
third of the time. So the weights are cut, once, into blocks of columns that stay below that size, and one call of
`matmul` multiplies the stack of blocks. If they are left whole, array methods multiply and reshape: at batch 1, NumPy's
functions of the same names would take as long as the product itself.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from portnn.backends.libraries.library import Library
from portnn.backends.libraries.primitives import Array, Carry, F, Namespace, Prepare, Step
from portnn.backends.libraries.windows import Window
from portnn.process import blas_libraries

ONE_HOT_ROWS = 512
"""Tables up to this many rows are summed by a one-hot matrix product, unless they are donated."""

BLOCK = 1 << 14
"""Time steps prepared together have states of up to about this many entries in all."""

SMALL = 1_000_000
"""Multiplications up to which OpenBLAS's AVX-512 kernels do not pack."""

NARROWEST, ROWS = 32, 8
"""Fewest columns of a block, and fewest rows of x, for which cutting pays."""

MANY = 512
"""Rows from which matrices side by side are multiplied one after the other: their products stay in the cache."""

AVX512_KERNELS = {"SkylakeX", "Cooperlake", "SapphireRapids"}


class NumPy(Library):
    """NumPy follows the standard by itself; a wrapper would only slow small arrays down."""

    name = "numpy"
    module = "numpy"
    namespaces = ("numpy", "array_api_compat.numpy")
    install = "python -m pip install numpy"
    on_host = True
    patch_entries = 1 << 19  # patches that stay in the processor's cache are multiplied faster
    writes_donated = True

    def is_array(self, value: object) -> bool:
        """NumPy's scalars are arrays, too."""
        return isinstance(value, (np.ndarray, np.generic))

    def namespace_of(self, array: Array) -> Namespace:
        """NumPy itself."""
        return np

    def compile(self, step: F, donate: tuple[int, ...], *, xp: Namespace) -> F:
        """Run the step without warnings: of numbers that are not finite, the loss tells, as on every library."""
        return np.errstate(all="ignore")(step)

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
        """Loop in Python; prepare and stack as many time steps at a time as fit into the cache."""
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
                outputs = tuple(np.empty((length, *y.shape), dtype=y.dtype) for y in ys[0])
            for output, parts in zip(outputs, zip(*ys, strict=True), strict=True):
                # One call for the whole block: assignments, or `stack`, would cost a small batch more than its
                # arithmetic.
                place = output[start : start + size]
                if place.ndim > 1:
                    np.concat(parts, out=place.reshape(-1, *place.shape[2:]))
                else:
                    place[:] = parts
        return carry, outputs

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
        """Add to a large or donated table with SciPy's sparse kernel, or without SciPy by runs of sorted ids."""
        if not donate and target.shape[0] <= ONE_HOT_ROWS:
            return super().scatter_add(target, ids, rows, scale, donate, xp=xp)
        add_columns = _sparse_kernel()
        if add_columns is not None and target.flags.c_contiguous:
            return _by_columns(target if donate else target.copy(), ids, rows, scale, add_columns)
        return _by_segments(target if donate else target.copy(), ids, rows if scale is None else rows * scale)

    def minus_one_hot(self, x: Array, ids: Array, amounts: Array | float, *, xp: Namespace) -> Array:
        """Touch one entry of each row."""
        rows = x.reshape(-1, x.shape[-1])
        rows[np.arange(rows.shape[0]), ids.reshape(-1)] -= np.broadcast_to(amounts, (*ids.shape, 1)).reshape(-1)
        return x

    def coalesce(self, ids: Array, rows: Array, *, xp: Namespace) -> tuple[Array, Array, Array]:
        """Keep each id once: a shape may depend on data here."""
        unique, places = np.unique(ids, return_inverse=True)
        sums = self.scatter_add(np.zeros((unique.size, rows.shape[1]), rows.dtype), places, rows, None, True, xp=xp)
        return unique, sums, np.ones((unique.size, 1), dtype=rows.dtype)

    def where_running(
        self, running: Array, new: tuple[Array, ...], old: tuple[Array, ...], *, xp: Namespace
    ) -> tuple[Array, ...]:
        """Where all rows run, as in most time steps of a batch of similar lengths, there is nothing to choose."""
        return new if running.all() else super().where_running(running, new, old, xp=xp)

    def zero_padding(self, running: Array, sequence: Array, *, xp: Namespace) -> Array:
        """Change the time steps that have padding alone."""
        padded = np.flatnonzero(~running.reshape(len(running), -1).all(axis=1))
        if not padded.size:
            return sequence
        result, first = sequence.copy(), padded[0]
        np.copyto(result[first:], 0, where=~running[first:])
        return result

    def padded(self, x: Array, window: Window, value: float, *, xp: Namespace) -> Array:
        """Write the picture into its frame."""
        height, width = window.padded(*x.shape[1:3])
        result = np.full((x.shape[0], height, width, x.shape[3]), value, dtype=x.dtype)
        _inside(result, x.shape[1:3], window)[...] = x
        return result

    def patches(self, x: Array, window: Window, *, xp: Namespace) -> Array:
        """Copy a view in which patches overlap."""
        view = np.lib.stride_tricks.as_strided(x, *window.view(x.shape, x.strides), writeable=False)
        return view.reshape(*view.shape[:3], window.positions * x.shape[3])

    def add_patches(self, pieces: Iterable[Array], size: tuple[int, int], window: Window, *, xp: Namespace) -> Array:
        """Without overlap, write each piece in its place."""
        if window.overlaps:
            return super().add_patches(pieces, size, window, xp=xp)
        height, width = window.padded(*size)
        pieces = list(pieces)
        shape = (pieces[0].shape[0], height, width, pieces[0].shape[3])
        result = np.zeros(shape, dtype=pieces[0].dtype)
        for piece, (rows, columns) in zip(pieces, window.slices(height, width), strict=True):
            result[:, rows, columns, :] = piece
        return _inside(result, size, window)

    def product(self, weight: Array, rows: int, *, xp: Namespace) -> Callable[[Array], Array]:
        """Cut the product into blocks where that pays."""
        k, n = weight.shape
        for parts in (1, 2, 4, 8):
            columns = _columns(rows, k // parts, n) if k % parts == 0 else 0
            if columns:
                return _in_blocks(weight.reshape(parts, k // parts, n), rows, columns)
        return lambda x: x.dot(weight)

    def products(self, weight: Array, gates: int, rows: int, *, xp: Namespace) -> Callable[[Array], Array]:
        """Cut the products into blocks where that pays."""
        k, n = weight.shape[0], weight.shape[1] // gates
        columns = _columns(rows, k, n)
        if rows >= MANY:
            stack = np.ascontiguousarray(weight.reshape(k, gates, n).transpose(1, 0, 2))
            return lambda x: np.matmul(x, stack)
        if not columns:
            return lambda x: x.dot(weight).reshape(rows, gates, n).transpose(1, 0, 2)
        blocks = np.ascontiguousarray(weight.reshape(k, gates, n // columns, columns).transpose(1, 2, 0, 3))

        def multiply(x: Array) -> Array:
            result = np.empty((gates, rows, n), dtype=np.result_type(x, weight))
            np.matmul(x, blocks, out=result.reshape(gates, rows, -1, columns).transpose(0, 2, 1, 3))
            return result

        return multiply


def _inside(padded: Array, size: tuple[int, int], window: Window) -> Array:
    (top, _), (left, _) = window.padding
    return padded[:, top : top + size[0], left : left + size[1], :]


def _entries(carry: Any) -> int:
    while isinstance(carry, tuple):
        carry = carry[0]
    return math.prod(carry.shape)


@functools.cache
def _sparse_kernel() -> Callable[..., None] | None:
    # SciPy's public sparse product always makes a new array of the size of the table; the kernel below it adds to
    # an existing one, row by row, which is just what is needed. It is not public, so it may disappear one day.
    try:
        from scipy.sparse._sparsetools import csc_matvecs
    except ImportError:
        return None
    return csc_matvecs  # type: ignore[no-any-return]


def _by_columns(target: Array, ids: Array, rows: Array, scale: Array | None, add: Callable[..., None]) -> Array:
    # A sparse matrix (n, k) that has one entry, `scale`, in each column, times the rows: target += matrix @ rows.
    count, width = rows.shape
    if count:
        ids = np.ascontiguousarray(ids, dtype=np.int64)
        # The kernel would write outside the table. Read as unsigned, a negative id is huge.
        if int(ids.view(np.uint64).max()) >= target.shape[0]:
            raise IndexError(f"scatter_add: ids lie in {ids.min()}..{ids.max()}, expected 0..{target.shape[0] - 1}")
        entries = np.full(count, 1.0 if scale is None else scale, dtype=rows.dtype)
        rows = np.ascontiguousarray(rows)
        columns = np.arange(count + 1, dtype=np.int64)
        add(target.shape[0], count, width, columns, ids, entries, rows.reshape(-1), target.reshape(-1))
    return target


def _by_segments(target: Array, ids: Array, rows: Array) -> Array:
    # Sorting brings equal ids together; one call then sums every run. `add.at` goes row by row.
    order = np.argsort(ids, stable=True)
    sorted_ids = ids[order]
    starts = np.flatnonzero(np.concatenate((np.ones_like(ids[:1], dtype=bool), sorted_ids[1:] != sorted_ids[:-1])))
    if ids.shape[0]:
        target[sorted_ids[starts]] += np.add.reduceat(rows[order], starts, axis=0)
    return target


def _in_blocks(weight: Array, rows: int, columns: int) -> Callable[[Array], Array]:
    parts, k, n = weight.shape
    blocks = np.ascontiguousarray(weight.reshape(parts, k, n // columns, columns).transpose(0, 2, 1, 3))

    def multiply(x: Array) -> Array:
        result = np.empty((parts, rows, n), dtype=np.result_type(x, weight))
        place = result.reshape(parts, rows, -1, columns).transpose(0, 2, 1, 3)
        np.matmul(x.reshape(rows, parts, 1, k).transpose(1, 2, 0, 3), blocks, out=place)
        return result[0] if parts == 1 else np.add.reduce(result, axis=0)

    return multiply


def _columns(rows: int, k: int, n: int) -> int:
    """Columns of a block: the most that divide n and stay small; 0 if the product should be left whole."""
    if rows < ROWS or not k or not _small_kernels():
        return 0
    return next((size for size in range(min(SMALL // (rows * k), n), NARROWEST - 1, -1) if n % size == 0), 0)


@functools.cache
def _small_kernels() -> bool:
    return any(library["architecture"] in AVX512_KERNELS for library in blas_libraries())
