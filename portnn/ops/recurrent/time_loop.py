"""The loop over time of a recurrent op: its direction, and which rows take part in each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from portnn.backends import Array, Namespace, device, scan, where_running, zero_padding
from portnn.ops.shapes import check_shape, shape

States = tuple[Array, ...]
Outputs = tuple[Array, ...]
Step = Callable[[Any, Any], tuple[States, Outputs]]
Prepare = Callable[..., tuple[Array, ...]]


class TimeLoop(NamedTuple):
    """Direction of a loop over time, and which rows take part in each step.

    The states of a row stay fixed at its padding, forward and backward. So in reverse a row waits with its initial
    states until the loop reaches its own end.

    Attributes
    ----------
    running : boolean array (time, batch, 1) or None
        True at the steps of each row, False at its padding; None: True everywhere.
    reverse : bool
        From the last time step to the first.
    """

    running: Array | None
    reverse: bool

    def forward(
        self, step: Step, states: States, x: Array, *, prepare: Prepare, xp: Namespace
    ) -> tuple[States, Outputs]:
        """Fold ``step(states, prepare(x) at t) -> (states, (h, ...))`` over time; h stays fixed at padding, too."""
        fusible = x.ndim == 2  # a gather of rows; vectors need a product, which is faster for all time steps at once
        if self.running is None:
            return scan(step, states, (x,), xp=xp, reverse=self.reverse, prepare=prepare, fusible=fusible)

        def masked(states: States, now: tuple[Array, ...]) -> tuple[States, Outputs]:
            after, (_, *outputs) = step(states, now[1:])
            after = where_running(now[0], after, states, xp=xp)
            return after, (after[0], *outputs)

        xs, prepare = (self.running, x), _passing_on(prepare)
        return scan(masked, states, xs, xp=xp, reverse=self.reverse, prepare=prepare, fusible=fusible)

    def backward(
        self, step: Step, dstates: States, dy: Array, known: tuple[Array, ...], *, prepare: Prepare, xp: Namespace
    ) -> tuple[States, Outputs]:
        """Fold ``step(dstates, prepare(dy, *known) at t) -> (dstates, outputs)`` over time, the other way round.

        The outputs, gradients of gates, are zero at padding.
        """
        reverse = not self.reverse
        if self.running is None:
            xs = (dy, *known)
            return scan(step, dstates, xs, xp=xp, reverse=reverse, prepare=prepare, fusible=True)

        def masked(dstates: States, now: tuple[Array, ...]) -> tuple[States, Outputs]:
            before, dgates = step(dstates, now[1:])
            return where_running(now[0], before, dstates, xp=xp), dgates

        xs, prepare = (self.running, self.without_padding(dy, xp=xp), *known), _passing_on(prepare)
        dstates, dgates = scan(masked, dstates, xs, xp=xp, reverse=reverse, prepare=prepare, fusible=True)
        return dstates, tuple(self.without_padding(each, xp=xp) for each in dgates)

    def without_padding(self, sequence: Array, *, xp: Namespace) -> Array:
        """Sequence (time, batch, features) or (time, batch) with its padding, which may hold anything, set to zero."""
        if self.running is None:
            return sequence
        return zero_padding(self.running if sequence.ndim == 3 else self.running[:, :, 0], sequence, xp=xp)


def time_loop(operation: str, x: Array, lengths: Array | None, reverse: bool, *, xp: Namespace) -> TimeLoop:
    """Loop over x (time, batch, ...) whose rows have the lengths (batch,); None: no padding."""
    if lengths is None:
        return TimeLoop(None, reverse)
    check_shape(operation, "lengths", lengths, (x.shape[1],), "x expects")
    if not xp.isdtype(lengths.dtype, "integral"):
        raise TypeError(f"{operation}: lengths {shape(lengths)} have dtype {lengths.dtype}, expected an integer dtype")
    times = xp.arange(x.shape[0], dtype=lengths.dtype, device=device(lengths))
    return TimeLoop(times[:, None, None] < lengths[None, :, None], reverse)


def _passing_on(prepare: Prepare) -> Prepare:
    """`prepare` with `running` before its arguments and its results."""
    return lambda running, *xs: (running, *prepare(*xs))
