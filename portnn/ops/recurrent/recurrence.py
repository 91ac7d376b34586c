"""What the three recurrent cells share: all that does not depend on the previous step.

Weights hold the gates side by side, ``(features, gates * hidden)``. Inside the loop the gates come first,
``(gates, batch, hidden)``, so that each is one contiguous block for the arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from portnn.backends import Array, Namespace, scatter_add
from portnn.ops.shapes import check_ndim, check_shape, shape


class Weights(NamedTuple):
    """Weights of one recurrent layer; G is the number of gates (1, 3 or 4), gates side by side.

    Attributes
    ----------
    weight_ih : array (input_size, G * hidden_size)
    weight_hh : array (hidden_size, G * hidden_size)
    bias_ih : array (G * hidden_size,)
    bias_hh : array (G * hidden_size,)
        A second bias, as PyTorch has it, so that weights carry over both ways. (In the GRU it is no duplicate.)
    """

    weight_ih: Array
    weight_hh: Array
    bias_ih: Array
    bias_hh: Array


def check_recurrent(
    operation: str, x: Array, weights: Weights, states: dict[str, Array], gates: int, *, xp: Namespace
) -> None:
    """Check the shapes of a recurrent call and the kind of x; raise an error that names the argument at fault."""
    check_ndim(operation, "x", x, 2, 3)
    kind, what = ("integral", "ids of an integer") if x.ndim == 2 else ("real floating", "vectors of a floating")
    if not xp.isdtype(x.dtype, kind):
        raise TypeError(f"{operation}: x {shape(x)} has dtype {x.dtype}, expected {what} dtype")
    check_ndim(operation, "weight_hh", weights.weight_hh, 2)
    hidden = weights.weight_hh.shape[0]
    units = f"{hidden} units of {gates} gate(s) expect"
    check_shape(operation, "weight_hh", weights.weight_hh, (hidden, gates * hidden), units)
    check_ndim(operation, "weight_ih", weights.weight_ih, 2)
    n_in = weights.weight_ih.shape[0] if x.ndim == 2 else x.shape[-1]
    check_shape(operation, "weight_ih", weights.weight_ih, (n_in, gates * hidden), "x and weight_hh expect")
    check_shape(operation, "bias_ih", weights.bias_ih, (gates * hidden,), "weight_hh expects")
    check_shape(operation, "bias_hh", weights.bias_hh, (gates * hidden,), "weight_hh expects")
    if x.shape[0] < 1:
        raise ValueError(f"{operation}: x has shape {shape(x)}, expected at least one time step")
    for name, state in states.items():
        check_shape(operation, name, state, (x.shape[1], hidden), "x and the weights expect")


def input_projection(x: Array, weight_ih: Array, bias: Array, gates: int, *, xp: Namespace) -> Callable[[Array], Array]:
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
        Any number of time steps of x -> array (time, gates, batch, hidden).
    """
    table = weight_ih + bias if x.ndim == 2 else None
    batch, hidden = x.shape[1], weight_ih.shape[1] // gates

    def project(x: Array) -> Array:
        if table is not None:
            projected = xp.take(table, xp.reshape(x, (-1,)), axis=0)
        else:
            projected = xp.matmul(xp.reshape(x, (-1, x.shape[2])), weight_ih)
            projected += bias
        return xp.permute_dims(xp.reshape(projected, (-1, batch, gates, hidden)), (0, 2, 1, 3))

    return project


def weight_gradients(
    x: Array, h0: Array, y: Array, da: Array, db: Array, weights: Weights, *, xp: Namespace
) -> tuple[Array | None, Weights]:
    """Gradients of x and the weights: one product each over all time steps, not one a step.

    Parameters
    ----------
    x, h0, y : array
        Input, first state (batch, hidden) and states (time, batch, hidden) of the layer.
    da, db : array (time, batch, G * hidden)
        Gradients of the input's and of the recurrent part of the gates, before the nonlinearity.
    weights : Weights

    Returns
    -------
    dx : array like x, or None where x is ids
    dweights : Weights
    """
    (length, batch, hidden), wide = y.shape, da.shape[2]
    one_bias = da is db
    da, db = xp.reshape(da, (-1, wide)), xp.reshape(db, (-1, wide))
    dweight_hh = xp.matmul(h0.T, db[:batch, :])
    if length > 1:
        dweight_hh += xp.matmul(xp.reshape(y[:-1, ...], (-1, hidden)).T, db[batch:, :])
    if x.ndim == 2:
        dx, dweight_ih = None, scatter_add(xp.zeros_like(weights.weight_ih), xp.reshape(x, (-1,)), da, xp=xp)
        dbias_ih = xp.sum(dweight_ih, axis=0)  # every row of da has gone to exactly one row
    else:
        dx = xp.reshape(xp.matmul(da, weights.weight_ih.T), x.shape)
        dweight_ih = xp.matmul(xp.reshape(x, (-1, x.shape[2])).T, da)
        dbias_ih = xp.sum(da, axis=0)
    return dx, Weights(dweight_ih, dweight_hh, dbias_ih, dbias_ih if one_bias else xp.sum(db, axis=0))
