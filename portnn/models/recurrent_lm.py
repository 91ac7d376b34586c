"""Recurrent language model: ids in, distribution of the next id out."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from portnn import ops
from portnn.backends import Array, Namespace, tree_map
from portnn.models.protocol import Parameters

CELLS = {"rnn": 1, "gru": 3, "lstm": 4}
"""Cells by name, with their number of gates."""

LayerState = tuple[Array, ...]
"""Hidden state of a layer, (batch, hidden_size); an LSTM's cell state follows."""

Carry = tuple[LayerState, ...]


class LanguageBatch(NamedTuple):
    """A chunk of parallel streams.

    Attributes
    ----------
    inputs : integer array (time, batch)
    targets : integer array (time, batch)
        The ids that follow the inputs.
    keep : tuple of arrays (time, batch, hidden_size)
        Dropout masks, one for the output of each layer; empty where nothing is dropped.
    weights : array (time, batch) or None
        Which targets count; None: all.
    """

    inputs: Array
    targets: Array
    keep: tuple[Array, ...] = ()
    weights: Array | None = None


class LanguageCache(NamedTuple):
    """What `RecurrentLM.gradients` needs."""

    layers: tuple[Any, ...]
    dropouts: tuple[ops.DropoutCache, ...]
    output: ops.LinearCache
    loss: ops.CrossEntropyCache


