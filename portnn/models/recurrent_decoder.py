"""Recurrent decoder: a vector in, a sequence of ids out, one after the other; a captioner over features of images."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np

from portnn import ops
from portnn.backends import Array, BatchGroup, Namespace, product, without_graph
from portnn.models.caption_batch import CaptionBatch
from portnn.models.entrance import ENTRANCES
from portnn.models.image_classifier import FeaturesCache, ImageClassifier
from portnn.models.protocol import Model, Parameters
from portnn.models.recurrent_stack import RecurrentStack, StackCache, States, draw
from portnn.settings import By, OneOf, Settings, documented, fraction, positive

ENCODER = "encoder."
"""What the names of an encoder's parameters start with."""


class LogitsCache(NamedTuple):
    """What `RecurrentDecoder.backward` needs; what there is not is None."""

    encoder: FeaturesCache | None
    entrance: ops.LinearCache
    entered: Any
    embedding: ops.EmbeddingCache
    dropped_input: ops.DropoutCache | None
    stack: StackCache
    dropped: ops.DropoutCache | None
    output: ops.LinearCache


class DecoderCache(NamedTuple):
    """What `RecurrentDecoder.gradients` needs."""

    logits: LogitsCache
    loss: ops.CrossEntropyCache
    weight: float


Step = Callable[[Array, States, Array | None], tuple[Array, States]]
"""One step: ids before it, states and what is added to the input -> logits of the next ids and the states after."""


def as_encoder(given: ImageClassifier | Mapping[str, Any]) -> ImageClassifier:
    """An encoder, also from what a checkpoint records of one."""
    return given if isinstance(given, ImageClassifier) else ImageClassifier(**given)


