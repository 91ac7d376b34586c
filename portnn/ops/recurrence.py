"""What the three recurrent cells share: all that does not depend on the previous step.

Outside, sequences are ``(time, batch, features)``. Inside the loop the features come first: states are
``(hidden, batch)`` and gates ``(gates * hidden, batch)``. Each gate is then one contiguous block, and the
product inside the loop has the shape that BLAS libraries do best for small batches. Changing over costs no
transposition: the products before and after the loop take either layout as it lies.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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


def project_input(x: Array, weight_ih: Array, bias: Array, *, xp: Namespace) -> Array:
    """Input's part of the gates, for all time steps at once and features first.

    Parameters
    ----------
    x : array (time, batch, input_size), or integer ids (time, batch)
        Ids stand for one-hot vectors: their product with the weights is a gather.
    weight_ih : array (input_size, G * hidden)
    bias : array (G * hidden,)

    Returns
    -------
    array (time, G * hidden, batch)
    """
    if x.ndim == 2:
        table = xp.reshape(weight_ih.T + xp.expand_dims(bias, axis=-1), (bias.shape[0], -1))
        projected = xp.take(table, xp.reshape(x, (-1,)), axis=1)
    else:
        projected = xp.matmul(weight_ih.T, xp.reshape(x, (-1, x.shape[2])).T)
        projected += xp.expand_dims(bias, axis=-1)
    return xp.permute_dims(xp.reshape(projected, (-1, x.shape[0], x.shape[1])), (1, 0, 2))


def project_input_backward(dgates: Array, x: Array, weight_ih: Array, *, xp: Namespace) -> tuple[Array | None, Array]:
    """Gradients of `project_input`: dx (None where x is ids) and dweight_ih. dgates (G * hidden, time * batch)."""
    if x.ndim == 2:
        return None, scatter_add(xp.zeros_like(weight_ih), xp.reshape(x, (-1,)), dgates.T, xp=xp)
    dx = xp.reshape(xp.matmul(dgates.T, weight_ih.T), x.shape)
    return dx, xp.matmul(xp.reshape(x, (-1, x.shape[2])).T, dgates.T)


def weight_hh_gradient(h0: Array, y: Array, dgates: Array, *, xp: Namespace) -> Array:
    """Gradient of the recurrent weights: one product over all time steps, not one a step.

    h0 (batch, hidden), y (time, batch, hidden), dgates (G * hidden, time * batch) -> (hidden, G * hidden).
    """
    batch, hidden = h0.shape
    gradient = xp.matmul(h0.T, dgates[:, :batch].T)
    if y.shape[0] > 1:
        gradient += xp.matmul(xp.reshape(y[:-1, ...], (-1, hidden)).T, dgates[:, batch:].T)
    return gradient


def gate_rows(size: int, gates: int) -> list[tuple[Any, ...]]:
    """Index of each gate's rows among (gates * size, batch), made once and not in every step."""
    return [(slice(gate * size, (gate + 1) * size), ...) for gate in range(gates)]


def transposed(weight: Array, *, xp: Namespace) -> Array:
    """Transpose of a matrix, laid out anew row by row, because the loop reads it once a step."""
    return xp.reshape(xp.reshape(weight.T, (-1,)), (weight.shape[1], weight.shape[0]))


def features_first(xs: Array, *, xp: Namespace) -> Array:
    """Join the time and batch axes: (time, features, batch) -> (features, time * batch)."""
    return xp.reshape(xp.permute_dims(xs, (1, 0, 2)), (xs.shape[1], -1))


def features_last(xs: Array, *, xp: Namespace) -> Array:
    """Public layout again: (time, features, batch) -> (time, batch, features), such that its rows join for free."""
    time, features, batch = xs.shape
    return xp.reshape(features_first(xs, xp=xp).T, (time, batch, features))


def previous(first: Array, later: Array, *, xp: Namespace) -> Array:
    """State before each step: `first` (features, batch), then all but the last of `later` (time, features, batch)."""
    return xp.concat((xp.expand_dims(first, axis=0), later[:-1, ...]), axis=0)