@dataclass(frozen=True)
class RecurrentLM:
    """Layers of recurrent cells over one-hot ids, and a softmax over the next id.

    Attributes
    ----------
    vocabulary_size : int
    cell : {"lstm", "gru", "rnn"}
    hidden_size : int
    num_layers : int
    dropout : float in [0, 1)
        Rate at which the output of every layer is dropped in training.

    Raises
    ------
    ValueError
        If a size is not positive, the rate is out of range or the cell unknown.
    """

    vocabulary_size: int
    cell: str = "lstm"
    hidden_size: int = 128
    num_layers: int = 1
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.cell not in CELLS:
            raise ValueError(f"unknown cell {self.cell!r}; known: {', '.join(CELLS)}")
        for name in ("vocabulary_size", "hidden_size", "num_layers"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a positive whole number, got {value!r}")
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}")

    @property
    def row_parameters(self) -> tuple[()]:
        """None: every batch uses all parameters."""
        return ()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter."""
        wide = CELLS[self.cell] * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in range(self.num_layers):
            shapes[f"layers.{layer}.weight_ih"] = (self.hidden_size if layer else self.vocabulary_size, wide)
            shapes[f"layers.{layer}.weight_hh"] = (self.hidden_size, wide)
            shapes[f"layers.{layer}.bias_ih"] = (wide,)
            shapes[f"layers.{layer}.bias_hh"] = (wide,)
        shapes["output.weight"] = (self.hidden_size, self.vocabulary_size)
        shapes["output.bias"] = (self.vocabulary_size,)
        return shapes

    def init(self, rng: np.random.Generator, scale: float | None = None) -> dict[str, np.ndarray[Any, Any]]:
        """Draw initial parameters on the host, float64.

        Parameters
        ----------
        rng : Generator
        scale : float, optional
            Standard deviation of normal weights with zero biases (min-char-rnn takes 0.01). Without it, all are
            uniform within 1 / sqrt(hidden_size), as in PyTorch, and an LSTM's forget gates start open (bias 1).
        """
        bound = 1.0 / math.sqrt(self.hidden_size)
        params = {}
        for name, shape in self.shapes().items():
            if scale is None:
                params[name] = rng.uniform(-bound, bound, shape)
                if self.cell == "lstm" and name.endswith("bias_ih"):
                    params[name][self.hidden_size : 2 * self.hidden_size] = 1.0
            else:
                params[name] = rng.normal(0.0, scale, shape) if len(shape) > 1 else np.zeros(shape)
        return params

    def initial_carry(self, batch_size: int) -> tuple[tuple[np.ndarray[Any, Any], ...], ...]:
        """Zero states on the host, float64: one tuple a layer of (batch_size, hidden_size) arrays."""
        zeros = np.zeros((batch_size, self.hidden_size))
        return ((zeros,) * (2 if self.cell == "lstm" else 1),) * self.num_layers

    def logits(
        self, params: Parameters, batch: LanguageBatch, carry: Carry, *, xp: Namespace
    ) -> tuple[Array, Carry, tuple[tuple[Any, ...], tuple[ops.DropoutCache, ...], ops.LinearCache]]:
        """Logits of the next id (time, batch, vocabulary_size), the states after the chunk, and caches."""
        forward = getattr(ops, self.cell)
        y, states, layers, dropouts = batch.inputs, [], [], []
        for layer, state in enumerate(carry):
            y, *rest = forward(y, *state, layer_weights(params, layer), xp=xp)
            states.append(tuple(rest[:-1]))
            layers.append(rest[-1])
            if batch.keep:
                y, dropped = ops.dropout(y, batch.keep[layer], rate=self.dropout, xp=xp)
                dropouts.append(dropped)
        logits, output = ops.linear(y, params["output.weight"], params["output.bias"], xp=xp)
        return logits, tuple(states), (tuple(layers), tuple(dropouts), output)

    def loss(
        self, params: Parameters, batch: LanguageBatch, carry: Carry, *, xp: Namespace
    ) -> tuple[Array, Carry, LanguageCache]:
        """Mean cross-entropy in nats per id, the states after the chunk, and a cache for `gradients`."""
        logits, carry, caches = self.logits(params, batch, carry, xp=xp)
        loss, cache = ops.cross_entropy(logits, batch.targets, batch.weights, xp=xp)
        return loss, carry, LanguageCache(*caches, cache)

    def gradients(self, cache: LanguageCache, *, xp: Namespace) -> Parameters:
        """Gradients of the loss for every parameter, truncated at the start of the chunk."""
        backward = getattr(ops, f"{self.cell}_backward")
        dlogits = ops.cross_entropy_backward(1.0, cache.loss, xp=xp)
        dy, *head = ops.linear_backward(dlogits, cache.output, xp=xp)
        grads: Parameters = dict(zip(("output.weight", "output.bias"), head, strict=True))
        for layer in reversed(range(self.num_layers)):
            if cache.dropouts:
                dy = ops.dropout_backward(dy, cache.dropouts[layer], xp=xp)
            nothing = xp.zeros_like(cache.layers[layer].h0)
            states = (nothing, nothing) if self.cell == "lstm" else (nothing,)
            found = backward(dy, *states, cache.layers[layer], xp=xp)
            for name, gradient in zip(found.weights._fields, found.weights, strict=True):
                grads[f"layers.{layer}.{name}"] = gradient
            dy = found.x
        return grads

    def split(self, batch: LanguageBatch, carry: Carry, parts: int) -> list[tuple[LanguageBatch, Carry, float]]:
        """Cut a batch between its streams into parts as equal as can be, each with its share of the mean loss."""
        streams = batch.inputs.shape[1]
        cuts = [streams * part // parts for part in range(parts + 1)]
        pieces = []
        for start, stop in itertools.pairwise(cuts):
            piece = tree_map(lambda array, a=start, b=stop: array[:, a:b, ...], batch)
            states = tree_map(lambda array, a=start, b=stop: array[a:b, ...], carry)
            share = (stop - start) / streams
            if batch.weights is not None:
                share = float(piece.weights.sum()) / (float(batch.weights.sum()) or 1.0)
            pieces.append((piece, states, share))
        return pieces


def layer_weights(params: Parameters, layer: int) -> ops.Weights:
    """Weights of one recurrent layer out of the parameters."""
    return ops.Weights(*(params[f"layers.{layer}.{name}"] for name in ops.Weights._fields))
