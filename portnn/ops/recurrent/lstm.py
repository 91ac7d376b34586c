"""Long short-term memory layer over whole sequences."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, portable, product, products, scan
from portnn.ops.recurrent import recurrence
from portnn.ops.recurrent.recurrence import Weights


class LSTMCache(NamedTuple):
    """What `lstm_backward` needs; `previous_cs` is c_{t-1} at step t, `gates` is (time, 4, batch, hidden)."""

    x: Array
    h0: Array
    weights: Weights
    y: Array
    previous_cs: Array
    tanh_cs: Array
    gates: Array


class LSTMGradients(NamedTuple):
    """Gradients of `lstm`, each shaped like the argument of its name; `x` is None where x was ids."""

    x: Array | None
    h0: Array
    c0: Array
    weights: Weights


@portable
def lstm(
    x: Array, h0: Array, c0: Array, weights: Weights, *, xp: Namespace = None
) -> tuple[Array, Array, Array, LSTMCache]:
    r"""LSTM with forget gate, without peepholes.

    ``i, f, g, o = split(x_t W_ih + b_ih + h_{t-1} W_hh + b_hh)``, i, f, o through the sigmoid, g through tanh;
    ``c_t = f * c_{t-1} + i * g``; ``h_t = o * tanh(c_t)``.

    Parameters
    ----------
    x : array (time, batch, input_size), or integer ids (time, batch)
        Ids stand for one-hot vectors of length input_size.
    h0, c0 : array (batch, hidden_size)
        Hidden and cell state before the first step.
    weights : Weights
        weight_ih (input_size, 4 * hidden_size), weight_hh (hidden_size, 4 * hidden_size), two biases
        (4 * hidden_size,). The gates lie side by side in PyTorch's order: input, forget, cell, output.

    Returns
    -------
    y : array (time, batch, hidden_size)
        The hidden state after each step.
    h_n, c_n : array (batch, hidden_size)
        The final states.
    cache : LSTMCache

    Raises
    ------
    ValueError
        If the shapes do not fit.
    TypeError
        If x is neither integer ids (time, batch) nor floating vectors (time, batch, input_size).

    References
    ----------
    Hochreiter, Schmidhuber. Long short-term memory. Neural Computation 9, 1997.

    Gers, Schmidhuber, Cummins. Learning to forget: continual prediction with LSTM. Neural Computation 12, 2000.
    """
    recurrence.check_recurrent("lstm", x, weights, {"h0": h0, "c0": c0}, gates=4, xp=xp)
    # One tanh serves all gates: sigmoid(z) = (1 + tanh(z / 2)) / 2. The inner half goes into the weights.
    half, one = xp.full_like(h0[0, 0], 0.5), xp.ones_like(h0[0, 0])
    scale = xp.reshape(xp.stack((half, half, one, half)), (4, 1, 1))
    shift = xp.reshape(xp.stack((half, half, xp.zeros_like(one), half)), (4, 1, 1))
    columns = xp.reshape(xp.broadcast_to(scale[:, 0, :], (4, h0.shape[1])), (-1,))
    i, f, g, o = ((gate, ...) for gate in range(4))
    c0 = xp.astype(c0, xp.result_type(c0, weights.weight_hh), copy=False)  # it is the first of the c_{t-1}

    recur = products(weights.weight_hh * columns, 4, x.shape[1], xp=xp)
    bias = (weights.bias_ih + weights.bias_hh) * columns
    project = recurrence.input_projection(x, weights.weight_ih * columns, bias, 4, xp=xp)

    def drive(x: Array) -> tuple[Array, ...]:
        return (project(x),)

    def step(state: tuple[Array, Array], now: tuple[Array, ...]) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
        h, c = state
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

    (h_n, c_n), (y, previous_cs, tanh_cs, gates) = scan(step, (h0, c0), (x,), xp=xp, prepare=drive)
    return y, h_n, c_n, LSTMCache(x, h0, weights, y, previous_cs, tanh_cs, gates)


@portable
def lstm_backward(dy: Array, dh_n: Array, dc_n: Array, cache: LSTMCache, *, xp: Namespace = None) -> LSTMGradients:
    """Gradients of `lstm`: back through time.

    Parameters
    ----------
    dy : array (time, batch, hidden_size)
    dh_n, dc_n : array (batch, hidden_size)
        Gradients of the final states, dh_n on top of dy's last step.
    cache : LSTMCache

    Returns
    -------
    LSTMGradients
    """
    x, h0, weights, y, previous_cs, tanh_cs, gates = cache
    recur = product(weights.weight_hh.T, x.shape[1], xp=xp)

    def factors(dy: Array, y: Array, gates: Array, tanh_cs: Array, c_previous: Array) -> tuple[Array, ...]:
        # Each gate's gradient is one of dc, dh times a factor that no later step changes:
        # o (1 - tanh(c)^2), g i (1 - i), c f (1 - f), i (1 - g^2) and tanh(c) o (1 - o), in as few passes as will do.
        i, f, g, o = (gates[:, gate, ...] for gate in range(4))
        ig, fc = i * g, f * c_previous
        to_c = o - y * tanh_cs
        to_i = ig - ig * i
        to_f = fc - fc * f
        to_g = i - ig * g
        to_o = y - y * o
        return dy, f, to_c, to_i, to_f, to_g, to_o

    def step(state: tuple[Array, Array], now: tuple[Array, ...]) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
        dh, dc = state
        dy_t, f, to_c, to_i, to_f, to_g, to_o = now
        dh = dh + dy_t
        dc = dc + dh * to_c
        dz = xp.concat((dc * to_i, dc * to_f, dc * to_g, dh * to_o), axis=-1)
        return (recur(dz), dc * f), (dz,)

    known = (dy, y, gates, tanh_cs, previous_cs)
    (dh0, dc0), (dz,) = scan(step, (dh_n, dc_n), known, xp=xp, reverse=True, prepare=factors)
    dx, dweights = recurrence.weight_gradients(x, h0, y, dz, dz, weights, xp=xp)
    return LSTMGradients(dx, dh0, dc0, dweights)
