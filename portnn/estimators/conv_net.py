"""`ConvNet`: train a convolutional network on images, classify others, take features from it, save it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Self

from portnn.backends import Array, Backend, namespace
from portnn.batches import Augmentation, HostTable, RowBatches, blocks
from portnn.estimators.conv_net_settings import ConvNetPartial, ConvNetRun, ConvNetSettings
from portnn.estimators.estimator import Recipe
from portnn.estimators.mlp_settings import EpochSettings, MLPRun
from portnn.estimators.row_learner import RowLearner
from portnn.estimators.run_settings import RunSettings
from portnn.estimators.running import Task
from portnn.images import ImageLayout, LabelledImages
from portnn.images.placing import channel_scaling, is_whole, place_images
from portnn.models import ImageClassifier, RowBatch
from portnn.models.convolution_stack import ConvolutionSettings
from portnn.settings import Settings, documented, image_call, settings_call
from portnn.tables import Scaling
from portnn.tables.holding_out import Ids
from portnn.tables.placing import backend_for

PER_ENTRY = 4800
"""Multiplications of convolutions that are as much work for a worker as an entry of a recurrent layer's gates."""


@documented(ConvNetSettings)
class ConvNet(RowLearner):
    """Convolutional network that classifies images, or regresses on them, on the arrays that it is given.

    Images are (n, height, width, channels), or (n, height, width) if they are grey. Whole numbers from 0 to 255 are
    divided by 255; floating-point pixels are taken as they are.

    Parameters
    ----------
    {settings}

    Attributes
    ----------
    model : ImageClassifier
        The network's configuration, once images and labels are known.
    params : dict of str to array
        ``convolutions.0.weight`` (kernel, kernel, channels before, channels), ``convolutions.0.bias`` (channels,) and
        so on; then, as in `MLP`, ``layers.0.weight`` and ``layers.0.bias``; on the backend.
    classes : Classes or None
        ``classes.labels`` are the class labels, sorted.
    metrics : list of Metrics
        What was logged in the last `fit`: dicts with `step`, `loss`, `held_out_loss` and others.
    history : RunState
        Where the last `fit` ended.
    layout : ImageLayout or None
        Form of the file that the images were read from, if any; checkpoints keep it.

    Examples
    --------
    >>> import numpy as np, portnn
    >>> images = np.zeros((20, 6, 6))
    >>> images[:10, :, 3] = 1.0  # a column
    >>> images[10:, 3, :] = 1.0  # a row
    >>> net = portnn.ConvNet(channels=(4,), hidden=(), seed=1)
    >>> net = net.fit(images, ["|"] * 10 + ["-"] * 10, epochs=40, batch_size=10, learning_rate=0.03, progress=False)
    >>> net.predict(np.roll(images[[0, -1]], 1, axis=(1, 2))).tolist()
    ['|', '-']
    >>> net.features(images).shape
    (20, 36)
    """

    SETTINGS: ClassVar[type[Settings]] = ConvNetSettings
    RUN: ClassVar[type[RunSettings]] = ConvNetRun
    RECIPES: ClassVar[dict[str, Recipe]] = {
        "digits": Recipe(
            {"channels": (64, 64), "hidden": (128,), "dropout": 0.5, "l2": 1e-4},
            {"batch_size": 32, "learning_rate": 1e-3, "epochs": 60.0, "schedule": "cosine"},
        ),
    }
    MODEL: ClassVar[type[ImageClassifier]] = ImageClassifier
    LAYOUT: ClassVar[type[ImageLayout]] = ImageLayout

    @settings_call(ConvNetSettings)
    def __init__(self, settings: ConvNetSettings) -> None:
        self._begin(settings)

    @image_call(ConvNetRun)
    def fit(self, images: Any, labels: Any = None, sample_weight: Any = None, *, settings: ConvNetRun) -> Self:
        """Train. A model that has been fitted is trained further, from its weights.

        Parameters
        ----------
        images : array (n, height, width) or (n, height, width, channels), path, or LabelledImages
            An array of any library, which is followed; NumPy's stay on the host, and batches are moved. A path is that
            of a file or folder with labels: see `portnn.images.LabelledImages`. It may be larger than memory.
        labels : array (n,) or (n, outputs), optional
            Class labels (numbers or strings), or values of a regression. Files have their own.
        sample_weight : array (n,), optional
            How much each image counts in the mean loss.
        {settings}

        Returns
        -------
        ConvNet
            Itself. With `patience` and held-out images it has the best parameters of the run, else the last.

        Raises
        ------
        TypeError
            If images are of another library than the model, or not of real numbers.
        ValueError
            If images or labels cannot be trained on, a setting is out of range, or a checkpoint does not fit.
        DivergenceError
            If the loss is not finite or explodes. The model is then as it was before.
        """
        X, y = self._given(images, labels)
        if settings.progress and is_whole(X.images if isinstance(X, LabelledImages) else X):
            print("pixels are whole numbers from 0 to 255: divided by 255", file=sys.stderr)
        return self._train(X, y, sample_weight, settings)

    @image_call(ConvNetPartial)
    def partial_fit(
        self, images: Any, labels: Any = None, sample_weight: Any = None, *, settings: ConvNetPartial
    ) -> Self:
        """Train for one epoch on some images; the optimizer continues where the last call left it.

        Parameters
        ----------
        images, labels, sample_weight
            As for `fit`.
        {settings}

        Returns
        -------
        ConvNet
            Itself.
        """
        X, y = self._given(images, labels)
        self._train_epoch(X, y, sample_weight, settings)
        self._keep_layout(X)
        return self

    def features(self, images: Any) -> Array:
        """What the last layer sees: the activations before it, for other models to read.

        Parameters
        ----------
        images : array (n, height, width) or (n, height, width, channels)

        Returns
        -------
        array (n, features)
            In the library of `images`.
        """
        parts = list(self.feature_blocks(images))
        return parts[0] if len(parts) == 1 else namespace(features=parts[0]).concat(parts)

    def feature_blocks(self, images: Any) -> Iterator[Array]:
        """The same, some images at a time, for features of more images than fit into memory.

        Parameters
        ----------
        images : array (n, height, width) or (n, height, width, channels), path, or LabelledImages

        Returns
        -------
        iterator of arrays (images, features)
        """
        model, params, backend = self._fitted()
        x, xp = self._place(images), backend.xp
        places = blocks(x, model.rows_at_a_time)
        of_images = (model.features_of(params, x[start:stop, ...], xp=xp)[0] for start, stop in places)
        return (self._back(block, images) for block in of_images)

    def _given(self, images: Any, labels: Any) -> tuple[Any, Any]:
        """Images and labels to train on, from a file if that was given."""
        images = self._opened(images)
        if not isinstance(images, LabelledImages):
            return images, labels
        if images.labels is None and labels is None:
            raise ValueError(f"{images.name} has no labels to learn")
        return images, images.labels if labels is None else labels

    def _keep_layout(self, X: Any) -> None:
        """Remember the form of the file that is trained on."""
        if isinstance(X, LabelledImages):
            self.layout = X.layout

    def _opened(self, images: Any) -> Any:
        """Images of a path; anything else as it is."""
        if not isinstance(images, str | os.PathLike):
            return images
        return LabelledImages(images, layout=self.layout, channels_first=self.settings.channels_first or None)

    def _backend_for(self, X: Any) -> Backend:
        pixels = X.images if isinstance(X, LabelledImages) else X
        backend = backend_for(pixels)
        return replace(backend, dtype="float32") if is_whole(pixels) else backend

    def _network(self, shape: tuple[int, ...], outputs: int) -> ImageClassifier:
        chosen = self.settings
        return ImageClassifier(
            **chosen.shared_with(ConvolutionSettings),
            image_shape=shape,
            outputs=outputs,
            hidden=chosen.hidden,
            objective=chosen.objective,
            l2=chosen.l2,
            dropout=chosen.dropout,
        )

    def _placed(self, X: Any, backend: Backend, scaling: Scaling | None = None) -> Array | HostTable:
        shape, first = None if self.model is None else self.model.image_shape, self.settings.channels_first
        images = self._opened(X)
        if isinstance(images, LabelledImages):
            images, first = images.images, False
        return place_images(images, backend, channels_first=first, shape=shape, scaling=scaling)

    def _scaling(self, X: Any, x: Array | HostTable, train_ids: Ids, backend: Backend) -> Scaling:
        rows = x.take(train_ids) if isinstance(x, HostTable) else backend.xp.take(x, backend.asarray(train_ids), axis=0)
        return channel_scaling(rows, backend)

    def _task(self, X: Any, y: Any, sample_weight: Any, settings: MLPRun) -> Task:
        self._keep_layout(X)
        task = super()._task(X, y, sample_weight, settings)
        model = self._fitted()[0]
        task.width = model.multiplications // PER_ENTRY
        return task

    def _batches(self, rows: RowBatch, settings: EpochSettings, seed: int, **more: Any) -> RowBatches:
        return super()._batches(
            rows, settings, seed, augmentation=Augmentation(**settings.shared_with(Augmentation)), **more
        )
