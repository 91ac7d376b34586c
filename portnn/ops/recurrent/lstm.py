"""Long short-term memory layer over whole sequences."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, portable, product
from portnn.ops.recurrent.cells import Cell, RecurrentGradients, Steps, Weights, register
from portnn.ops.recurrent.gate_layout import GateLayout, gate_layout, per_column
from portnn.ops.recurrent.recurrence import check_recurrent, input_projection, weight_gradients
from portnn.ops.recurrent.time_loop import Outputs, TimeLoop, time_loop

__all__ = ["LSTMCache", "lstm", "lstm_backward"]

HC = tuple[Array, Array]
"""Hidden state and cell state."""


class LSTMCache(NamedTuple):
    """What `lstm_backward` needs.

    `hs` (time, batch, hidden) is the hidden state after each step, `previous_cs` the cell state before it. `gates` are
    the four gates at all steps, in the layout of the loop.
    """

    x: Array
    h0: Array
    weights: Weights
    loop: TimeLoop
    layout: GateLayout
    hs: Array
    previous_cs: Array
    tanh_cs: Array
    gates: Array


@portable
def lstm(
    x: Array, states: HC, weights: Weights, *, lengths: Array | None = None, reverse: bool = False, xp: Namespace = None
) -> tuple[Array, HC, LSTMCache]:
    r"""LSTM with forget gate, without peepholes.

    ``i, f, g, o = split(x_t W_ih + b_ih + h_{t-1} W_hh + b_hh)``, i, f, o through the sigmoid, g through tanh;
    ``c_t = f * c_{t-1} + i * g``; ``h_t = o * tanh(c_t)``.

    Parameters
    ----------
    x : array (time, batch, input_size), or integer ids (time, batch)
        Ids stand for one-hot vectors of length input_size.
    states : tuple of arrays (batch, hidden_size)
        h and c, hidden and cell state before the first step.
    weights : Weights
        weight_ih (input_size, 4 * hidden_size), weight_hh (hidden_size, 4 * hidden_size), two biases
        (4 * hidden_size,). The gates lie side by side in PyTorch's order: input, forget, cell, output.
    lengths : integer array (batch,), optional
        Number of steps of each row, 0 to time; what follows is padding. Without it every row has all steps. See Notes.
    reverse : bool
        Go through each row from its last step to its first.

    Returns
    -------
    y : array (time, batch, hidden_size)
        The hidden state after each step; 0 at padding.
    states : tuple of arrays (batch, hidden_size)
        h and c after the last step taken, which in reverse is the first of the sequence.
    cache : LSTMCache

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
    Hochreiter, Schmidhuber. Long short-term memory. Neural Computation 9, 1997.

    Gers, Schmidhuber, Cummins. Learning to forget: continual prediction with LSTM. Neural Computation 12, 2000.
    """
    check_recurrent(LSTM, x, states, weights, xp=xp)
    h0, c0 = states
    size = h0.shape[1]
    loop, layout = time_loop("lstm", x, lengths, reverse, xp=xp), gate_layout(size, xp=xp)
    x = loop.without_padding(x, xp=xp)
    c0 = xp.astype(c0, xp.result_type(c0, weights.weight_hh), copy=False)  # it is the first of the c_{t-1}
    drives, step = lstm_steps(x, states, weights, xp=xp)
    states, (hs, previous_cs, tanh_cs, gates) = loop.forward(step, (h0, c0), x, prepare=drives, xp=xp)
    cache = LSTMCache(x, h0, weights, loop, layout, hs, previous_cs, tanh_cs, gates)
    return loop.without_padding(hs, xp=xp), states, cache


def lstm_steps(x: Array, states: HC, weights: Weights, *, xp: Namespace) -> Steps:
    """Steps that `lstm` takes."""
    h0, size = states[0], states[0].shape[1]
    layout = gate_layout(size, xp=xp)
    # One tanh serves all gates: sigmoid(z) = (1 + tanh(z / 2)) / 2. The inner half goes into the weights.
    half, one = xp.full_like(h0[0, 0], 0.5), xp.ones_like(h0[0, 0])
    factor = xp.stack((half, half, one, half))
    columns = per_column(factor, size, xp=xp)
    scale = layout.spread(factor, xp=xp)
    shift = layout.spread(xp.stack((half, half, xp.zeros_like(one), half)), xp=xp)
    i, f, g, o = map(layout.gate, range(4))

    recur = layout.product(weights.weight_hh * columns, x.shape[1], xp=xp)
    bias = (weights.bias_ih + weights.bias_hh) * columns
    project = input_projection(x, weights.weight_ih * columns, bias, xp=xp)

    def drives(x: Array) -> tuple[Array]:
        return (layout.arrange(project(x), xp=xp),)

    def step(states: HC, now: tuple[Array]) -> tuple[HC, Outputs]:
        h, c = states
        z = recur(h)
        z += now[0]
        gates = xp.tanh(z)
        gates *= scale
        gates += shift
        new_c = gates[f] * c
        new_c += gates[i] * gates[g]
        tanh_c = xp.tanh(new_c)
        h = gates[o] * tanh_c
        return (h, new_c), (h, c, tanh_c, gates)

    return Steps(drives, step)


@portable
def lstm_backward(dy: Array, dstates: HC, cache: LSTMCache, *, xp: Namespace = None) -> RecurrentGradients:
    """Gradients of `lstm`: back through time.

    Parameters
    ----------
    dy : array (time, batch, hidden_size)
        Has no effect at padding.
    dstates : tuple of arrays (batch, hidden_size)
        Gradients of the final h and c, that of h on top of the one in dy.
    cache : LSTMCache

    Returns
    -------
    RecurrentGradients
    """
    x, h0, weights, loop, layout, hs, previous_cs, tanh_cs, gates = cache
    recur = product(weights.weight_hh.T, x.shape[1], xp=xp)

    def factors(dy: Array, hs: Array, gates: Array, tanh_cs: Array, previous_cs: Array) -> Outputs:
        # Each gate's gradient is one of dc, dh times a factor that no later step changes:
        # o (1 - tanh(c)^2), g i (1 - i), c f (1 - f), i (1 - g^2) and tanh(c) o (1 - o), in as few passes as will do.
        i, f, g, o = (layout.over_time(gates, gate) for gate in range(4))
        ig, fc = i * g, f * previous_cs
        to_c = o - hs * tanh_cs
        to_i = ig - ig * i
        to_f = fc - fc * f
        to_g = i - ig * g
        to_o = hs - hs * o
        return dy, f, to_c, to_i, to_f, to_g, to_o

    def step(dstates: HC, now: Outputs) -> tuple[HC, tuple[Array]]:
        dh, dc = dstates
        dy_t, f, to_c, to_i, to_f, to_g, to_o = now
        dh = dh + dy_t
        dc = dc + dh * to_c
        dz = xp.concat((dc * to_i, dc * to_f, dc * to_g, dh * to_o), axis=-1)
        return (recur(dz), dc * f), (dz,)

    known = (hs, gates, tanh_cs, previous_cs)
    dstates, (dz,) = loop.backward(step, dstates, dy, known, prepare=factors, xp=xp)
    dx, dweights = weight_gradients(x, h0, hs, dz, dz, weights, reverse=loop.reverse, xp=xp)
    return RecurrentGradients(dx, dstates, dweights)


LSTM = Cell(
    "lstm",
    lstm,
    lstm_backward,
    lstm_steps,
    gates=("input", "forget", "cell", "output"),
    states=("h", "c"),
    initial_bias={"forget": 1.0},  # cells keep what they hold until they learn to forget
)
register(LSTM)
