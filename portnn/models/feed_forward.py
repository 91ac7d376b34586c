"""Feed-forward network: a vector of inputs to a vector of outputs. Without a hidden layer it is a linear model."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np

from portnn import ops
from portnn.backends import Array, Namespace, without_graph
from portnn.models.protocol import Model, Parameters
from portnn.objectives import OBJECTIVES
from portnn.settings import OneOf, Settings, brief_fields, documented, fraction, not_negative, positive

ROWS = 8192
"""Rows of a table that are evaluated at a time."""


class RowBatch(NamedTuple):
    """Some rows of a table.

    Attributes
    ----------
    x : array (rows, n_in)
    targets : integer array (rows,) of class ids, or array (rows, n_out)
        What the objective takes; see `portnn.objectives.LabelKind`.
    weights : array (rows,) or None
        How much each row counts; None if all count the same.
    keep : tuple of arrays (rows, hidden units)
        Dropout masks, one for each hidden layer; empty if nothing is dropped.
    """

    x: Array
    targets: Array
    weights: Array | None = None
    keep: tuple[Array, ...] = ()

    def __repr__(self) -> str:
        return brief_fields(self)


class LayerCache(NamedTuple):
    """What the backward pass needs of one hidden layer."""

    linear: ops.LinearCache
    activation: Any
    dropout: ops.DropoutCache | None


class FeedForwardOutputs(NamedTuple):
    """What `FeedForward.backward` needs."""

    hidden: tuple[LayerCache, ...]
    output: ops.LinearCache


class FeedForwardCache(NamedTuple):
    """What `FeedForward.gradients` needs."""

    outputs: FeedForwardOutputs
    objective: Any


@documented()
@dataclass(frozen=True)
class FeedForward(Settings, Model):
    """Affine maps with an activation between them, and a loss on the outputs of the last.

    Attributes
    ----------
    {settings}

    Raises
    ------
    ValueError
        If a size is not positive, a number is out of range, or a name is unknown.
    """

    sizes: Annotated[
        tuple[int, ...], positive, "Inputs, units of every hidden layer, outputs. Two sizes make a linear model."
    ]
    activation: Annotated[str, OneOf(ops.ACTIVATIONS), "Activation of the hidden layers."] = "relu"
    objective: Annotated[str, OneOf(OBJECTIVES), "Loss."] = "cross_entropy"
    l2: Annotated[
        float,
        not_negative,
        "L2 penalty: ``l2 / 2`` times the sum of all squared weights (not biases) is added to the loss.",
    ] = 0.0
    dropout: Annotated[float, fraction, "Dropout rate of the hidden layers' outputs in training."] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.sizes) < 2:
            raise ValueError(f"a network needs the sizes of its inputs and outputs, got {self.sizes}")

    @property
    def rows_at_a_time(self) -> int:
        """Rows to evaluate at a time, so that the hidden layers of a large table fit into memory."""
        return ROWS

    @property
    def masks(self) -> tuple[int, ...]:
        """Units of each dropout mask of a batch."""
        return self.sizes[1:-1] if self.dropout else ()

    @property
    def depth(self) -> int:
        """Number of affine maps."""
        return len(self.sizes) - 1

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter: layers.0.weight (n_in, n_out), layers.0.bias (n_out,) and so on."""
        shapes: dict[str, tuple[int, ...]] = {}
        for layer, (n_in, n_out) in enumerate(itertools.pairwise(self.sizes)):
            shapes[f"layers.{layer}.weight"], shapes[f"layers.{layer}.bias"] = (n_in, n_out), (n_out,)
        return shapes

    def init(self, rng: np.random.Generator, scale: float | None = None) -> dict[str, np.ndarray[Any, Any]]:
        """Draw initial parameters on the host, float64. Biases are zero.

        Parameters
        ----------
        rng : Generator
        scale : float, optional
            Standard deviation of normally distributed weights. Without it weights are uniform: up to sqrt(6 / n_in) in
            size before an activation that silences about half of its inputs [1]_, up to sqrt(6 / (n_in + n_out))
            elsewhere [2]_.

        References
        ----------
        .. [1] K. He, X. Zhang, S. Ren, J. Sun. Delving deep into rectifiers. ICCV, 2015.
        .. [2] X. Glorot, Y. Bengio. Understanding the difficulty of training deep feedforward neural networks.
           AISTATS, 2010.
        """
        params: dict[str, np.ndarray[Any, Any]] = {}
        for layer, (n_in, n_out) in enumerate(itertools.pairwise(self.sizes)):
            half_silent = ops.ACTIVATIONS[self.activation].half_silent and layer + 1 < self.depth
            bound = math.sqrt(6.0 / (n_in if half_silent else n_in + n_out))
            draw = rng.uniform(-bound, bound, (n_in, n_out)) if scale is None else rng.normal(0.0, scale, (n_in, n_out))
            params[f"layers.{layer}.weight"], params[f"layers.{layer}.bias"] = draw, np.zeros(n_out)
        return params

    def outputs_of(
        self, params: Parameters, x: Array, keep: tuple[Array, ...] = (), *, xp: Namespace
    ) -> tuple[Array, FeedForwardOutputs]:
        """Outputs of the last affine map (rows, n_out) for x (rows, n_in), and a cache."""
        x, hidden = self.hidden_of(params, x, keep, xp=xp)
        outputs, linear = ops.linear(x, *layer_parameters(params, self.depth - 1), xp=xp)
        return outputs, FeedForwardOutputs(hidden, linear)

    def hidden_of(
        self, params: Parameters, x: Array, keep: tuple[Array, ...] = (), *, xp: Namespace
    ) -> tuple[Array, tuple[LayerCache, ...]]:
        """Output of the last hidden layer (rows, units), or x (rows, n_in) if there is none, and a cache."""
        forward, hidden = ops.ACTIVATIONS[self.activation].forward, []
        for layer in range(self.depth - 1):
            z, linear = ops.linear(x, *layer_parameters(params, layer), xp=xp)
            x, activation = forward(z, xp=xp)
            dropped = None
            if keep:
                x, dropped = ops.dropout(x, keep[layer], rate=self.dropout, xp=xp)
            hidden.append(LayerCache(linear, activation, dropped))
        return x, tuple(hidden)

    def layers_of(self, params: Parameters, x: Array, *, xp: Namespace) -> tuple[Array, ...]:
        """Output of every hidden layer (rows, units)."""
        last, cache = self.hidden_of(params, x, xp=xp)
        return hidden_layers(cache, last)

    def loss(
        self, params: Parameters, batch: RowBatch, carry: tuple[()] = (), *, xp: Namespace
    ) -> tuple[Array, tuple[()], FeedForwardCache]:
        """Mean loss per row with the L2 penalty, no carry, and a cache for `gradients`."""
        outputs, cache = self.outputs_of(params, batch.x, batch.keep, xp=xp)
        loss, of_objective = OBJECTIVES[self.objective].forward(outputs, batch.targets, batch.weights, xp=xp)
        for layer in range(self.depth) if self.l2 else ():
            loss += l2_penalty(params[f"layers.{layer}.weight"], self.l2, xp=xp)
        return loss, (), FeedForwardCache(cache, of_objective)

    @without_graph
    def gradients(self, cache: FeedForwardCache, *, xp: Namespace) -> Parameters:
        """Gradients of the loss for every parameter."""
        doutputs = OBJECTIVES[self.objective].backward(1.0, cache.objective, xp=xp)
        return self.backward(doutputs, cache.outputs, of_x=False, xp=xp)[1]

    @without_graph
    def backward(
        self, doutputs: Array, cache: FeedForwardOutputs, *, of_x: bool = True, xp: Namespace
    ) -> tuple[Array | None, Parameters]:
        """Gradients of x (rows, n_in), if it is asked for, and of the parameters with their L2 penalty."""
        dx, of_last = self._linear_backward(doutputs, self.depth - 1, cache.output, of_x or self.depth > 1, xp)
        if self.depth == 1:
            return dx, of_last
        dx, grads = self.hidden_backward(dx, cache.hidden, of_x=of_x, xp=xp)
        return dx, {**grads, **of_last}

    @without_graph
    def hidden_backward(
        self, dhidden: Array, cache: tuple[LayerCache, ...], *, of_x: bool = True, xp: Namespace
    ) -> tuple[Array | None, Parameters]:
        """The same from the gradient of `hidden_of`."""
        backward, dx = ops.ACTIVATIONS[self.activation].backward, dhidden
        grads: Parameters = {}
        for layer, kept in reversed(tuple(enumerate(cache))):
            if kept.dropout is not None:
                dx = ops.dropout_backward(dx, kept.dropout, xp=xp)
            dz = backward(dx, kept.activation, xp=xp)
            dx, of_layer = self._linear_backward(dz, layer, kept.linear, of_x or layer > 0, xp)
            grads |= of_layer
        return dx, grads

    def _linear_backward(
        self, dy: Array, layer: int, cache: ops.LinearCache, of_x: bool, xp: Namespace
    ) -> tuple[Array | None, Parameters]:
        dx, dweight, dbias = ops.linear_backward(dy, cache, of_x=of_x, xp=xp)
        if self.l2:
            dweight += cache.weight * self.l2
        return dx, {f"layers.{layer}.weight": dweight, f"layers.{layer}.bias": dbias}


def hidden_layers(cache: tuple[LayerCache, ...], last: Array) -> tuple[Array, ...]:
    """Output of every hidden layer, from the cache and the output of `FeedForward.hidden_of`."""
    return (*(layer.linear.x for layer in cache[1:]), last) if cache else ()


def l2_penalty(weight: Array, l2: float, *, xp: Namespace) -> Array:
    """``l2 / 2`` times the sum of the squared entries."""
    return xp.sum(weight * weight) * (0.5 * l2)


def layer_parameters(params: Parameters, layer: int) -> tuple[Array, Array]:
    """Weight and bias of one layer."""
    return params[f"layers.{layer}.weight"], params[f"layers.{layer}.bias"]
