"""`Primitives`: what training needs and the standard leaves out, in bodies that any library of the standard can run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from portnn.backends.libraries.windows import Window

Array = Any
"""An array of any library that follows the Python array API standard."""

Namespace = Any
"""The functions that go with an `Array`, as the standard names them."""

Carry = TypeVar("Carry")
Step = Callable[[Carry, tuple[Array, ...]], tuple[Carry, tuple[Array, ...]]]
Prepare = Callable[..., tuple[Array, ...]]
F = TypeVar("F", bound=Callable[..., object])

ONE_HOT_ELEMENTS = 1 << 22
"""One-hot matrices hold at most about this many elements, to bound their memory."""


class Primitives:
    """Generic bodies of the functions of the same names in `portnn.backends`, which document them."""

    def compile(self, step: F, donate: tuple[int, ...], *, xp: Namespace) -> F:
        """Return the step itself."""
        return step

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
        """Loop over time in Python, after preparing all time steps at once."""
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
        """Multiply with one-hot rows, block by block."""
        if scale is not None:
            rows = rows * scale
        block = max(1, ONE_HOT_ELEMENTS // max(1, target.shape[0]))
        result = target
        for start in range(0, ids.shape[0], block):
            stop = min(start + block, ids.shape[0])
            some = self.one_hot(ids[start:stop], target.shape[0], rows.dtype, xp=xp)
            result = result + xp.matmul(some.T, rows[start:stop, ...])
        return result

    def one_hot(self, ids: Array, depth: int, dtype: object, *, xp: Namespace) -> Array:
        """Compare each id with every class."""
        return xp.astype(self._is_class(ids, depth, xp), dtype)

    def _is_class(self, ids: Array, depth: int, xp: Namespace) -> Array:
        return ids[..., None] == xp.arange(depth, dtype=ids.dtype, device=self.device_of(ids))

    def minus_one_hot(self, x: Array, ids: Array, amounts: Array | float, *, xp: Namespace) -> Array:
        """Choose entry by entry."""
        return xp.where(self._is_class(ids, x.shape[-1], xp), x - amounts, x)

    def coalesce(self, ids: Array, rows: Array, *, xp: Namespace) -> tuple[Array, Array, Array]:
        """Sort by id and sum each run into its first row, so that no shape depends on data."""
        if not ids.shape[0]:
            return ids, rows, rows[:, :1]
        order = xp.argsort(ids, stable=True)
        ids = xp.take(ids, order, axis=0)
        new = xp.concat([xp.ones_like(ids[:1]), xp.astype(ids[1:] != ids[:-1], ids.dtype)])
        segment = xp.cumulative_sum(new) - 1
        sums = self.scatter_add(xp.zeros_like(rows), segment, xp.take(rows, order, axis=0), None, False, xp=xp)
        leads = xp.astype(new, rows.dtype)[:, None]
        return ids, xp.take(sums, segment, axis=0) * leads, leads

    def product(self, weight: Array, rows: int, *, xp: Namespace) -> Callable[[Array], Array]:
        """Leave the product whole."""
        return lambda x: xp.matmul(x, weight)

    def products(self, weight: Array, gates: int, rows: int, *, xp: Namespace) -> Callable[[Array], Array]:
        """Take one product and bring the axis of gates to the front."""
        n = weight.shape[1] // gates
        return lambda x: xp.permute_dims(xp.reshape(xp.matmul(x, weight), (rows, gates, n)), (1, 0, 2))

    def where_running(
        self, running: Array, new: tuple[Array, ...], old: tuple[Array, ...], *, xp: Namespace
    ) -> tuple[Array, ...]:
        """Choose entry by entry: no library but NumPy's looks at values here."""
        return tuple(xp.where(running, one, other) for one, other in zip(new, old, strict=True))

    def zero_padding(self, running: Array, sequence: Array, *, xp: Namespace) -> Array:
        """Choose entry by entry. A product with 0 would keep what is not finite."""
        zero = xp.zeros((), dtype=sequence.dtype, device=self.device_of(sequence))
        return xp.where(running, sequence, zero)

    def padded(self, x: Array, window: Window, value: float, *, xp: Namespace) -> Array:
        """Join the picture and its margins."""
        for axis, (before, after) in enumerate(window.padding, start=1):
            margins = []
            for count in (before, after):
                shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
                margins.append(xp.full(shape, value, dtype=x.dtype, device=self.device_of(x)))
            x = xp.concat([margins[0], x, margins[1]], axis=axis)
        return x

    def patches(self, x: Array, window: Window, *, xp: Namespace) -> Array:
        """Put a slice for each position of the window side by side."""
        pieces = [x[:, rows, columns, :] for rows, columns in window.slices(x.shape[1], x.shape[2])]
        return xp.concat(pieces, axis=-1)

    def add_patches(self, pieces: Iterable[Array], size: tuple[int, int], window: Window, *, xp: Namespace) -> Array:
        """Add each position's pieces to a slice."""
        height, width = window.padded(*size)
        result = None
        for piece, (rows, columns) in zip(pieces, window.slices(height, width), strict=True):
            if result is None:
                shape = (piece.shape[0], height, width, piece.shape[3])
                result = xp.zeros(shape, dtype=piece.dtype, device=self.device_of(piece))
            result[:, rows, columns, :] += piece
        (top, _), (left, _) = window.padding
        return result[:, top : top + size[0], left : left + size[1], :]  # type: ignore[index]

    def device_of(self, array: Array) -> Any:
        """Device of an array."""
        return array.device
