"""Convolutional classifier: a picture in, one answer out."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np

from portnn import ops
from portnn.backends import Array, BatchGroup, Namespace, without_graph
from portnn.models.convolution_stack import ConvolutionSettings, ConvolutionStack, ConvolutionStackCache
from portnn.models.feed_forward import (
    FeedForward,
    LayerCache,
    RowBatch,
    hidden_layers,
    l2_penalty,
    layer_parameters,
)
from portnn.models.protocol import Model, Parameters
from portnn.objectives import OBJECTIVES
from portnn.settings import OneOf, documented, fraction, not_negative, positive

ENTRIES = 1 << 23
"""Outputs of convolutions that are kept at a time in evaluation."""


class FeaturesCache(NamedTuple):
    """What `ImageClassifier.features_backward` needs."""

    stack: ConvolutionStackCache
    dropout: ops.DropoutCache | None
    hidden: tuple[LayerCache, ...]


class ImageOutputsCache(NamedTuple):
    """What `ImageClassifier.backward` needs."""

    features: FeaturesCache
    last: ops.LinearCache


class ImageClassifierCache(NamedTuple):
    """What `ImageClassifier.gradients` needs."""

    outputs: ImageOutputsCache
    objective: Any
    weight: float


@documented()
@dataclass(frozen=True, kw_only=True)
class ImageClassifier(ConvolutionSettings, Model):
    """A stack of convolutions, a feed-forward network on its features, and a loss.

    Attributes
    ----------
    {settings}

    Raises
    ------
    ValueError
        If a size is not positive, a number is out of range, a name is unknown or a layer leaves nothing of a picture.

    Notes
    -----
    Parameters are those of `ConvolutionStack` and of `FeedForward`. A batch is a `RowBatch` whose x is an array
    (rows, height, width, channels), with dropout masks of the features and of each hidden layer.
    """

    image_shape: Annotated[tuple[int, ...], positive, "Height, width and channels of a picture."]
    outputs: Annotated[int, positive, "Logits of a picture."]
    hidden: Annotated[tuple[int, ...], positive, "Units of every hidden layer after the convolutions."] = ()
    objective: Annotated[str, OneOf(OBJECTIVES), "Loss."] = "cross_entropy"
    l2: Annotated[
        float,
        not_negative,
        "L2 penalty: ``l2 / 2`` times the sum of all squared weights (not biases) is added to the loss.",
    ] = 0.0
    dropout: Annotated[float, fraction, "Dropout rate of the features and hidden layers in training."] = 0.0

    @functools.cached_property
    def stack(self) -> ConvolutionStack:
        """The convolutions."""
        return ConvolutionStack(**self.shared_with(ConvolutionStack))

    @functools.cached_property
    def head(self) -> FeedForward:
        """The network on their features."""
        sizes = (self.stack.output_size, *self.hidden, self.outputs)
        return FeedForward(sizes, self.activation, self.objective, self.l2, self.dropout)

    @property
    def rows_at_a_time(self) -> int:
        """Pictures to evaluate at a time, so that the outputs of all layers fit into memory."""
        return max(1, ENTRIES // max(1, self.width))

    @property
    def width(self) -> int:
        """Numbers that all convolutions of one picture output."""
        sizes, lost = self.stack.sizes, 0 if self.padding == "same" else self.kernel - 1
        before_pool = ((height - lost) * (width - lost) for height, width in sizes)
        return sum(pixels * channels for pixels, channels in zip(before_pool, self.channels, strict=False))

    @property
    def multiplications(self) -> int:
        """Those of all convolutions of one picture in the forward pass."""
        before = (self.image_shape[2], *self.channels)
        sizes, lost = self.stack.sizes, 0 if self.padding == "same" else self.kernel - 1
        places = ((height - lost) * (width - lost) for height, width in sizes)
        return sum(n * self.kernel**2 * p * q for n, p, q in zip(places, before, self.channels, strict=False))

    @property
    def masks(self) -> tuple[int, ...]:
        """Units of each dropout mask of a batch."""
        return self.head.sizes[:-1] if self.dropout else ()

    @property
    def couples_parts(self) -> bool:
        """Batch normalisation does: its statistics are those of the whole batch."""
        return self.batch_norm

    @property
    def frozen_parameters(self) -> tuple[str, ...]:
        """The running means of batch normalisation."""
        return self.stack.statistics

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter."""
        return {**self.stack.shapes(), **self.head.shapes()}

    def feature_shapes(self) -> dict[str, tuple[int, ...]]:
        """The same of all layers but the last, which `features_of` uses."""
        last = self.head.depth - 1
        return {name: shape for name, shape in self.shapes().items() if not name.startswith(f"layers.{last}.")}

    @property
    def feature_size(self) -> int:
        """Features of a picture."""
        return self.head.sizes[-2]

    def init(self, rng: np.random.Generator, scale: float | None = None) -> dict[str, np.ndarray[Any, Any]]:
        """Draw initial parameters on the host, float64, as `FeedForward.init` does."""
        return {**self.stack.init(rng, scale), **self.head.init(rng, scale)}

    def outputs_of(
        self,
        params: Parameters,
        x: Array,
        keep: tuple[Array, ...] = (),
        *,
        training: bool = False,
        group: BatchGroup | None = None,
        xp: Namespace,
    ) -> tuple[Array, ImageOutputsCache]:
        """Outputs of the last layer (rows, outputs) for pictures x (rows, height, width, channels), and a cache.

        `training` says whether batch normalisation takes the statistics of these pictures, and of those that the other
        processes of `group` have.
        """
        features, cache = self.features_of(params, x, keep, training=training, group=group, xp=xp)
        outputs, last = ops.linear(features, *layer_parameters(params, self.head.depth - 1), xp=xp)
        return outputs, ImageOutputsCache(cache, last)

    def features_of(
        self,
        params: Parameters,
        x: Array,
        keep: tuple[Array, ...] = (),
        *,
        training: bool = False,
        group: BatchGroup | None = None,
        xp: Namespace,
    ) -> tuple[Array, FeaturesCache]:
        """What the last layer reads (rows, features), and a cache."""
        features, stack = self.stack.forward(params, x, training=training, group=group, xp=xp)
        dropped = None
        if keep:
            features, dropped = ops.dropout(features, keep[0], rate=self.dropout, xp=xp)
        features, hidden = self.head.hidden_of(params, features, keep[1:], xp=xp)
        return features, FeaturesCache(stack, dropped, hidden)

    def layers_of(self, params: Parameters, x: Array, *, xp: Namespace) -> tuple[Array, ...]:
        """Output of every convolution (rows, height, width, channels), and then of every hidden layer (rows, units)."""
        features, cache = self.features_of(params, x, xp=xp)
        return *cache.stack.maps, *hidden_layers(cache.hidden, features)

    def loss(
        self,
        params: Parameters,
        batch: RowBatch,
        carry: tuple[()] = (),
        *,
        group: BatchGroup | None = None,
        xp: Namespace,
    ) -> tuple[Array, tuple[()], ImageClassifierCache]:
        """Mean loss per picture with the L2 penalty, no carry, and a cache for `gradients`."""
        outputs, cache = self.outputs_of(params, batch.x, batch.keep, training=True, group=group, xp=xp)
        loss, of_objective = OBJECTIVES[self.objective].forward(outputs, batch.targets, batch.weights, xp=xp)
        for name in self._penalised:
            loss += l2_penalty(params[name], self.l2, xp=xp)
        return loss, (), ImageClassifierCache(cache, of_objective, 1.0 if group is None else group.weight)

    @without_graph
    def gradients(self, cache: ImageClassifierCache, *, xp: Namespace) -> Parameters:
        """Gradients of the loss for every parameter that is trained."""
        doutputs = OBJECTIVES[self.objective].backward(cache.weight, cache.objective, xp=xp)
        return self.backward(doutputs, cache.outputs, of_x=False, xp=xp)[1]

    @without_graph
    def backward(
        self, doutputs: Array, cache: ImageOutputsCache, *, of_x: bool = True, xp: Namespace
    ) -> tuple[Array | None, Parameters]:
        """Gradients of the pictures, if they are asked for, and of the parameters, from those of `outputs_of`."""
        dfeatures, dweight, dbias = ops.linear_backward(doutputs, cache.last, xp=xp)
        dx, grads = self.features_backward(dfeatures, cache.features, of_x=of_x, xp=xp)
        last = self.head.depth - 1
        if self.l2:
            dweight += cache.last.weight * self.l2
        return dx, {**grads, f"layers.{last}.weight": dweight, f"layers.{last}.bias": dbias}

    @without_graph
    def features_backward(
        self, dfeatures: Array, cache: FeaturesCache, *, of_x: bool = True, xp: Namespace
    ) -> tuple[Array | None, Parameters]:
        """The same from the gradient of `features_of`, for all layers but the last, with their L2 penalty."""
        dx, of_hidden = self.head.hidden_backward(dfeatures, cache.hidden, xp=xp)
        if cache.dropout is not None:
            dx = ops.dropout_backward(dx, cache.dropout, xp=xp)
        dx, of_stack = self.stack.backward(dx, cache.stack, of_x=of_x, xp=xp)
        for names, layer in zip(self.stack.names, cache.stack.layers, strict=True) if self.l2 else ():
            of_stack[names.weight] += layer.convolution.weight * self.l2
        return dx, {**of_stack, **of_hidden}

    def measured(self, params: Parameters, cache: ImageClassifierCache, *, xp: Namespace) -> Parameters:
        """Running means of batch normalisation after a batch."""
        return self.stack.measured(params, cache.outputs.features.stack)

    @property
    def _penalised(self) -> tuple[str, ...]:
        if not self.l2:
            return ()
        of_stack = tuple(names.weight for names in self.stack.names)
        return (*of_stack, *(f"layers.{layer}.weight" for layer in range(self.head.depth)))
