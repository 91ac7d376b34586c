"""Gated recurrent unit layer over whole sequences."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, portable, product, slices_are_views
from portnn.ops.recurrent.cells import Cell, RecurrentGradients, Steps, Weights, register
from portnn.ops.recurrent.gate_layout import GateLayout, gate_layout
from portnn.ops.recurrent.recurrence import check_recurrent, input_projection, weight_gradients
from portnn.ops.recurrent.time_loop import Outputs, TimeLoop, time_loop

__all__ = ["GRUCache", "gru", "gru_backward"]


class GRUCache(NamedTuple):
    """What `gru_backward` needs.

    `hs` (time, batch, hidden) is the state after each step, `rz` the reset and update gates in the layout of the loop,
    ``m = h_{t-1} W_hn + b_hn`` and ``d = h_{t-1} - n``.
    """

    x: Array
    h0: Array
    weights: Weights
    loop: TimeLoop
    layout: GateLayout
    hs: Array
    rz: Array
    n: Array
    m: Array
    d: Array


@portable
def gru(
    x: Array,
    states: tuple[Array],
    weights: Weights,
    *,
    lengths: Array | None = None,
    reverse: bool = False,
    xp: Namespace = None,
) -> tuple[Array, tuple[Array], GRUCache]:
    r"""GRU whose reset gate acts after the product with the recurrent weights, as in PyTorch and cuDNN.

    With ``a = x_t W_ih + b_ih`` and ``b = h_{t-1} W_hh + b_hh``, each split into three:
    ``r = sigmoid(a_r + b_r)``; ``z = sigmoid(a_z + b_z)``; ``n = tanh(a_n + r * b_n)``;
    ``h_t = (1 - z) * n + z * h_{t-1}``.

    Parameters
    ----------
    x : array (time, batch, input_size), or integer ids (time, batch)
        Ids stand for one-hot vectors of length input_size.
    states : tuple of array (batch, hidden_size)
        h, the hidden state before the first step.
    weights : Weights
        weight_ih (input_size, 3 * hidden_size), weight_hh (hidden_size, 3 * hidden_size), two biases
        (3 * hidden_size,). The gates lie side by side in PyTorch's order: reset, update, new.
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
    cache : GRUCache

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
    Cho et al. Learning phrase representations using RNN encoder-decoder for statistical machine translation.
    EMNLP 2014. (There the reset gate acts before the product; version 1 of arXiv:1406.1078 has both forms.)
    """
    check_recurrent(GRU, x, states, weights, xp=xp)
    h0, size = states[0], states[0].shape[1]
    loop, layout = time_loop("gru", x, lengths, reverse, xp=xp), gate_layout(size, xp=xp)
    x = loop.without_padding(x, xp=xp)
    drives, step = gru_steps(x, states, weights, xp=xp)
    states, (hs, rz, n, m, d) = loop.forward(step, states, x, prepare=drives, xp=xp)
    return loop.without_padding(hs, xp=xp), states, GRUCache(x, h0, weights, loop, layout, hs, rz, n, m, d)


def gru_steps(x: Array, states: tuple[Array], weights: Weights, *, xp: Namespace) -> Steps:
    """Steps that `gru` takes."""
    h0, size = states[0], states[0].shape[1]
    layout = gate_layout(size, xp=xp)
    # Half goes into the weights of both sigmoids, as in the LSTM. b_n stays apart: the reset gate scales it.
    half, one = xp.full_like(h0[0, :], 0.5), xp.ones_like(h0[0, :])
    scale = xp.concat((half, half, one))
    outer = xp.concat((weights.bias_hh[: 2 * size], xp.zeros_like(one)))
    inner = xp.zeros_like(h0) + weights.bias_hh[2 * size :]
    constant = half[0]  # beside a small array, NumPy handles an array faster than a Python number
    first, second, third, both = (*map(layout.gate, range(3)), layout.gate(0, count=2))

    recur = layout.product(weights.weight_hh * scale, x.shape[1], xp=xp)
    bias = (weights.bias_ih + outer) * scale
    project = input_projection(x, weights.weight_ih * scale, bias, xp=xp)

    def drives(x: Array) -> tuple[Array, Array]:
        drive = layout.arrange(project(x), xp=xp)
        return layout.over_time(drive, 0, count=2), layout.over_time(drive, 2)

    def step(states: tuple[Array], now: tuple[Array, Array]) -> tuple[tuple[Array], Outputs]:
        (h,), (drive_rz, drive_n) = states, now
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
        return (h,), (h, rz, n, m, d)

    return Steps(drives, step)


@portable
def gru_backward(dy: Array, dstates: tuple[Array], cache: GRUCache, *, xp: Namespace = None) -> RecurrentGradients:
    """Gradients of `gru`: back through time.

    Parameters
    ----------
    dy : array (time, batch, hidden_size)
        Has no effect at padding.
    dstates : tuple of array (batch, hidden_size)
        Gradient of the final state, on top of the one in dy.
    cache : GRUCache

    Returns
    -------
    RecurrentGradients
    """
    x, h0, weights, loop, layout, hs, rz, n, m, d = cache
    size = h0.shape[1]
    recur = product(weights.weight_hh.T, x.shape[1], xp=xp)
    views = slices_are_views(xp=xp)

    def factors(dy: Array, rz: Array, n: Array, m: Array, d: Array) -> Outputs:
        # As in the LSTM: what dh and dn are multiplied by does not depend on later steps.
        r, z = layout.over_time(rz, 0), layout.over_time(rz, 1)
        keep, mr = 1.0 - z, m * r
        to_n = keep - keep * n * n
        to_z = d * (z * keep)
        to_r = mr - mr * r
        return dy, r, z, to_r, to_z, to_n

    def joined(n: Array, r: Array, z: Array, rn: Array) -> tuple[Outputs, Array]:
        dgates = xp.concat((n, r, z, rn), axis=-1)
        return (dgates,), dgates[:, size:]

    def apart(n: Array, r: Array, z: Array, rn: Array) -> tuple[Outputs, Array]:
        recurrent = xp.concat((r, z, rn), axis=-1)
        return (xp.concat((n, r, z), axis=-1), recurrent), recurrent

    collect = joined if views else apart

    def step(dstates: tuple[Array], now: Outputs) -> tuple[tuple[Array], Outputs]:
        dy_t, r, z, to_r, to_z, to_n = now
        dh = dstates[0] + dy_t
        dn = dh * to_n
        dgates, recurrent = collect(dn, dn * to_r, dh * to_z, dn * r)
        dh *= z
        dh += recur(recurrent)
        return (dh,), dgates

    dstates, dgates = loop.backward(step, dstates, dy, (rz, n, m, d), prepare=factors, xp=xp)
    # Of the columns n, r, z, r n, the first three belong to the input's part and the last three to the recurrent part,
    # so as views neither has to be copied; the input's come out in the order n, r, z.
    dinput, drecurrent = (dgates[0][:, :, : 3 * size], dgates[0][:, :, size:]) if views else dgates
    weight_ih = xp.concat((weights.weight_ih[:, 2 * size :], weights.weight_ih[:, : 2 * size]), axis=1)
    dx, dweights = weight_gradients(
        x, h0, hs, dinput, drecurrent, weights._replace(weight_ih=weight_ih), reverse=loop.reverse, xp=xp
    )
    dweight_ih, dbias_ih = dweights.weight_ih, dweights.bias_ih
    dweights = dweights._replace(
        weight_ih=xp.concat((dweight_ih[:, size:], dweight_ih[:, :size]), axis=1),
        bias_ih=xp.concat((dbias_ih[size:], dbias_ih[:size])),
    )
    return RecurrentGradients(dx, dstates, dweights)


GRU = Cell("gru", gru, gru_backward, gru_steps, gates=("reset", "update", "new"))
register(GRU)
