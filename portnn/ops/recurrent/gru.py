"""Gated recurrent unit layer over whole sequences."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, portable, product, products, scan
from portnn.ops.recurrent import recurrence
from portnn.ops.recurrent.recurrence import Weights


class GRUCache(NamedTuple):
    """What `gru_backward` needs; `rz` (time, 2, batch, hidden), m = ``h_{t-1} W_hn + b_hn``, d = ``h_{t-1} - n``."""

    x: Array
    h0: Array
    weights: Weights
    y: Array
    rz: Array
    n: Array
    m: Array
    d: Array


class GRUGradients(NamedTuple):
    """Gradients of `gru`, each shaped like the argument of its name; `x` is None where x was ids."""

    x: Array | None
    h0: Array
    weights: Weights


@portable
def gru(x: Array, h0: Array, weights: Weights, *, xp: Namespace = None) -> tuple[Array, Array, GRUCache]:
    r"""GRU whose reset gate acts after the product with the recurrent weights, as in PyTorch and cuDNN.

    With ``a = x_t W_ih + b_ih`` and ``b = h_{t-1} W_hh + b_hh``, each split into three:
    ``r = sigmoid(a_r + b_r)``; ``z = sigmoid(a_z + b_z)``; ``n = tanh(a_n + r * b_n)``;
    ``h_t = (1 - z) * n + z * h_{t-1}``.

    Parameters
    ----------
    x : array (time, batch, input_size), or integer ids (time, batch)
        Ids stand for one-hot vectors of length input_size.
    h0 : array (batch, hidden_size)
        State before the first step.
    weights : Weights
        weight_ih (input_size, 3 * hidden_size), weight_hh (hidden_size, 3 * hidden_size), two biases
        (3 * hidden_size,). The gates lie side by side in PyTorch's order: reset, update, new.

    Returns
    -------
    y : array (time, batch, hidden_size)
        The state after each step.
    h_n : array (batch, hidden_size)
        The final state.
    cache : GRUCache

    Raises
    ------
    ValueError
        If the shapes do not fit.
    TypeError
        If x is neither integer ids (time, batch) nor floating vectors (time, batch, input_size).

    References
    ----------
    Cho et al. Learning phrase representations using RNN encoder-decoder for statistical machine translation.
    EMNLP 2014. (There the reset gate acts before the product; version 1 of arXiv:1406.1078 has both forms.)
    """
    recurrence.check_recurrent("gru", x, weights, {"h0": h0}, gates=3, xp=xp)
    size = h0.shape[1]
    # Half goes into the weights of both sigmoids, as in the LSTM. b_n stays apart: the reset gate scales it.
    half, one = xp.full_like(h0[0, :], 0.5), xp.ones_like(h0[0, :])
    scale = xp.concat((half, half, one))
    outer = xp.concat((weights.bias_hh[: 2 * size], xp.zeros_like(one)))
    inner = xp.zeros_like(h0) + weights.bias_hh[2 * size :]
    constant = half[0]  # beside a small array, NumPy takes an array faster than a Python number
    first, second, third, both = (0, ...), (1, ...), (2, ...), (slice(2), ...)

    recur = products(weights.weight_hh * scale, 3, x.shape[1], xp=xp)
    bias = (weights.bias_ih + outer) * scale
    project = recurrence.input_projection(x, weights.weight_ih * scale, bias, 3, xp=xp)

    def drives(x: Array) -> tuple[Array, ...]:
        drive = project(x)
        return drive[:, :2, ...], drive[:, 2, ...]

    def step(h: Array, now: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        drive_rz, drive_n = now
        b = recur(h)
        rz = xp.tanh(b[both] + drive_rz)
        rz *= constant
        rz += constant
        m = b[third] + inner
        n = rz[first] * m
        n += drive_n
        n = xp.tanh(n)
        d = h - n
        h = d * rz[second]
        h += n
        return h, (h, rz, n, m, d)

    h_n, (y, rz, n, m, d) = scan(step, h0, (x,), xp=xp, prepare=drives)
    return y, h_n, GRUCache(x, h0, weights, y, rz, n, m, d)


@portable
def gru_backward(dy: Array, dh_n: Array, cache: GRUCache, *, xp: Namespace = None) -> GRUGradients:
    """Gradients of `gru`: back through time.

    Parameters
    ----------
    dy : array (time, batch, hidden_size)
    dh_n : array (batch, hidden_size)
        Gradient of the final state, on top of dy's last step.
    cache : GRUCache

    Returns
    -------
    GRUGradients
    """
    x, h0, weights, y, rz, n, m, d = cache
    size = h0.shape[1]
    recur = product(weights.weight_hh.T, x.shape[1], xp=xp)

    def factors(dy: Array, rz: Array, n: Array, m: Array, d: Array) -> tuple[Array, ...]:
        # As in the LSTM: what dh and dn are multiplied with does not depend on later steps.
        r, z = rz[:, 0, ...], rz[:, 1, ...]
        keep, mr = 1.0 - z, m * r
        to_n = keep - keep * n * n
        to_z = d * (z * keep)
        to_r = mr - mr * r
        return dy, r, z, to_r, to_z, to_n

    def step(dh: Array, now: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        dy_t, r, z, to_r, to_z, to_n = now
        dh = dh + dy_t
        dn = dh * to_n
        gates = xp.concat((dn, dn * to_r, dh * to_z, dn * r), axis=-1)
        dh *= z
        dh += recur(gates[:, size:])
        return dh, (gates,)

    known = (dy, rz, n, m, d)
    dh0, (gates,) = scan(step, dh_n, known, xp=xp, reverse=True, prepare=factors)
    # Of the columns n, r, z, r n, the first three belong to the input's part and the last three to the recurrent
    # part, so neither has to be copied; the input's come out in the order n, r, z.
    weight_ih = xp.concat((weights.weight_ih[:, 2 * size :], weights.weight_ih[:, : 2 * size]), axis=1)
    dx, dweights = recurrence.weight_gradients(
        x, h0, y, gates[:, :, : 3 * size], gates[:, :, size:], weights._replace(weight_ih=weight_ih), xp=xp
    )
    dweight_ih, dbias_ih = dweights.weight_ih, dweights.bias_ih
    dweights = dweights._replace(
        weight_ih=xp.concat((dweight_ih[:, size:], dweight_ih[:, :size]), axis=1),
        bias_ih=xp.concat((dbias_ih[size:], dbias_ih[:size])),
    )
    return GRUGradients(dx, dh0, dweights)
