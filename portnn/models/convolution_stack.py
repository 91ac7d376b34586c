"""Stack of convolutions: pictures to rows of features, a pure pair like an op, that models build on."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np

from portnn import ops
from portnn.backends import Array, BatchGroup, Namespace, without_graph
from portnn.models.protocol import Parameters
from portnn.settings import FIXED, OneOf, Settings, documented, fraction, positive

PADDINGS: dict[str, int | str] = {"same": "same", "valid": 0}
"""Padding of a convolution by name: as much as keeps the size of the picture, or none."""


class ConvolutionNames(NamedTuple):
    """Names of the parameters of one layer: weight and bias, or with batch normalisation weight, scale and shift."""

    weight: str
    bias: str
    scale: str
    shift: str
    mean: str
    var: str


class ConvolutionCache(NamedTuple):
    """What the backward pass needs of one layer."""

    convolution: ops.Conv2dCache
    norm: ops.BatchNormCache | None
    activation: Any
    pooling: Any


class ConvolutionStackCache(NamedTuple):
    """What `ConvolutionStack.backward` and `ConvolutionStack.measured` need.

    Attributes
    ----------
    layers : tuple of ConvolutionCache
    maps : tuple of arrays (batch, height, width, channels)
        Output of each layer.
    flat : FlattenCache or GlobalAvgPool2dCache
    statistics : tuple of ChannelStatistics
        Of this batch, for each layer with batch normalisation; empty in evaluation.
    """

    layers: tuple[ConvolutionCache, ...]
    maps: tuple[Array, ...]
    flat: Any
    statistics: tuple[ops.ChannelStatistics, ...]


@dataclass(frozen=True, kw_only=True)
class ConvolutionSettings(Settings):
    """What a stack of convolutions does to pictures of any size; models that have one, and estimators, share it."""

    channels: Annotated[tuple[int, ...], positive, FIXED, "Channels of each convolution's output."] = (16, 32)
    kernel: Annotated[int, positive, FIXED, "Rows and columns that a convolution sees."] = 3
    pool: Annotated[
        int, positive, FIXED, "Rows and columns that are pooled into one after every convolution; 1 for none."
    ] = 2
    pooling: Annotated[str, OneOf(ops.IMAGE_POOLINGS), FIXED, "How they are pooled."] = "max"
    padding: Annotated[
        str, OneOf(PADDINGS), FIXED, "Pad pictures so that a convolution keeps their size, or not at all."
    ] = "same"
    activation: Annotated[
        str, OneOf(ops.ACTIVATIONS), FIXED, "Activation after every convolution and of hidden layers."
    ] = "relu"
    batch_norm: Annotated[bool, FIXED, "Normalise the output of every convolution over the batch."] = False
    global_pooling: Annotated[
        bool, FIXED, "Features are the mean of each channel over its last picture, not all pixels of it."
    ] = False
    momentum: Annotated[
        float, fraction, FIXED, "With batch normalisation: how much of running means is kept at every step."
    ] = 0.9


@documented()
@dataclass(frozen=True, kw_only=True)
class ConvolutionStack(ConvolutionSettings):
    """Layers of convolution, batch normalisation if wanted, activation and pooling; the last pictures become rows.

    Attributes
    ----------
    {settings}

    Raises
    ------
    ValueError
        If a size is not positive, a name is unknown, or a layer leaves nothing of a picture.

    Notes
    -----
    Parameters are ``convolutions.0.weight`` (kernel, kernel, channels before, channels) and ``convolutions.0.bias``
    (channels,), and so on. With batch normalisation ``scale`` and ``shift`` take the place of the bias; ``mean`` and
    ``var``, running means that no gradient trains, serve evaluation.
    """

    image_shape: Annotated[tuple[int, ...], positive, "Height, width and channels of a picture."]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.image_shape) != 3:
            raise ValueError(f"image_shape must be height, width and channels, got {self.image_shape}")
        self.sizes  # noqa: B018 - a layer that leaves nothing is an error now, not in the first step

    @functools.cached_property
    def names(self) -> tuple[ConvolutionNames, ...]:
        """Names of the parameters of each layer."""
        return tuple(
            ConvolutionNames(*(f"convolutions.{layer}.{field}" for field in ConvolutionNames._fields))
            for layer in range(len(self.channels))
        )

    @functools.cached_property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Height and width of the pictures before the first layer and after each."""
        sizes: list[tuple[int, int]] = [(self.image_shape[0], self.image_shape[1])]
        lost = 0 if self.padding == "same" else self.kernel - 1
        for layer in range(len(self.channels)):
            height, width = ((size - lost) // self.pool if size > lost else 0 for size in sizes[-1])
            if min(height, width) < 1:
                before = " x ".join(map(str, sizes[-1]))
                raise ValueError(
                    f"convolution {layer + 1} leaves nothing of pictures of {before} pixels, "
                    f"with a kernel of {self.kernel}, padding {self.padding} and a pool of {self.pool}"
                )
            sizes.append((height, width))
        return tuple(sizes)

    @property
    def output_size(self) -> int:
        """Features of a picture."""
        before = (self.image_shape[2], *self.channels)[-1]
        return before if self.global_pooling else math.prod(self.sizes[-1]) * before

    @property
    def statistics(self) -> tuple[str, ...]:
        """Names of the running means."""
        return tuple(name for names in self.names for name in (names.mean, names.var)) if self.batch_norm else ()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter."""
        shapes: dict[str, tuple[int, ...]] = {}
        before = self.image_shape[2]
        for names, channels in zip(self.names, self.channels, strict=True):
            shapes[names.weight] = (self.kernel, self.kernel, before, channels)
            of_channel = (names.scale, names.shift, names.mean, names.var) if self.batch_norm else (names.bias,)
            shapes |= dict.fromkeys(of_channel, (channels,))
            before = channels
        return shapes

    def init(self, rng: np.random.Generator, scale: float | None = None) -> dict[str, np.ndarray[Any, Any]]:
        """Draw initial parameters on the host, float64: weights as in `FeedForward.init`, no bias, normal statistics.

        Parameters
        ----------
        rng : Generator
        scale : float, optional
            Standard deviation of normally distributed weights.
        """
        half_silent = ops.ACTIVATIONS[self.activation].half_silent
        params: dict[str, np.ndarray[Any, Any]] = {}
        for name, shape in self.shapes().items():
            kind = name.rpartition(".")[2]
            if kind == "weight":
                seen, reached = math.prod(shape[:3]), math.prod((*shape[:2], shape[3]))
                bound = math.sqrt(6.0 / (seen if half_silent else seen + reached))
                params[name] = rng.uniform(-bound, bound, shape) if scale is None else rng.normal(0.0, scale, shape)
            else:
                params[name] = np.ones(shape) if kind in ("scale", "var") else np.zeros(shape)
        return params

    def forward(
        self, params: Parameters, x: Array, *, training: bool = False, group: BatchGroup | None = None, xp: Namespace
    ) -> tuple[Array, ConvolutionStackCache]:
        """Features of pictures, and a cache.

        Parameters
        ----------
        params : dict of str to array
            At least those in `shapes`.
        x : array (batch, height, width, channels)
        training : bool
            Whether batch normalisation takes the statistics of this batch, not the running means.
        group : BatchGroup, optional
            Processes that have a part of the batch each.

        Returns
        -------
        features : array (batch, output_size)
        cache : ConvolutionStackCache
        """
        layers, maps, statistics = [], [], []
        for names in self.names:
            bias = None if self.batch_norm else params[names.bias]
            x, convolution = ops.conv2d(x, params[names.weight], bias, padding=PADDINGS[self.padding], xp=xp)
            norm = None
            if self.batch_norm:
                given = None if training else ops.ChannelStatistics(params[names.mean], params[names.var])
                affine = params[names.scale], params[names.shift]
                x, found, norm = ops.batch_norm(x, *affine, given, group=group, xp=xp)
                statistics.append(found)
            x, activation, pooling = self._activated_and_pooled(x, xp)
            layers.append(ConvolutionCache(convolution, norm, activation, pooling))
            maps.append(x)
        flat: Any
        x, flat = (ops.global_avg_pool2d if self.global_pooling else ops.flatten)(x, xp=xp)
        return x, ConvolutionStackCache(tuple(layers), tuple(maps), flat, tuple(statistics) if training else ())

    @without_graph
    def backward(
        self, dfeatures: Array, cache: ConvolutionStackCache, *, of_x: bool = True, xp: Namespace
    ) -> tuple[Array | None, Parameters]:
        """Gradients of `forward`: of x, if it is asked for, and of the parameters.

        Parameters
        ----------
        dfeatures : array (batch, output_size)
        cache : ConvolutionStackCache
        of_x : bool

        Returns
        -------
        dx : array (batch, height, width, channels), or None
        grads : dict of str to array
        """
        backward = ops.global_avg_pool2d_backward if self.global_pooling else ops.flatten_backward
        dy, grads = backward(dfeatures, cache.flat, xp=xp), {}
        for layer, names in reversed(tuple(enumerate(self.names))):
            kept = cache.layers[layer]
            dy = self._activated_and_pooled_backward(dy, kept, xp)
            if kept.norm is not None:
                dy, grads[names.scale], grads[names.shift] = ops.batch_norm_backward(dy, kept.norm, xp=xp)
            dy, grads[names.weight], dbias = ops.conv2d_backward(dy, kept.convolution, of_x=of_x or layer > 0, xp=xp)
            if dbias is not None:
                grads[names.bias] = dbias
        return dy if of_x else None, grads

    def measured(self, params: Parameters, cache: ConvolutionStackCache) -> Parameters:
        """Running means after a batch in training; none without batch normalisation."""
        running: Parameters = {}
        for names, found, kept in zip(self.names, cache.statistics, cache.layers, strict=False):
            assert kept.norm is not None
            count = kept.norm.averaged
            fair = count / max(count - 1, 1)  # of a sample, the variance about its own mean is a little small
            running[names.mean] = params[names.mean] * self.momentum + found.mean * (1.0 - self.momentum)
            running[names.var] = params[names.var] * self.momentum + found.var * ((1.0 - self.momentum) * fair)
        return running

    @property
    def _pools_first(self) -> bool:
        """Whether pooling comes before the activation: the same result, for fewer pixels."""
        increasing = ops.ACTIVATIONS[self.activation].increasing
        return ops.IMAGE_POOLINGS[self.pooling].keeps_order and increasing

    def _activated_and_pooled(self, x: Array, xp: Namespace) -> tuple[Array, Any, Any]:
        activate, pool = ops.ACTIVATIONS[self.activation].forward, ops.IMAGE_POOLINGS[self.pooling].forward
        activation = pooling = None
        if not self._pools_first:
            x, activation = activate(x, xp=xp)
        if self.pool > 1:
            x, pooling = pool(x, self.pool, xp=xp)
        if self._pools_first:
            x, activation = activate(x, xp=xp)
        return x, activation, pooling

    def _activated_and_pooled_backward(self, dy: Array, kept: ConvolutionCache, xp: Namespace) -> Array:
        activate, pool = ops.ACTIVATIONS[self.activation].backward, ops.IMAGE_POOLINGS[self.pooling].backward
        if self._pools_first:
            dy = activate(dy, kept.activation, xp=xp)
        if kept.pooling is not None:
            dy = pool(dy, kept.pooling, xp=xp)
        return dy if self._pools_first else activate(dy, kept.activation, xp=xp)
