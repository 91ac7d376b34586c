"""Tanh recurrent layer (Elman) over whole sequences."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, portable, product
from portnn.ops.recurrent.cells import Cell, RecurrentGradients, Steps, Weights, register
from portnn.ops.recurrent.recurrence import check_recurrent, input_projection, weight_gradients
from portnn.ops.recurrent.time_loop import TimeLoop, time_loop

__all__ = ["RNNCache", "rnn", "rnn_backward"]


class RNNCache(NamedTuple):
    """What `rnn_backward` needs; `hs` (time, batch, hidden) is the state after each step."""

    x: Array
    h0: Array
    weights: Weights
    loop: TimeLoop
    hs: Array


@portable
def rnn(
    x: Array,
    states: tuple[Array],
    weights: Weights,
    *,
    lengths: Array | None = None,
    reverse: bool = False,
    xp: Namespace = None,
) -> tuple[Array, tuple[Array], RNNCache]:
    r"""Tanh RNN: ``h_t = tanh(x_t W_ih + b_ih + h_{t-1} W_hh + b_hh)``.

    Parameters
    ----------
    x : array (time, batch, input_size), or integer ids (time, batch)
        Ids stand for one-hot vectors of length input_size.
    states : tuple of array (batch, hidden_size)
        h, the hidden state before the first step.
    weights : Weights
        weight_ih (input_size, hidden_size), weight_hh (hidden_size, hidden_size), two biases (hidden_size,).
    lengths : integer array (batch,), optional
        Number of steps of each row, 0 to time; what follows is padding. Without it every row has all steps. See Notes.
    reverse : bool
        Go through each row from its last step to its first.

    Returns
    -------
    y : array (time, batch, hidden_size)
        The state after each step; 0 at padding.
    states : tuple of array (batch, hidden_size)
        h after the last step taken, which in reverse is the first of the sequence.
    cache : RNNCache

    Raises
    ------
    ValueError
        If the shapes do not fit.
    TypeError
        If x is neither integer ids (time, batch) nor floating vectors (time, batch, input_size), or lengths are not
        integers.

    Notes
    -----
    Padding may hold anything: it has no effect on any result, and its gradient is exactly 0. The states of a row stay
    fixed there, so the final states are those after its last step, and a row of length 0 returns its initial states.
    Lengths above time count as time.

    References
    ----------
    Elman. Finding structure in time. Cognitive Science 14, 1990.
    """
    check_recurrent(RNN, x, states, weights, xp=xp)
    loop = time_loop("rnn", x, lengths, reverse, xp=xp)
    x = loop.without_padding(x, xp=xp)
    drives, step = rnn_steps(x, states, weights, xp=xp)
    (h,), (hs,) = loop.forward(step, states, x, prepare=drives, xp=xp)
    return loop.without_padding(hs, xp=xp), (h,), RNNCache(x, states[0], weights, loop, hs)


def rnn_steps(x: Array, states: tuple[Array], weights: Weights, *, xp: Namespace) -> Steps:
    """Steps that `rnn` takes."""
    recur = product(weights.weight_hh, x.shape[1], xp=xp)
    project = input_projection(x, weights.weight_ih, weights.bias_ih + weights.bias_hh, xp=xp)

    def drives(x: Array) -> tuple[Array]:
        return (project(x),)

    def step(states: tuple[Array], now: tuple[Array]) -> tuple[tuple[Array], tuple[Array]]:
        z = recur(states[0])
        z += now[0]
        h = (xp.tanh(z),)
        return h, h

    return Steps(drives, step)


@portable
def rnn_backward(dy: Array, dstates: tuple[Array], cache: RNNCache, *, xp: Namespace = None) -> RecurrentGradients:
    """Gradients of `rnn`: back through time.

    Parameters
    ----------
    dy : array (time, batch, hidden_size)
        Has no effect at padding.
    dstates : tuple of array (batch, hidden_size)
        Gradient of the final state, on top of the one in dy.
    cache : RNNCache

    Returns
    -------
    RecurrentGradients
    """
    x, h0, weights, loop, hs = cache
    recur = product(weights.weight_hh.T, x.shape[1], xp=xp)

    def slopes(dy: Array, hs: Array) -> tuple[Array, Array]:
        return dy, 1.0 - hs * hs

    def step(dstates: tuple[Array], now: tuple[Array, Array]) -> tuple[tuple[Array], tuple[Array]]:
        dy_t, slope = now
        dz = dstates[0] + dy_t
        dz *= slope
        return (recur(dz),), (dz,)

    dstates, (dz,) = loop.backward(step, dstates, dy, (hs,), prepare=slopes, xp=xp)
    dx, dweights = weight_gradients(x, h0, hs, dz, dz, weights, reverse=loop.reverse, xp=xp)
    return RecurrentGradients(dx, dstates, dweights)


RNN = Cell("rnn", rnn, rnn_backward, rnn_steps, gates=("hidden",))
register(RNN)
