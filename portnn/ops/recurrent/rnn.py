"""Tanh recurrent layer (Elman) over whole sequences."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, portable, product, scan
from portnn.ops.recurrent import recurrence
from portnn.ops.recurrent.recurrence import Weights


class RNNCache(NamedTuple):
    """What `rnn_backward` needs."""

    x: Array
    h0: Array
    weights: Weights
    y: Array


class RNNGradients(NamedTuple):
    """Gradients of `rnn`, each shaped like the argument of its name; `x` is None where x was ids."""

    x: Array | None
    h0: Array
    weights: Weights


@portable
def rnn(x: Array, h0: Array, weights: Weights, *, xp: Namespace = None) -> tuple[Array, Array, RNNCache]:
    r"""Tanh RNN: ``h_t = tanh(x_t W_ih + b_ih + h_{t-1} W_hh + b_hh)``.

    Parameters
    ----------
    x : array (time, batch, input_size), or integer ids (time, batch)
        Ids stand for one-hot vectors of length input_size.
    h0 : array (batch, hidden_size)
        State before the first step.
    weights : Weights
        weight_ih (input_size, hidden_size), weight_hh (hidden_size, hidden_size), two biases (hidden_size,).

    Returns
    -------
    y : array (time, batch, hidden_size)
        The state after each step.
    h_n : array (batch, hidden_size)
        The final state.
    cache : RNNCache

    Raises
    ------
    ValueError
        If the shapes do not fit.
    TypeError
        If x is neither integer ids (time, batch) nor floating vectors (time, batch, input_size).

    References
    ----------
    Elman. Finding structure in time. Cognitive Science 14, 1990.
    """
    recurrence.check_recurrent("rnn", x, weights, {"h0": h0}, gates=1, xp=xp)
    recur = product(weights.weight_hh, x.shape[1], xp=xp)
    project = recurrence.input_projection(x, weights.weight_ih, weights.bias_ih + weights.bias_hh, 1, xp=xp)

    def drive(x: Array) -> tuple[Array, ...]:
        return (project(x)[:, 0, ...],)

    def step(h: Array, now: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        z = recur(h)
        z += now[0]
        h = xp.tanh(z)
        return h, (h,)

    h_n, (y,) = scan(step, h0, (x,), xp=xp, prepare=drive)
    return y, h_n, RNNCache(x, h0, weights, y)


@portable
def rnn_backward(dy: Array, dh_n: Array, cache: RNNCache, *, xp: Namespace = None) -> RNNGradients:
    """Gradients of `rnn`: back through time.

    Parameters
    ----------
    dy : array (time, batch, hidden_size)
    dh_n : array (batch, hidden_size)
        Gradient of the final state, on top of dy's last step.
    cache : RNNCache

    Returns
    -------
    RNNGradients
    """
    x, h0, weights, y = cache
    recur = product(weights.weight_hh.T, x.shape[1], xp=xp)

    def slopes(dy: Array, y: Array) -> tuple[Array, ...]:
        return dy, 1.0 - y * y

    def step(dh: Array, now: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        dy_t, slope = now
        dz = dh + dy_t
        dz *= slope
        return recur(dz), (dz,)

    dh0, (dz,) = scan(step, dh_n, (dy, y), xp=xp, reverse=True, prepare=slopes)
    dx, dweights = recurrence.weight_gradients(x, h0, y, dz, dz, weights, xp=xp)
    return RNNGradients(dx, dh0, dweights)
