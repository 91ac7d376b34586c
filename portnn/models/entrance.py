"""Entrances by name: how a vector enters a recurrent stack, before its first step or at every step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from portnn import ops
from portnn.backends import Array, Namespace, device
from portnn.models.recurrent_stack import RecurrentStack, States


class Entered(NamedTuple):
    """What a stack makes of a vector.

    Attributes
    ----------
    states : tuple of tuples of arrays (batch, hidden_size)
        Before the first step.
    added : array (batch, input_size) or None
        To the input of every step.
    cache : object
        For the entrance's backward pass.
    """

    states: States
    added: Array | None
    cache: Any


class Entrance(NamedTuple):
    """A way for a vector v to enter a stack of layers by ``u = v W + b``, as a pair.

    Attributes
    ----------
    size : callable
        ``size(stack) -> int``, the number of entries of u.
    forward : callable
        ``forward(u, stack, *, xp) -> Entered``.
    backward : callable
        ``backward(dx, dstates, cache, *, xp) -> du``, from the gradients of all inputs (time, batch, input_size) and of
        the states before the first step.
    """

    size: Callable[[RecurrentStack], int]
    forward: Callable[..., Entered]
    backward: Callable[..., Array]


def before_first_step(u: Array, stack: RecurrentStack, *, xp: Namespace) -> Entered:
    """``tanh(u)`` are the states of all layers."""
    squashed, cache = ops.tanh(u, xp=xp)
    per_layer, size = len(ops.CELLS[stack.cell].states), stack.hidden_size
    pieces = [squashed[:, start : start + size] for start in range(0, stack.state_size, size)]
    states = tuple(tuple(pieces[first : first + per_layer]) for first in range(0, len(pieces), per_layer))
    return Entered(states, None, cache)


def before_first_step_backward(dx: Array, dstates: States, cache: ops.TanhCache, *, xp: Namespace) -> Array:
    """Gradient of u from that of the states."""
    return ops.tanh_backward(xp.concat([state for layer in dstates for state in layer], axis=1), cache, xp=xp)


def at_every_step(u: Array, stack: RecurrentStack, *, xp: Namespace) -> Entered:
    """U is added to the input of every step; the states before the first are zero."""
    zero = xp.zeros((u.shape[0], stack.hidden_size), dtype=u.dtype, device=device(u))
    return Entered(((zero,) * len(ops.CELLS[stack.cell].states),) * stack.num_layers, u, None)


def at_every_step_backward(dx: Array, dstates: States, cache: None, *, xp: Namespace) -> Array:
    """Gradient of u from those of the inputs."""
    return xp.sum(dx, axis=0)


ENTRANCES: dict[str, Entrance] = {
    "first": Entrance(lambda stack: stack.state_size, before_first_step, before_first_step_backward),
    "every": Entrance(lambda stack: stack.input_size, at_every_step, at_every_step_backward),
}
"""Ways to enter by name."""
