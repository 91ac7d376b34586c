"""Sources of images on the command line: options that say how to read one, and messages that name it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from portnn.estimators import ConvNet
from portnn.images import ImageLayout, LabelledImages
from portnn.settings import brief

LABELLED = (
    "An .npz file of images and labels, or a folder of pictures (PNG, JPEG and others, by Pillow) with a subfolder for "
    "each class."
)

ImagesName = Annotated[str | None, typer.Option(help="Array of an .npz file with the images. [default: images]")]
LabelsName = Annotated[str | None, typer.Option(help="Array of an .npz file with the labels. [default: labels]")]
Size = Annotated[
    str | None,
    typer.Option(help="Resize pictures, such as 24x32. [default: they must all have one size]", metavar="HEIGHTxWIDTH"),
]

OPTIONS = {
    "size=(height, width) resizes them": "--size HEIGHTxWIDTH resizes them",
    "say with images and labels": "say with --images-name and --labels-name",
    "say with channels_first": "say with --channels-first or --no-channels-first",
}
"""Arguments in messages of `LabelledImages`, and what they are called on the command line."""


def read_size(written: str | None) -> tuple[int, int] | None:
    """(height, width) of "24x32".

    Raises
    ------
    typer.BadParameter
        If it is written otherwise.
    """
    if written is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", written.strip().lower())
    if match is None:
        raise typer.BadParameter(f"--size is height x width in pixels, such as 24x32, got {brief(written)}")
    return int(match[1]), int(match[2])


def read_images(source: Path, **options: Any) -> LabelledImages:
    """Images of a source.

    Raises
    ------
    OSError, ValueError
        As `LabelledImages` does, in terms of the command line.
    """
    try:
        return LabelledImages(source, **options)
    except ValueError as error:
        text = str(error)
        for argument, option in OPTIONS.items():
            text = text.replace(argument, option)
        raise ValueError(text) from error


def images_for(model: ConvNet, source: Path, *, images: str | None, labels: str | None = None) -> LabelledImages:
    """Images for a trained model: of the form of those that it was trained on."""
    assert model.model is not None
    layout = model.layout
    if layout is None:  # trained on arrays
        height, width, channels = model.model.image_shape
        layout = ImageLayout((height, width), channels, model.settings.channels_first)
    return read_images(source, images=images, labels=labels, layout=layout)


@contextmanager
def naming(source: str) -> Iterator[None]:
    """Name a source in what is said about its images."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if source in str(error):
            raise
        raise type(error)(f"{source}: {error}") from error


def in_pixels(size: tuple[int, ...]) -> str:
    """Height and width in words."""
    return f"{size[0]} x {size[1]} pixels"
