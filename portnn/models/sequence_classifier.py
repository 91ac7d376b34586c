"""Recurrent classifier: a sequence of ids in, one answer out."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np

from portnn import ops
from portnn.backends import Array, Namespace, RowGradient, device, without_graph
from portnn.models.protocol import Model, Parameters
from portnn.models.recurrent_stack import RecurrentStack, StackCache, draw
from portnn.objectives import OBJECTIVES
from portnn.settings import OneOf, Settings, brief_fields, documented, fraction, positive

TABLE = "embedding.weight"


class SequenceBatch(NamedTuple):
    """Sequences of different lengths, padded to the longest.

    Attributes
    ----------
    ids : integer array (time, batch)
        What follows the end of a sequence is padding: any id.
    lengths : integer array (batch,) or None
        Positive; None if no sequence is padded.
    targets : integer array (batch,) of class ids, or array (batch, outputs)
        What the objective takes; see `portnn.objectives.LabelKind`.
    weights : array (batch,) or None
        How much each sequence counts; None if all count the same.
    keep : tuple of arrays (time, batch, features)
        Dropout masks of the embedding, if there is one, and of every layer's outputs but the last, and one (batch,
        features) of what the output layer reads; empty if nothing is dropped.
    """

    ids: Array
    lengths: Array | None
    targets: Array
    weights: Array | None = None
    keep: tuple[Array, ...] = ()

    def __repr__(self) -> str:
        return brief_fields(self)


class OutputsCache(NamedTuple):
    """What `SequenceClassifier.input_gradients` needs; `embedding` is None for one-hot input."""

    embedding: ops.EmbeddingCache | None
    dropped_input: ops.DropoutCache | None
    stack: StackCache
    pooling: Any
    dropped: ops.DropoutCache | None
    output: ops.LinearCache
    y: Array


class SequenceCache(NamedTuple):
    """What `SequenceClassifier.gradients` needs."""

    outputs: OutputsCache
    objective: Any


@documented()
@dataclass(frozen=True)
class SequenceClassifier(Settings, Model):
    """An embedding or one-hot ids, layers of recurrent cells, pooling over time, and a loss on an affine map of it.

    Attributes
    ----------
    {settings}

    Raises
    ------
    ValueError
        If a size is not positive, the rate is out of range or a name is unknown.

    Notes
    -----
    Parameters are ``embedding.weight`` (vocabulary_size, embedding_size), those of `RecurrentStack`, ``output.weight``
    (features, outputs) and ``output.bias`` (outputs,).
    """

    vocabulary_size: Annotated[int, positive, "Number of ids."]
    outputs: Annotated[int, positive, "Logits of a sequence."]
    cell: Annotated[str, OneOf(ops.CELLS), "Recurrent cell."] = "lstm"
    hidden_size: Annotated[int, positive, "Units of each layer and direction."] = 64
    num_layers: Annotated[int, positive, "Recurrent layers."] = 1
    bidirectional: Annotated[bool, "Read the sequence in both directions."] = False
    embedding_size: Annotated[int | None, positive, "Entries of each id's vector; None for one-hot vectors."] = None
    pooling: Annotated[
        str,
        OneOf(ops.POOLINGS),
        "What the output layer reads: the state after the last step, or all steps' mean or maximum.",
    ] = "last"
    dropout: Annotated[
        float,
        fraction,
        "Fraction of the embedding, of every layer's outputs and of what the output layer reads that "
        "is dropped in training.",
    ] = 0.0
    objective: Annotated[str, OneOf(OBJECTIVES), "Loss."] = "cross_entropy"
    frozen_embedding: Annotated[bool, "Leave the embedding as it is."] = False
    rows_at_a_time: Annotated[
        bool, "Let a step change only those rows of the embedding that its batch uses; see `RowGradient`."
    ] = True

    @functools.cached_property
    def stack(self) -> RecurrentStack:
        """The recurrent layers."""
        n_in = self.embedding_size or self.vocabulary_size
        return RecurrentStack(self.cell, n_in, self.hidden_size, self.num_layers, self.bidirectional, self.dropout)

    @property
    def row_parameters(self) -> tuple[str, ...]:
        """The embedding, if it is trained row by row."""
        return (TABLE,) if self.embedding_size and self.rows_at_a_time and not self.frozen_embedding else ()

    @property
    def frozen_parameters(self) -> tuple[str, ...]:
        """The embedding, if it is not trained."""
        return (TABLE,) if self.embedding_size and self.frozen_embedding else ()

    @property
    def masks(self) -> tuple[int, ...]:
        """Features of each dropout mask of a batch; the last has no axis of time."""
        if not self.dropout:
            return ()
        embedding = (self.embedding_size,) if self.embedding_size else ()
        return embedding + (self.stack.output_size,) * self.num_layers

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter."""
        table = {TABLE: (self.vocabulary_size, self.embedding_size)} if self.embedding_size else {}
        output = {"output.weight": (self.stack.output_size, self.outputs), "output.bias": (self.outputs,)}
        return {**table, **self.stack.shapes(), **output}

    def init(self, rng: np.random.Generator, scale: float | None = None) -> dict[str, np.ndarray[Any, Any]]:
        """Draw initial parameters on the host, float64.

        Parameters
        ----------
        rng : Generator
        scale : float, optional
            Standard deviation of normal weights with zero biases. Without it, the embedding is normal with deviation
            0.1 (at PyTorch's 1, words keep their random vectors and little is learned from few texts) and all others
            are uniform, as in PyTorch; an LSTM's forget gates start open (bias 1).
        """
        params = self.stack.init(rng, scale)
        for name, shape in self.shapes().items():
            if name == TABLE:
                params[name] = rng.normal(0.0, 0.1 if scale is None else scale, shape)
            elif name not in params:
                params[name] = draw(rng, shape, self.stack.output_size, scale)
        return params

    def outputs_of(
        self, params: Parameters, batch: SequenceBatch, *, x: Array | None = None, xp: Namespace
    ) -> tuple[Array, OutputsCache]:
        """Logits (batch, outputs) and a cache for `input_gradients`.

        With x (time, batch, features), that is read in place of the ids' vectors.
        """
        embedded = dropped_input = dropped = None
        masks = batch.keep
        if x is None and self.embedding_size:
            x, embedded = ops.embedding(batch.ids, params[TABLE], xp=xp)
            if masks:
                x, dropped_input = ops.dropout(x, masks[0], rate=self.dropout, xp=xp)
                masks = masks[1:]
        read = batch.ids if x is None else x
        zero = xp.zeros((read.shape[1], self.hidden_size), dtype=params["output.weight"].dtype, device=device(read))
        cell, directions = ops.CELLS[self.cell], len(self.stack.directions)
        still = ((zero,) * len(cell.states),) * (self.num_layers * directions)
        y, finals, stack = self.stack.forward(params, read, still, masks[:-1], batch.lengths, xp=xp)
        ends = [states[0] for states in finals[-directions:]]
        last = xp.concat(ends, axis=-1) if self.bidirectional else ends[0]
        pooled, pooling = ops.POOLINGS[self.pooling].forward(y, last, batch.lengths, xp=xp)
        if masks:
            pooled, dropped = ops.dropout(pooled, masks[-1], rate=self.dropout, xp=xp)
        logits, output = ops.linear(pooled, params["output.weight"], params["output.bias"], xp=xp)
        return logits, OutputsCache(embedded, dropped_input, stack, pooling, dropped, output, y)

    @without_graph
    def input_gradients(
        self, doutputs: Array, cache: OutputsCache, *, xp: Namespace
    ) -> tuple[Array | None, Parameters]:
        """Gradients of `outputs_of` for what the first layer read, and for all parameters but the embedding.

        Parameters
        ----------
        doutputs : array (batch, outputs)
        cache : OutputsCache

        Returns
        -------
        dx : array (time, batch, features), or None if the first layer read ids
        grads : dict of str to array
        """
        dpooled, dweight, dbias = ops.linear_backward(doutputs, cache.output, xp=xp)
        if cache.dropped is not None:
            dpooled = ops.dropout_backward(dpooled, cache.dropped, xp=xp)
        dy, dlast = ops.POOLINGS[self.pooling].backward(dpooled, cache.pooling, xp=xp)
        dy = xp.zeros_like(cache.y) if dy is None else dy
        dx, _, grads = self.stack.backward(dy, self._dfinals(dlast, dpooled, xp), cache.stack, xp=xp)
        return dx, {"output.weight": dweight, "output.bias": dbias, **grads}

    def _dfinals(self, dlast: Array | None, dpooled: Array, xp: Namespace) -> Any:
        """Gradients of all final states: zero, except those of the last layer's hidden states."""
        if dlast is None:
            return None
        size, rest = self.hidden_size, len(ops.CELLS[self.cell].states) - 1
        zero = xp.zeros_like(dpooled[:, :size])
        directions = len(self.stack.directions)
        ends = tuple((dlast[:, size * k : size * (k + 1)], *(zero,) * rest) for k in range(directions))
        return ((zero,) * (rest + 1),) * ((self.num_layers - 1) * directions) + ends

    def loss(
        self, params: Parameters, batch: SequenceBatch, carry: Any = (), *, xp: Namespace
    ) -> tuple[Array, Any, SequenceCache]:
        """Mean loss of the sequences, the carry as it came, and a cache for `gradients`."""
        outputs, cache = self.outputs_of(params, batch, xp=xp)
        loss, of_objective = OBJECTIVES[self.objective].forward(outputs, batch.targets, batch.weights, xp=xp)
        return loss, carry, SequenceCache(cache, of_objective)

    @without_graph
    def gradients(self, cache: SequenceCache, *, xp: Namespace) -> Parameters:
        """Gradients of the loss for every parameter that is trained."""
        doutputs = OBJECTIVES[self.objective].backward(1.0, cache.objective, xp=xp)
        dx, grads = self.input_gradients(doutputs, cache.outputs, xp=xp)
        embedding = cache.outputs.embedding
        if embedding is None or self.frozen_embedding:
            return grads
        assert dx is not None
        if cache.outputs.dropped_input is not None:
            dx = ops.dropout_backward(dx, cache.outputs.dropped_input, xp=xp)
        table: Array | RowGradient = ops.embedding_backward(dx, embedding, as_rows=self.rows_at_a_time, xp=xp)
        return {TABLE: table, **grads}
