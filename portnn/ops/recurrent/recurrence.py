"""What recurrent ops share outside the loop: checks, the input's part of the gates, and gradients of the weights."""

from __future__ import annotations

from collections.abc import Callable

from portnn.backends import Array, Namespace, scatter_add, slices_are_views
from portnn.ops.recurrent.cells import Cell, Weights
from portnn.ops.shapes import check_ndim, check_shape, shape


def check_recurrent(cell: Cell, x: Array, states: tuple[Array, ...], weights: Weights, *, xp: Namespace) -> None:
    """Check the shapes of a recurrent call and the kind of x; raise an error that names the argument at fault."""
    check_ndim(cell.name, "x", x, 2, 3)
    kind, what = ("integral", "ids of an integer") if x.ndim == 2 else ("real floating", "vectors of a floating")
    if not xp.isdtype(x.dtype, kind):
        raise TypeError(f"{cell.name}: x {shape(x)} has dtype {x.dtype}, expected {what} dtype")
    check_ndim(cell.name, "weight_hh", weights.weight_hh, 2)
    hidden, gates = weights.weight_hh.shape[0], len(cell.gates)
    units = f"{hidden} units of {gates} gate(s) expect"
    check_shape(cell.name, "weight_hh", weights.weight_hh, (hidden, gates * hidden), units)
    check_ndim(cell.name, "weight_ih", weights.weight_ih, 2)
    n_in = weights.weight_ih.shape[0] if x.ndim == 2 else x.shape[-1]
    check_shape(cell.name, "weight_ih", weights.weight_ih, (n_in, gates * hidden), "x and weight_hh expect")
    check_shape(cell.name, "bias_ih", weights.bias_ih, (gates * hidden,), "weight_hh expects")
    check_shape(cell.name, "bias_hh", weights.bias_hh, (gates * hidden,), "weight_hh expects")
    if x.shape[0] < 1:
        raise ValueError(f"{cell.name}: x has shape {shape(x)}, expected at least one time step")
    if len(states) != len(cell.states):
        expected = f"{len(cell.states)} ({', '.join(cell.states)})"
        raise ValueError(f"{cell.name}: states holds {len(states)} arrays, expected {expected}")
    for name, state in zip(cell.states, states, strict=True):
        check_shape(cell.name, f"state {name}", state, (x.shape[1], hidden), "x and the weights expect")


def input_projection(x: Array, weight_ih: Array, bias: Array, *, xp: Namespace) -> Callable[[Array], Array]:
    """Make a function from time steps of x to the input's part of their gates.

    Parameters
    ----------
    x : array (time, batch, input_size), or integer ids (time, batch)
        Ids stand for one-hot vectors: their product with the weights is a gather.
    weight_ih : array (input_size, gates * hidden)
    bias : array (gates * hidden,)

    Returns
    -------
    callable
        Any number of time steps of x -> array (time, batch, gates * hidden).
    """
    table = weight_ih + bias if x.ndim == 2 else None
    batch, wide = x.shape[1], weight_ih.shape[1]

    def project(x: Array) -> Array:
        if table is not None:
            projected = xp.take(table, xp.reshape(x, (-1,)), axis=0)
        else:
            projected = xp.matmul(xp.reshape(x, (-1, x.shape[2])), weight_ih)
            projected += bias
        return xp.reshape(projected, (-1, batch, wide))

    return project


def weight_gradients(
    x: Array, h0: Array, hs: Array, da: Array, db: Array, weights: Weights, *, reverse: bool, xp: Namespace
) -> tuple[Array | None, Weights]:
    """Gradients of x and the weights: one product each over all time steps, not one per step.

    Parameters
    ----------
    x, h0, hs : array
        Input, first hidden state (batch, hidden) and hidden state after each step (time, batch, hidden).
    da, db : array (time, batch, G * hidden)
        Gradients of the input's and of the recurrent part of the gates, before the nonlinearity.
    weights : Weights
    reverse : bool
        Whether steps were taken from the last to the first.

    Returns
    -------
    dx : array like x, or None if x holds ids
    dweights : Weights
    """
    (length, batch, hidden), wide = hs.shape, da.shape[2]
    one_bias = da is db
    da, db = xp.reshape(da, (-1, wide)), xp.reshape(db, (-1, wide))
    before = hs[1:, ...] if reverse else hs[:-1, ...]
    if slices_are_views(xp=xp):
        first, later = (db[-batch:, :], db[:-batch, :]) if reverse else (db[:batch, :], db[batch:, :])
        dweight_hh = xp.matmul(h0.T, first)
        if length > 1:
            dweight_hh += xp.matmul(xp.reshape(before, (-1, hidden)).T, later)
    else:
        start = xp.astype(h0, hs.dtype, copy=False)[None, ...]
        before = xp.concat((before, start) if reverse else (start, before))
        dweight_hh = xp.matmul(xp.reshape(before, (-1, hidden)).T, db)
    if x.ndim == 2:
        dx, dweight_ih = None, scatter_add(xp.zeros_like(weights.weight_ih), xp.reshape(x, (-1,)), da, xp=xp)
        dbias_ih = xp.sum(dweight_ih, axis=0)  # every row of da has gone to exactly one row
    else:
        dx = xp.reshape(xp.matmul(da, weights.weight_ih.T), x.shape)
        dweight_ih = xp.matmul(xp.reshape(x, (-1, x.shape[2])).T, da)
        dbias_ih = xp.sum(da, axis=0)
    return dx, Weights(dweight_ih, dweight_hh, dbias_ih, dbias_ih if one_bias else xp.sum(db, axis=0))
