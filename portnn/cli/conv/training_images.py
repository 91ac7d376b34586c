"""What `portnn conv train` trains on and measures: images of files, or the digits of scikit-learn."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from portnn.batches.image_table import PIECE
from portnn.cli.conv.image_sources import naming, read_images
from portnn.cli.conv.labels import known_labels, labels_to_learn
from portnn.datasets import digits
from portnn.estimators import ConvNet
from portnn.images import ImageLayout, LabelledImages
from portnn.images.placing import place_images
from portnn.tables import Classes, kept_for_test
from portnn.text.array_store import ArrayStore
from portnn.text.corpus import MEMORY_LIMIT
from portnn.training import RunFolder

TEST = 0.2
"""Fraction of the digits that is kept for a test, unless that is said."""


class Part(NamedTuple):
    """Images, as an array or of a file, and their labels.

    Attributes
    ----------
    images : array or LabelledImages
    labels : ndarray
    file : Path or None
        Of its own, if they have one.
    """

    images: Any
    labels: np.ndarray[Any, Any]
    file: Path | None = None

    @property
    def pixels(self) -> np.ndarray[Any, Any]:
        """(n, height, width) or (n, height, width, channels)."""
        pixels: np.ndarray[Any, Any] = getattr(self.images, "images", self.images)
        return pixels

    def take(self, ids: np.ndarray[Any, Any]) -> Part:
        """Some of them; like pictures of a folder, in memory or a temporary file."""
        pixels = self.pixels
        store = ArrayStore(pixels.dtype, MEMORY_LIMIT, None)
        step = max(1, PIECE // max(1, pixels[0].size))
        for start in range(0, len(ids), step):
            store.append(np.ascontiguousarray(pixels[ids[start : start + step]]).reshape(-1))
        taken = np.asarray(store.whole()).reshape(len(ids), *pixels.shape[1:])
        if not isinstance(self.images, LabelledImages):
            return Part(taken, self.labels[ids])
        images = copy.copy(self.images)
        images.images, images.labels = taken, self.labels[ids]
        images.names = [self.images.names[number] for number in ids.tolist()]
        return Part(images, self.labels[ids])


class TrainingImages(NamedTuple):
    """Images to train on, and those kept for a test at the end.

    Attributes
    ----------
    train : Part
    kept : Part or None
    labels : ndarray
        Of both.
    name : str
    layout : ImageLayout
        For reading other files like the one trained on, with the fraction kept for the test.
    """

    train: Part
    kept: Part | None
    labels: np.ndarray[Any, Any]
    name: str
    layout: ImageLayout


def handwritten(test: float) -> TrainingImages:
    """The digits of scikit-learn, some of every digit kept for a test.

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn is not installed.
    """
    found = digits(test=test)
    train, kept = Part(found.images[..., 0], found.labels), Part(found.test_images[..., 0], found.test_labels)
    height, width = train.images.shape[1:]
    layout = ImageLayout((height, width), 1, test=test)
    return TrainingImages(train, kept, found.labels, "scikit-learn's digits", layout)


def of_file(images: LabelledImages, objective: str, test: float, seed: int) -> TrainingImages:
    """Images of a file, a fraction of them kept for a test.

    Raises
    ------
    ValueError
        If they cannot be learned, or the fraction leaves nothing for either.
    """
    whole = Part(images, labels_to_learn(images, objective))
    layout = images.layout._replace(test=test)
    train, kept = whole, None
    if test:
        train, kept = (whole.take(ids) for ids in kept_for_test(len(images), test, seed=seed))
        train.images.layout = layout
    else:
        images.layout = layout
    return TrainingImages(train, kept, whole.labels, images.name, layout)


def read_part(model: ConvNet, file: Path, layout: ImageLayout, classes: Classes | None) -> Part:
    """Another file of images like those trained on; everything that could fail later fails here.

    Raises
    ------
    OSError, ValueError
        If it cannot be read, does not fit the model, or holds a label that training does not see.
    """
    assert model.model is not None
    assert model.backend is not None
    images = read_images(file, layout=layout)
    labels = known_labels(images, classes)
    with naming(images.name):
        place_images(images.images, model.backend, shape=model.model.image_shape)
        check_labels(model, labels)
    return Part(images, labels, file)


def check_labels(model: ConvNet, labels: np.ndarray[Any, Any]) -> None:
    """Raise TypeError or ValueError if a model cannot be measured with such labels."""
    assert model.targets is not None
    model.targets.encode(labels)


def write_digits(kept: Part, folder: RunFolder) -> Path:
    """Write the digits kept for a test to the folder of their run, so that there is a file to go on with."""
    path = folder.beside("digits.npz")
    np.savez_compressed(path, images=kept.images.astype(np.float32), labels=kept.labels)
    return path
