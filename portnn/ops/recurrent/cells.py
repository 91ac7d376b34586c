"""Recurrent cells by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from portnn.backends import Array

__all__ = ["CELLS", "Cell", "RecurrentGradients", "Steps", "Weights"]


class Weights(NamedTuple):
    """Weights of one recurrent layer; G is the number of gates, which lie side by side.

    Attributes
    ----------
    weight_ih : array (input_size, G * hidden_size)
    weight_hh : array (hidden_size, G * hidden_size)
    bias_ih : array (G * hidden_size,)
    bias_hh : array (G * hidden_size,)
        A second bias, as in PyTorch, so that weights carry over both ways. (In the GRU it is not redundant.)
    """

    weight_ih: Array
    weight_hh: Array
    bias_ih: Array
    bias_hh: Array


class Steps(NamedTuple):
    """A time step of a layer, with everything prepared that is the same in each of them.

    Attributes
    ----------
    drives : callable
        Any number of time steps of x -> what `step` needs of them, a tuple of arrays (time, ...).
    step : callable
        ``step(states, drives at t) -> (states, (h, ...))``.
    """

    drives: Callable[[Array], tuple[Array, ...]]
    step: Callable[[Any, Any], tuple[tuple[Array, ...], tuple[Array, ...]]]


class RecurrentGradients(NamedTuple):
    """Gradients of a recurrent op, each shaped like the argument of the same name; `x` is None if x holds ids."""

    x: Array | None
    states: tuple[Array, ...]
    weights: Weights


class Cell(NamedTuple):
    """A recurrent layer over whole sequences, as a pair, and what a model has to know about it.

    Attributes
    ----------
    name : str
    forward : callable
        ``forward(x, states, weights, *, lengths=None, reverse=False, xp) -> (y, states, cache)``.
    backward : callable
        ``backward(dy, dstates, cache, *, xp) -> RecurrentGradients``.
    steps : callable
        ``steps(x, states, weights, *, xp) -> Steps``, which `forward` loops over. Of x and the states only the number
        of dimensions and rows, and the dtype, count.
    gates : tuple of str
        Gates in the order in which their weights lie side by side.
    states : tuple of str
        States in the order in which they are passed. The first is the hidden state, which is the output, too.
    initial_bias : mapping of str to float
        Gates whose initial bias is not drawn at random, and its value.
    """

    name: str
    forward: Callable[..., tuple[Array, tuple[Array, ...], Any]]
    backward: Callable[..., RecurrentGradients]
    steps: Callable[..., Steps]
    gates: tuple[str, ...]
    states: tuple[str, ...] = ("h",)
    initial_bias: Mapping[str, float] = {}


CELLS: dict[str, Cell] = {}
"""Each cell's file adds its own."""


def register(cell: Cell) -> None:
    """Make a cell available to models under its name."""
    CELLS[cell.name] = cell
