"""Labels of images that a file has, as the classes of a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.images import LabelledImages
from portnn.objectives import OBJECTIVES
from portnn.settings import brief
from portnn.tables import Classes
from portnn.tables.labels import listed

Host = np.ndarray[Any, Any]


def labels_to_learn(images: LabelledImages, objective: str) -> Host:
    """Labels to train on.

    Raises
    ------
    ValueError
        If there are none, a classifier would see one class only, or a regression text.
    """
    labels = labels_of(images, "to learn")
    found = np.unique(labels)
    if not OBJECTIVES[objective].classifies:
        if labels.dtype.kind == "U":
            raise ValueError(
                f"{images.name} has labels that are text, such as {listed(found[:1])}; {objective} needs numbers"
            )
    elif len(found) < 2:
        raise ValueError(f"{images.name}: every image has the label {listed(found)}; a classifier needs two or more")
    return labels


def labels_of(images: LabelledImages, purpose: str) -> Host:
    """Labels of images.

    Raises
    ------
    ValueError
        If there are none.
    """
    if images.labels is None:
        raise ValueError(
            f"{images.name} has no labels {purpose}; expected pictures in a subfolder for each class, or an .npz file "
            "with an array of labels"
        )
    return images.labels


def known_labels(images: LabelledImages, classes: Classes | None) -> Host:
    """Labels to measure with, as the classes of a model: text such as the name of a folder may stand for a number.

    Raises
    ------
    ValueError
        If there are none, or training never saw one of them.
    """
    labels = labels_of(images, "to measure with")
    if classes is None:
        return labels
    known = {str(label): place for place, label in enumerate(classes.labels.tolist())}
    found, which = np.unique(labels, return_inverse=True)
    places = np.asarray([known.get(str(label), -1) for label in found.tolist()])[which.reshape(-1)]
    if np.any(places < 0):
        first = int(np.argmax(places < 0))
        raise ValueError(
            f"{images.name}: image {images.names[first]} has the label {brief(labels[first].item())}, which training "
            f"never saw; the classes are {listed(classes.labels)}"
        )
    return classes.decode(places)


def class_names(classes: Classes | None) -> list[str]:
    """Class labels as text; none of a regression."""
    return [] if classes is None else [str(label) for label in classes.labels.tolist()]
