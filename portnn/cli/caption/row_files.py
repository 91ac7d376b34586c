"""Files that captions are about: features, or images if the model computes features itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from portnn.cli.conv.image_sources import naming
from portnn.estimators import Captioner, ConvNet
from portnn.estimators.image_input import ImageInput
from portnn.images import ImageLayout, LabelledImages, read_features
from portnn.images.pictures import SUFFIXES as PICTURES

Host = np.ndarray[Any, Any]

ROWS = (
    "Features of images, a row for each: .npz, .npy or .safetensors. If there is a network for them, images: .npz, "
    ".npy, or a folder of pictures."
)

Array = Annotated[
    str | None,
    typer.Option(help="Array to read, of a file that has several. [default: features, or images]", metavar="NAME"),
]


def read_rows(file: Path, image_input: ImageInput | None, array: str | None, *, hint: str) -> Host:
    """Features, or images in the axes that a network has them in.

    Parameters
    ----------
    file : Path
    image_input : ImageInput or None
        What the network takes; None for features.
    array : str or None
        Name of the array.
    hint : str
        What to do if the file holds the other kind.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, or holds something else.
    """
    if image_input is None:
        try:
            return read_features(file, name=array)
        except ValueError as error:
            if _holds_images(file, array):
                raise ValueError(f"{file} holds images, not features; {hint}") from error
            raise
    (height, width, channels), first = image_input.shape, image_input.channels_first
    try:
        images = LabelledImages(file, images=array, layout=ImageLayout((height, width), channels, first)).images
    except ValueError as error:
        if _holds_features(file, array):
            raise ValueError(f"{file} holds features, not images; {hint}") from error
        raise
    return np.moveaxis(images, 3, 1) if first else images


def rows_for(model: Captioner, file: Path, array: str | None) -> Host:
    """Features or images for a trained model.

    Raises
    ------
    OSError, ValueError
        If they cannot be read, or are not like those that it was trained on.
    """
    assert model.model is not None
    assert model.backend is not None
    if model.image_input is not None:
        hint = "the model was trained through a network and computes its own features"
        images = read_rows(file, model.image_input, array, hint=hint)
        with naming(str(file)):
            model.image_input.place(images, model.backend)
        return images
    rows = read_rows(file, None, array, hint="the model was trained on features; portnn conv features computes them")
    wide, expected = rows.shape[1], model.model.feature_size
    if wide != expected:
        raise ValueError(
            f"{file}: features have {wide} entries, but the model expects {expected}; compute them with the network "
            "that computed those trained on"
        )
    return rows


def input_of(net: ConvNet) -> ImageInput:
    """How a network takes its images."""
    assert net.model is not None
    return ImageInput(net.model.image_shape, net.settings.channels_first, net.scaling)


def _holds_images(file: Path, array: str | None) -> bool:
    if file.is_dir() or file.suffix.lower() in PICTURES:
        return True
    try:
        LabelledImages(file, images=array, channels_first=False)
    except (OSError, ValueError):
        return False
    return True


def _holds_features(file: Path, array: str | None) -> bool:
    try:
        read_features(file, name=array)
    except (OSError, ValueError):
        return False
    return True
