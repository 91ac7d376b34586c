"""The user's images, checked, and placed where a model computes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from portnn.backends import Array, Backend, device, is_array, library_name, namespace, to_host
from portnn.batches import ImageTable
from portnn.batches.image_table import BRIGHTEST, PIECE
from portnn.tables.placing import as_table
from portnn.tables.scaling import Scaling

Host = np.ndarray[Any, Any]
Shape = tuple[int, ...]


def place_images(
    images: Any,
    backend: Backend,
    *,
    channels_first: bool = False,
    shape: Shape | None = None,
    scaling: Scaling | None = None,
) -> Array | ImageTable:
    """Images (n, height, width) or (n, height, width, channels) as a model takes them: of four axes, channels last.

    Images on the host stay there, as they are, and are scaled and moved a batch at a time. Those on the backend are
    scaled there. Whole numbers, from 0 to 255, are divided by 255.

    Parameters
    ----------
    images : array, or list of arrays of one shape
    backend : Backend
    channels_first : bool
        Images are (n, channels, height, width).
    shape : tuple of int, optional
        Height, width and channels that they must have.
    scaling : Scaling, optional
        Of the channels.

    Raises
    ------
    TypeError
        If they are of another library than the model, or not of real numbers.
    ValueError
        If their shape is wrong, they are on another device, whole numbers are not from 0 to 255, or a pixel is NaN or
        infinite.
    """
    pixels = as_table(images)
    pixels = _four_axes(pixels, channels_first)
    _check_shape(pixels, shape)
    if isinstance(pixels, np.ndarray):
        _check_pixels(pixels)
        mean, deviation = (None, None) if scaling is None else scaling
        return ImageTable(pixels, backend, None, mean, deviation)
    xp = namespace(images=pixels)
    if xp is not backend.xp:
        raise TypeError(
            f"the images belong to {library_name(xp)}, but the model to {backend.name}; `to` moves a fitted model"
        )
    if backend.device is not None and device(pixels) != backend.device:
        raise ValueError(
            f"the images are on device {device(pixels)}, but the model on {backend.device}; `to` moves a fitted model"
        )
    whole = xp.isdtype(pixels.dtype, "integral")
    placed = xp.astype(pixels, getattr(xp, backend.dtype), copy=False)
    if whole or not bool(xp.isfinite(xp.sum(placed))):
        _check_pixels(to_host(pixels))
    if whole:
        placed = placed * (1.0 / BRIGHTEST)
    return placed if scaling is None else scaling(placed, backend)


def channel_scaling(images: Array | ImageTable, backend: Backend) -> Scaling:
    """Mean and standard deviation of each channel over all pixels; of images that are not scaled yet."""
    if not isinstance(images, ImageTable):
        rows = backend.xp.reshape(images, (-1, images.shape[3]))
        return Scaling.of(rows, backend)
    table = ImageTable(images.pixels, replace(backend, dtype="float64"), images.ids)
    count = images.shape[0] * images.shape[1] * images.shape[2]
    mean = sum(block.sum(axis=(0, 1, 2)) for block in table.blocks()) / count
    squares = sum(((block - mean) ** 2).sum(axis=(0, 1, 2)) for block in table.blocks()) / count
    deviation = np.sqrt(squares)
    return Scaling(mean, np.where(deviation > 1e-12 * (1.0 + np.abs(mean)), deviation, 1.0))


def is_whole(images: Array | ImageTable | Any) -> bool:
    """Whether pixels are whole numbers, which are divided by 255."""
    pixels = images.pixels if isinstance(images, ImageTable) else images
    if not is_array(pixels):
        pixels = np.asarray(pixels)
    return bool(namespace(images=pixels).isdtype(pixels.dtype, "integral"))


def _four_axes(pixels: Array, channels_first: bool) -> Array:
    shape = tuple(pixels.shape)
    if len(shape) not in (3, 4):
        hint = "; images[None, ...] makes a batch of one image" if len(shape) == 2 else ""
        raise ValueError(
            f"images have shape {shape}, expected (images, height, width) or (images, "
            f"{'channels, height, width' if channels_first else 'height, width, channels'}){hint}"
        )
    xp = namespace(images=pixels)
    if len(shape) == 3:
        return xp.reshape(pixels, (*shape, 1))
    return xp.permute_dims(pixels, (0, 2, 3, 1)) if channels_first else pixels


def _check_shape(pixels: Array, shape: Shape | None) -> None:
    count, *found = map(int, pixels.shape)
    if not count or not all(found):
        raise ValueError(f"images have shape {(count, *found)}: there is nothing to see")
    if shape is None or tuple(found) == tuple(shape):
        return
    has, wants = ("{} x {} pixels and {} channel{}".format(*three, "s" * (three[2] != 1)) for three in (found, shape))
    hint = ""
    if (found[0], found[1], found[2]) in ((shape[2], shape[0], shape[1]),):
        hint = "; channels_first=True says that channels come before height and width"
    raise ValueError(f"images have {has}, but the model expects {wants}{hint}")


def _check_pixels(pixels: Host) -> None:
    """Raise ValueError unless pixels on the host are finite, and from 0 to 255 if they are whole numbers."""
    size = max(1, PIECE // max(1, pixels[0].size))
    for start in range(0, len(pixels), size):
        block = pixels[start : start + size]
        if block.dtype.kind in "iu" and block.dtype != np.uint8:
            low, high = int(block.min()), int(block.max())
            if low < 0 or high > BRIGHTEST:
                raise ValueError(
                    f"images hold whole numbers from {low} to {high}, expected 0 to {BRIGHTEST}; make them floating "
                    "to leave them as they are"
                )
        elif block.dtype.kind == "f":
            with np.errstate(all="ignore"):
                if np.isfinite(block.sum()):
                    continue
            wrong = np.argwhere(~np.isfinite(block))
            if len(wrong):
                image, row, column, _ = wrong[0]
                raise ValueError(
                    f"image {start + image} has a pixel that is NaN or infinite, at row {row}, column {column}"
                )