@documented()
@dataclass(frozen=True, kw_only=True)
class RecurrentDecoder(Settings, Model):
    """An embedding, layers of recurrent cells that features enter, and a softmax over the next id.

    Attributes
    ----------
    {settings}

    Raises
    ------
    ValueError
        If a size is not positive, the rate is out of range or a name unknown.

    Notes
    -----
    The last id is the boundary: the first input of a sequence and the last of its targets.

    Parameters are ``embedding.weight`` (vocabulary_size, embedding_size), those of `RecurrentStack`,
    ``entrance.weight`` (feature_size, n) and ``entrance.bias`` (n,), and ``output.weight`` (hidden_size,
    vocabulary_size) and ``output.bias`` (vocabulary_size,); those of an encoder start with ``encoder.``. Features v
    enter by ``u = v W + b``. At every step, u is added to the vector of the step's id, so that a layer sees
    ``Wxh x + Wih v`` with ``Wih = W Wxh``. Before the first step, ``tanh(u)`` are the states of all layers.
    """

    vocabulary_size: Annotated[int, positive, "Number of ids, with the boundary."]
    feature_size: Annotated[int, positive, "Features of an image."]
    features_at: Annotated[
        str, OneOf(ENTRANCES), "Where features enter: at the first step, as the states before it, or at every step."
    ] = "first"
    cell: Annotated[str, OneOf(ops.CELLS), "Recurrent cell."] = "lstm"
    hidden_size: Annotated[int, positive, "Units of each layer."] = 128
    num_layers: Annotated[int, positive, "Recurrent layers."] = 1
    embedding_size: Annotated[int, positive, "Entries of each id's vector."] = 64
    dropout: Annotated[
        float, fraction, "Fraction of the inputs' vectors and of each layer's outputs that is dropped in training."
    ] = 0.0
    encoder: Annotated[
        ImageClassifier | None, By(as_encoder), "Network that computes the features of images and is trained along."
    ] = None

    @functools.cached_property
    def stack(self) -> RecurrentStack:
        """The recurrent layers."""
        return RecurrentStack(self.cell, self.embedding_size, self.hidden_size, self.num_layers, dropout=self.dropout)

    @property
    def boundary(self) -> int:
        """Id that starts and ends a sequence."""
        return self.vocabulary_size - 1

    @property
    def masks(self) -> tuple[int, ...]:
        """Features of each dropout mask of a batch."""
        return (self.embedding_size,) + (self.hidden_size,) * self.num_layers if self.dropout else ()

    @property
    def couples_parts(self) -> bool:
        """Batch normalisation of an encoder does."""
        return self.encoder is not None and self.encoder.couples_parts

    @property
    def frozen_parameters(self) -> tuple[str, ...]:
        """The running means of an encoder's batch normalisation."""
        return () if self.encoder is None else tuple(ENCODER + name for name in self.encoder.frozen_parameters)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter."""
        entered = ENTRANCES[self.features_at].size(self.stack)
        encoder = {} if self.encoder is None else self.encoder.feature_shapes()
        return {
            **{ENCODER + name: shape for name, shape in encoder.items()},
            "entrance.weight": (self.feature_size, entered),
            "entrance.bias": (entered,),
            "embedding.weight": (self.vocabulary_size, self.embedding_size),
            **self.stack.shapes(),
            "output.weight": (self.hidden_size, self.vocabulary_size),
            "output.bias": (self.vocabulary_size,),
        }

    def init(self, rng: np.random.Generator, scale: float | None = None) -> dict[str, np.ndarray[Any, Any]]:
        """Draw initial parameters on the host, float64.

        Parameters
        ----------
        rng : Generator
        scale : float, optional
            Standard deviation of normal weights with zero biases. Without it, the embedding is normal with deviation
            0.1 and all others are uniform within 1 / sqrt(hidden_size), those of the entrance within 1 /
            sqrt(feature_size); an LSTM's forget gates start open (bias 1).
        """
        params = self.stack.init(rng, scale)
        if self.encoder is not None:
            of_encoder = self.encoder.init(rng, scale)
            params |= {ENCODER + name: of_encoder[name] for name in self.encoder.feature_shapes()}
        for name, shape in self.shapes().items():
            if name == "embedding.weight":
                params[name] = rng.normal(0.0, 0.1 if scale is None else scale, shape)
            elif name not in params:
                fan = self.feature_size if name.startswith("entrance") else self.hidden_size
                params[name] = draw(rng, shape, fan, scale)
        return params

    def start(self, params: Parameters, features: Array, *, xp: Namespace) -> tuple[States, Array | None]:
        """States before the first step, and what is added to the input of every step, or None.

        They follow from features (batch, feature_size), or from images if there is an encoder.
        """
        v, _ = self.features_of(params, features, xp=xp)
        u, _ = ops.linear(v, params["entrance.weight"], params["entrance.bias"], xp=xp)
        states, added, _ = ENTRANCES[self.features_at].forward(u, self.stack, xp=xp)
        return states, added

    def stepper(self, params: Parameters, ids: Array, states: States, *, xp: Namespace) -> Step:
        """Make the function that takes one step of each sequence.

        Parameters
        ----------
        params : dict of str to array
        ids : integer array (batch,)
            Only its shape and dtype count.
        states : tuple of tuples of arrays (batch, hidden_size)
            Only their shapes and dtypes count.
        """
        table, bias = params["embedding.weight"], params["output.bias"]
        step = self.stack.stepper(params, xp.take(table, xp.zeros_like(ids), axis=0), states, xp=xp)
        output = product(params["output.weight"], ids.shape[0], xp=xp)

        def predict(ids: Array, states: States, added: Array | None) -> tuple[Array, States]:
            x = xp.take(table, ids, axis=0)
            y, states = step(x if added is None else x + added, states)
            return output(y) + bias, states

        return predict

    def logits(
        self,
        params: Parameters,
        batch: CaptionBatch,
        *,
        training: bool = False,
        group: BatchGroup | None = None,
        xp: Namespace,
    ) -> tuple[Array, LogitsCache]:
        """Logits of the next id (time, batch, vocabulary_size), and a cache."""
        v, encoder = self.features_of(params, batch.features, training=training, group=group, xp=xp)
        u, entrance = ops.linear(v, params["entrance.weight"], params["entrance.bias"], xp=xp)
        states, added, entered = ENTRANCES[self.features_at].forward(u, self.stack, xp=xp)
        x, embedding = ops.embedding(batch.inputs, params["embedding.weight"], xp=xp)
        x = x if added is None else x + added
        dropped_input = dropped = None
        if batch.keep:
            x, dropped_input = ops.dropout(x, batch.keep[0], rate=self.dropout, xp=xp)
        y, _, stack = self.stack.forward(params, x, states, batch.keep[1:-1], xp=xp)
        if batch.keep:
            y, dropped = ops.dropout(y, batch.keep[-1], rate=self.dropout, xp=xp)
        logits, output = ops.linear(y, params["output.weight"], params["output.bias"], xp=xp)
        return logits, LogitsCache(encoder, entrance, entered, embedding, dropped_input, stack, dropped, output)

    def loss(
        self,
        params: Parameters,
        batch: CaptionBatch,
        carry: tuple[()] = (),
        *,
        group: BatchGroup | None = None,
        xp: Namespace,
    ) -> tuple[Array, tuple[()], DecoderCache]:
        """Mean cross-entropy in nats per id, the boundary at the end among them, no carry, and a cache."""
        logits, cache = self.logits(params, batch, training=True, group=group, xp=xp)
        loss, of_loss = ops.cross_entropy(logits, batch.targets, batch.weights, xp=xp)
        return loss, (), DecoderCache(cache, of_loss, 1.0 if group is None else group.weight)

    def mean_loss(self, params: Parameters, batch: CaptionBatch, *, xp: Namespace) -> Array:
        """The same loss in evaluation, without a cache."""
        logits, _ = self.logits(params, batch, xp=xp)
        return ops.cross_entropy(logits, batch.targets, batch.weights, xp=xp)[0]

    @without_graph
    def gradients(self, cache: DecoderCache, *, xp: Namespace) -> Parameters:
        """Gradients of the loss for every parameter that is trained."""
        dlogits = ops.cross_entropy_backward(cache.weight, cache.loss, xp=xp)
        return self.backward(dlogits, cache.logits, of_images=False, xp=xp)[1]

    @without_graph
    def backward(
        self, dlogits: Array, cache: LogitsCache, *, of_images: bool = True, xp: Namespace
    ) -> tuple[Array | None, Parameters]:
        """Gradients of features, or of an encoder's images, and of the parameters, from those of `logits`.

        Parameters
        ----------
        dlogits : array (time, batch, vocabulary_size)
        cache : LogitsCache
        of_images : bool
            Whether the gradient of an encoder's images is asked for; that of features is always computed.

        Returns
        -------
        dfeatures : array like the features of the batch, or None
        grads : dict of str to array
        """
        dy, dweight, dbias = ops.linear_backward(dlogits, cache.output, xp=xp)
        grads: Parameters = {"output.weight": dweight, "output.bias": dbias}
        if cache.dropped is not None:
            dy = ops.dropout_backward(dy, cache.dropped, xp=xp)
        dx, dstates, of_stack = self.stack.backward(dy, None, cache.stack, xp=xp)
        assert dx is not None
        if cache.dropped_input is not None:
            dx = ops.dropout_backward(dx, cache.dropped_input, xp=xp)
        grads["embedding.weight"] = ops.embedding_backward(dx, cache.embedding, xp=xp)
        du = ENTRANCES[self.features_at].backward(dx, dstates, cache.entered, xp=xp)
        dfeatures, grads["entrance.weight"], grads["entrance.bias"] = ops.linear_backward(du, cache.entrance, xp=xp)
        if self.encoder is not None:
            assert cache.encoder is not None
            dfeatures, of_encoder = self.encoder.features_backward(dfeatures, cache.encoder, of_x=of_images, xp=xp)
            grads |= {ENCODER + name: grad for name, grad in of_encoder.items()}
        return dfeatures, {**grads, **of_stack}

    def measured(self, params: Parameters, cache: DecoderCache, *, xp: Namespace) -> Parameters:
        """Running means of an encoder's batch normalisation after a batch."""
        if self.encoder is None:
            return {}
        assert cache.logits.encoder is not None
        running = self.encoder.stack.measured(of_encoder(params), cache.logits.encoder.stack)
        return {ENCODER + name: value for name, value in running.items()}

    def features_of(
        self,
        params: Parameters,
        given: Array,
        *,
        training: bool = False,
        group: BatchGroup | None = None,
        xp: Namespace,
    ) -> tuple[Array, FeaturesCache | None]:
        """Features (batch, feature_size), computed from images if there is an encoder, and its cache."""
        if self.encoder is None:
            return given, None
        return self.encoder.features_of(of_encoder(params), given, training=training, group=group, xp=xp)


def of_encoder(params: Parameters) -> Parameters:
    """Parameters of the encoder, by its own names."""
    return {name.removeprefix(ENCODER): array for name, array in params.items() if name.startswith(ENCODER)}
