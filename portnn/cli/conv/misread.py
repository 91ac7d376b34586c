"""Images that a network misreads, as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from portnn.estimators import ConvNet
from portnn.images import LabelledImages

MOST = 32
"""Images that are drawn."""

Host = np.ndarray[Any, Any]


def draw_misread(model: ConvNet, images: LabelledImages, labels: Host, probabilities: Host, file: Path) -> bool:
    """Draw the images of which another label is likelier than their own, the worst first; False if there are none.

    Parameters
    ----------
    model : ConvNet
    images : LabelledImages
    labels : array (n,)
    probabilities : array (n, classes)
        What the model says of them.
    file : Path

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    OSError, ValueError
        If the file cannot be written, or its suffix is of no format.
    """
    from portnn.plots import plot_misread

    assert model.classes is not None
    rows, true = np.arange(len(labels)), model.classes.encode(labels)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != true)
    if not len(wrong):
        return False
    worst = np.sort(wrong[np.argsort(probabilities[rows, true][wrong], kind="stable")][:MOST])
    title = f"{len(wrong):,} of {len(labels):,} images misread"
    title += f", the worst {len(worst)}" if len(worst) < len(wrong) else ""
    pixels = images.images[worst]
    pixels = np.moveaxis(pixels, 3, 1) if model.settings.channels_first else pixels
    plot_misread(model, pixels, labels[worst], most=MOST, title=title).savefig(file, dpi=144, bbox_inches="tight")
    return True
