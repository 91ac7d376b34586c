"""Where the gates lie inside the loop over time.

Weights hold the gates side by side, ``(features, gates * hidden)``. In the loop NumPy is faster with each gate in a
contiguous block, ``(gates, batch, hidden)``; a compiler that fuses the arithmetic is faster without the transposition.
"""

from __future__ import annotations

from collections.abc import Callable
from types import EllipsisType
from typing import NamedTuple

from portnn.backends import Array, Namespace, gates_first, product, products

Index = tuple[int | slice | EllipsisType, ...]


class GateLayout(NamedTuple):
    """Layout of the gates of one step.

    Attributes
    ----------
    first : bool
        Gates are the first axis, (gates, batch, hidden); otherwise they lie side by side, (batch, gates * hidden).
    hidden : int
    """

    first: bool
    hidden: int

    def gate(self, number: int, count: int | None = None) -> Index:
        """Index of a gate in the array of one step, or of `count` gates from this one on."""
        if self.first:
            return (number if count is None else slice(number, number + count), ...)
        return (..., slice(number * self.hidden, (number + (count or 1)) * self.hidden))

    def over_time(self, gates: Array, number: int, count: int | None = None) -> Array:
        """One gate, or `count` gates from this one on, at all of the time steps in `gates`."""
        return gates[(slice(None), *self.gate(number, count))]

    def arrange(self, gates: Array, *, xp: Namespace) -> Array:
        """Bring gates (time, batch, gates * hidden) into this layout, behind the axis of time."""
        if not self.first:
            return gates
        time, batch, _ = gates.shape
        return xp.permute_dims(xp.reshape(gates, (time, batch, -1, self.hidden)), (0, 2, 1, 3))

    def product(self, weight: Array, rows: int, *, xp: Namespace) -> Callable[[Array], Array]:
        """Make the function from a state (rows, hidden) to its product with weight (hidden, gates * hidden)."""
        if self.first:
            return products(weight, weight.shape[1] // self.hidden, rows, xp=xp)
        return product(weight, rows, xp=xp)

    def spread(self, per_gate: Array, *, xp: Namespace) -> Array:
        """Shape one number per gate (gates,) so that it broadcasts against the gates of one step."""
        return xp.reshape(per_gate, (-1, 1, 1)) if self.first else per_column(per_gate, self.hidden, xp=xp)


def gate_layout(hidden: int, *, xp: Namespace) -> GateLayout:
    """Layout in which the library is fastest."""
    return GateLayout(gates_first(xp=xp), hidden)


def per_column(per_gate: Array, hidden: int, *, xp: Namespace) -> Array:
    """Repeat one number per gate (gates,) for each of its columns, (gates * hidden,)."""
    return xp.reshape(xp.broadcast_to(xp.reshape(per_gate, (-1, 1)), (per_gate.shape[0], hidden)), (-1,))
