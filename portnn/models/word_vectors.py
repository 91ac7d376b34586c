"""word2vec: skip-gram and CBOW, with negative sampling or a full softmax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np

from portnn import ops
from portnn.backends import Array, Namespace, RowGradient, device, without_graph
from portnn.models.protocol import Model, Parameters
from portnn.settings import Settings, brief_fields, documented, positive


class WindowBatch(NamedTuple):
    """Blocks of consecutive words, and which words predict which.

    With L the positions of a block, w the window and n = L + 2 w:

    Attributes
    ----------
    ids : integer array (blocks, n + K)
        The words of each block with w words on either side of it, then the K negatives that the block shares. K is 0
        for a full softmax.
    weights : array (blocks, L, n + K)
        For the neighbours 1 where they are in a position's window, else 0. For the negatives, how often each counts:
        ``negative / K`` times the number of positives that differ from it, `negative` being the draws per positive.
    """

    ids: Array
    weights: Array

    def __repr__(self) -> str:
        return brief_fields(self)


class WordVectorsCache(NamedTuple):
    """What `WordVectors.gradients` needs."""

    inputs: ops.EmbeddingCache
    mean: ops.WindowMeanCache | None
    outputs: ops.EmbeddingCache | None
    pairs: ops.LogisticPairsCache | None
    objective: Any


@documented()
@dataclass(frozen=True)
class WordVectors(Settings, Model):
    """Two tables of vectors: one for a word that predicts, one for a word that is predicted.

    Attributes
    ----------
    {settings}

    Raises
    ------
    ValueError
        If a size is not positive.

    Notes
    -----
    The loss is the sum over all pairs of a batch, in nats, so that the learning rate is that of one pair.

    References
    ----------
    .. [1] T. Mikolov, K. Chen, G. Corrado, J. Dean. Efficient estimation of word representations in vector space.
       2013. https://arxiv.org/abs/1301.3781
    """

    vocabulary_size: Annotated[int, positive, "Number of words."]
    vector_size: Annotated[int, positive, "Entries of each vector."] = 100
    window: Annotated[int, positive, "Largest number of words on either side."] = 5
    sg: Annotated[
        bool, "Skip-gram: each word predicts the words of its window. Otherwise CBOW: the window predicts the word."
    ] = True
    negative: Annotated[bool, "Negative sampling; otherwise a softmax over the whole vocabulary."] = True
    cbow_mean: Annotated[bool, "CBOW predicts from the mean of its window, otherwise from the sum."] = True
    whole_steps: Annotated[
        bool,
        "CBOW by the mean moves every word of a window by the whole gradient of the mean, as word2vec's code does, not "
        "by its share. What `gradients` returns for the input is then not the gradient of the loss.",
    ] = False

    @property
    def row_parameters(self) -> tuple[str, ...]:
        """Tables of which a batch uses few rows; a full softmax uses all of the output vectors."""
        return ("input", "output") if self.negative else ("input",)

    @property
    def trains_apart(self) -> bool:
        """A batch takes less time than adding up what it changes in two tables of a large vocabulary."""
        return self.negative

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of both tables: input and output, (vocabulary, vector size)."""
        shape = (self.vocabulary_size, self.vector_size)
        return {"input": shape, "output": shape}

    def init(self, rng: np.random.Generator) -> dict[str, np.ndarray[Any, Any]]:
        """Draw input vectors, uniform within 0.5 / vector_size; output vectors are zero. Float32, on the host.

        In CBOW they are drawn twice as large: a mean of several is small, which delayed learning on small texts.
        """
        shape = (self.vocabulary_size, self.vector_size)
        drawn = rng.random(shape, dtype=np.float32)
        drawn -= np.float32(0.5)
        drawn /= np.float32(self.vector_size * (1.0 if self.sg else 0.5))
        return {"input": drawn, "output": np.zeros(shape, np.float32)}

    def loss(
        self, params: Parameters, batch: WindowBatch, carry: tuple[()] = (), *, xp: Namespace
    ) -> tuple[Array, tuple[()], WordVectorsCache]:
        """Sum of the loss over all pairs, no carry, and a cache for `gradients`."""
        length = batch.weights.shape[1]
        neighbours = length + 2 * self.window
        own, around = batch.ids[:, self.window : self.window + length], batch.ids[:, :neighbours]
        windows, draws = batch.weights[:, :, :neighbours], batch.weights[:, :, neighbours:]
        if self.sg:
            hidden, inputs = ops.embedding(own, params["input"], xp=xp)
            if self.negative:
                rows, outputs = ops.embedding(batch.ids, params["output"], xp=xp)
                loss, drawn = ops.negative_sampling(hidden, rows, batch.weights, positives=neighbours, xp=xp)
                return loss, (), WordVectorsCache(inputs, None, outputs, None, drawn)
            loss, softmax = ops.window_softmax(hidden, params["output"], around, windows, xp=xp)
            return loss, (), WordVectorsCache(inputs, None, None, None, softmax)
        rows, inputs = ops.embedding(around, params["input"], xp=xp)
        hidden, mean = ops.window_mean(rows, windows, mean=self.cbow_mean, xp=xp)
        # A position predicts its own word, if there is anything in its window to predict it from.
        present = xp.minimum(mean.counts, xp.ones_like(mean.counts))[:, :, 0]
        if self.negative:
            predicted = xp.concat([own, batch.ids[:, neighbours:]], axis=1)
            rows, outputs = ops.embedding(predicted, params["output"], xp=xp)
            loss, pairs = ops.logistic_pairs(hidden, rows[:, :length, :], present, xp=xp)
            against, drawn = ops.negative_sampling(hidden, rows[:, length:, :], draws, positives=0, xp=xp)
            return loss + against, (), WordVectorsCache(inputs, mean, outputs, pairs, drawn)
        itself = xp.eye(length, dtype=present.dtype, device=device(present)) * present[..., None]
        loss, softmax = ops.window_softmax(hidden, params["output"], own, itself, xp=xp)
        return loss, (), WordVectorsCache(inputs, mean, None, None, softmax)

    @without_graph
    def gradients(self, cache: WordVectorsCache, *, xp: Namespace) -> dict[str, Array | RowGradient]:
        """Gradients for both tables: only the rows of the batch's words, if it needs no others."""
        if cache.outputs is None:
            dhidden, doutput = ops.window_softmax_backward(1.0, cache.objective, xp=xp)
        else:
            dhidden, drows = ops.negative_sampling_backward(1.0, cache.objective, xp=xp)
            if cache.pairs is not None:
                toward, drows_own = ops.logistic_pairs_backward(1.0, cache.pairs, xp=xp)
                dhidden += toward
                drows = xp.concat([drows_own, drows], axis=1)
            doutput = ops.embedding_backward(drows, cache.outputs, as_rows=True, xp=xp)
        if cache.mean is not None:
            dhidden = ops.window_mean_backward(dhidden, cache.mean, whole=self.whole_steps, xp=xp)
        return {"input": ops.embedding_backward(dhidden, cache.inputs, as_rows=True, xp=xp), "output": doutput}
