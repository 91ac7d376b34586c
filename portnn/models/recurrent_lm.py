"""Recurrent language model: ids in, distribution of the next id out."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np

from portnn import ops
from portnn.backends import Array, Namespace, product, without_graph
from portnn.models.protocol import Model, Parameters
from portnn.models.recurrent_stack import RecurrentStack, StackCache, States, Stepper, draw
from portnn.settings import OneOf, Settings, brief_fields, documented, fraction, positive


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

    def __repr__(self) -> str:
        return brief_fields(self)


class LogitsCache(NamedTuple):
    """What `RecurrentLM.logits` keeps for the gradients."""

    stack: StackCache
    dropout: ops.DropoutCache | None
    output: ops.LinearCache


class LanguageCache(NamedTuple):
    """What `RecurrentLM.gradients` needs."""

    logits: LogitsCache
    loss: ops.CrossEntropyCache


@documented()
@dataclass(frozen=True)
class RecurrentLM(Settings, Model):
    """Layers of recurrent cells over one-hot ids, and a softmax over the next id.

    Attributes
    ----------
    {settings}

    Raises
    ------
    ValueError
        If a size is not positive, the rate is out of range or the cell unknown.
    """

    vocabulary_size: Annotated[int, positive, "Number of ids."]
    cell: Annotated[str, OneOf(ops.CELLS), "Recurrent cell."] = "lstm"
    hidden_size: Annotated[int, positive, "Units of each layer."] = 128
    num_layers: Annotated[int, positive, "Recurrent layers."] = 1
    dropout: Annotated[float, fraction, "Fraction of every layer's outputs that is dropped in training."] = 0.0

    @functools.cached_property
    def stack(self) -> RecurrentStack:
        """The recurrent layers."""
        return RecurrentStack(self.cell, self.vocabulary_size, self.hidden_size, self.num_layers, dropout=self.dropout)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter."""
        output = {"output.weight": (self.hidden_size, self.vocabulary_size), "output.bias": (self.vocabulary_size,)}
        return {**self.stack.shapes(), **output}

    def init(self, rng: np.random.Generator, scale: float | None = None) -> dict[str, np.ndarray[Any, Any]]:
        """Draw initial parameters on the host, float64.

        Parameters
        ----------
        rng : Generator
        scale : float, optional
            Standard deviation of normal weights with zero biases (min-char-rnn takes 0.01). Without it, all are
            uniform within 1 / sqrt(hidden_size), as in PyTorch, and an LSTM's forget gates start open (bias 1).
        """
        params = self.stack.init(rng, scale)
        for name, shape in self.shapes().items():
            if name not in params:
                params[name] = draw(rng, shape, self.hidden_size, scale)
        return params

    def initial_carry(self, batch_size: int) -> tuple[tuple[np.ndarray[Any, Any], ...], ...]:
        """Zero states on the host, float64: one tuple per layer of (batch_size, hidden_size) arrays."""
        return self.stack.initial_states(batch_size)

    def logits(
        self, params: Parameters, batch: LanguageBatch, carry: States, *, xp: Namespace
    ) -> tuple[Array, States, LogitsCache]:
        """Logits of the next id (time, batch, vocabulary_size), the states after the chunk, and a cache."""
        y, carry, stack = self.stack.forward(params, batch.inputs, carry, batch.keep[:-1], xp=xp)
        dropped = None
        if batch.keep:
            y, dropped = ops.dropout(y, batch.keep[-1], rate=self.dropout, xp=xp)
        logits, output = ops.linear(y, params["output.weight"], params["output.bias"], xp=xp)
        return logits, carry, LogitsCache(stack, dropped, output)

    def stepper(self, params: Parameters, ids: Array, states: States, *, xp: Namespace) -> Stepper:
        """Make the function ``(ids, states) -> (logits of the next ids, states)``, for one id of each stream at a time.

        Parameters
        ----------
        params : dict of str to array
        ids : integer array (batch,)
            Only its shape and dtype count.
        states : tuple of tuples of arrays (batch, hidden_size)
            Only their shapes and dtypes count.

        Returns
        -------
        callable
            Logits are an array (batch, vocabulary_size).
        """
        step = self.stack.stepper(params, ids, states, xp=xp)
        output, bias = product(params["output.weight"], ids.shape[0], xp=xp), params["output.bias"]

        def predict(ids: Array, states: States) -> tuple[Array, States]:
            y, states = step(ids, states)
            return output(y) + bias, states

        return predict

    def loss(
        self, params: Parameters, batch: LanguageBatch, carry: States, *, xp: Namespace
    ) -> tuple[Array, States, LanguageCache]:
        """Mean cross-entropy in nats per id, the states after the chunk, and a cache for `gradients`."""
        logits, carry, cache = self.logits(params, batch, carry, xp=xp)
        loss, loss_cache = ops.cross_entropy(logits, batch.targets, batch.weights, xp=xp)
        return loss, carry, LanguageCache(cache, loss_cache)

    @without_graph
    def gradients(self, cache: LanguageCache, *, xp: Namespace) -> Parameters:
        """Gradients of the loss for every parameter, truncated at the start of the chunk."""
        stack, dropped, output = cache.logits
        dlogits = ops.cross_entropy_backward(1.0, cache.loss, xp=xp)
        dy, dweight, dbias = ops.linear_backward(dlogits, output, xp=xp)
        if dropped is not None:
            dy = ops.dropout_backward(dy, dropped, xp=xp)
        _, _, grads = self.stack.backward(dy, None, stack, xp=xp)
        return {"output.weight": dweight, "output.bias": dbias, **grads}
