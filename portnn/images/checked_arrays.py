"""What arrays of images, labels and features have to be, asked of their headers before anything else is read."""

from __future__ import annotations

import numpy as np

from portnn.images.messages import in_pixels
from portnn.images.npy import ArrayHeader, Check, Host
from portnn.images.wanted import Wanted

FEW_CHANNELS = (1, 2, 3, 4)
"""Numbers of channels that pictures have: grey or colours, each with or without an alpha channel."""

REAL = "biuf"
"""Kinds of NumPy's dtypes that hold real numbers."""


def check_image_array(what: str, wanted: Wanted) -> Check:
    """Check that an array (n, h, w), (n, h, w, c) or, if channels come first, (n, c, h, w) holds numbers.

    The check raises ValueError otherwise, or if there are none or they have another size than the one wanted.
    """

    def check(header: ArrayHeader) -> None:
        shape = header.shape
        if header.dtype.kind not in REAL:
            raise ValueError(f"{what} has dtype {header.dtype}, expected real numbers")
        if shape and shape[0] == 0:
            raise ValueError(f"{what} holds no images: its shape is {shape}")
        if len(shape) not in (3, 4) or min(shape) < 1:
            axes = "(n, channels, height, width)" if wanted.channels_first else "(n, height, width, channels)"
            raise ValueError(f"{what} has shape {shape}, expected (n, height, width) or {axes}")
        if wanted.channels_first is None and looks_channels_first(shape):
            raise ValueError(
                f"{what} has shape {shape}; say with channels_first whether its second axis holds the channels"
            )
        size, channels = form_of_shape(shape, wanted.channels_first)
        if wanted.size is not None and size != wanted.size:
            raise ValueError(
                f"{what} has images {in_pixels(size)}, expected {in_pixels(wanted.size)}; "
                "images in arrays are not resized"
            )
        if wanted.channels is not None and channels != wanted.channels:
            counted = f"{channels} channel{'s' * (channels != 1)}"
            raise ValueError(
                f"{what} has images of {counted}, expected {wanted.channels}; images in arrays are not converted"
            )

    return check


def form_of_shape(shape: tuple[int, ...], channels_first: bool | None) -> tuple[tuple[int, int], int]:
    """(height, width) and number of channels of images in an array of three or four axes."""
    if len(shape) == 3:
        return (shape[1], shape[2]), 1
    return ((shape[2], shape[3]), shape[1]) if channels_first else ((shape[1], shape[2]), shape[3])


def looks_channels_first(shape: tuple[int, ...]) -> bool:
    """Whether the second of four axes can hold the channels of pictures, but the last cannot."""
    return len(shape) == 4 and shape[1] in FEW_CHANNELS and shape[3] not in FEW_CHANNELS


def axes_of(array: Host, wanted: Wanted) -> Host:
    """Images (n, height, width, channels) that a checked array holds, without copying it."""
    if array.ndim == 3:
        return array[..., None]
    return np.moveaxis(array, 1, 3) if wanted.channels_first else array


def check_label_array(what: str, count: int) -> Check:
    """Check that an array (n,) or (n, 1) holds a label for each of so many images; ValueError is raised otherwise."""

    def check(header: ArrayHeader) -> None:
        shape = header.shape
        if header.dtype.kind not in "biuSU":
            raise ValueError(f"{what} has dtype {header.dtype}; labels must be whole numbers or text")
        if shape not in ((count,), (count, 1)):
            raise ValueError(f"{what} has shape {shape}, expected a label for each of {count} images, ({count},)")

    return check


def check_feature_array(path: str) -> Check:
    """Check that an array (rows, width) holds numbers; ValueError is raised otherwise, or if there are none."""

    def check(header: ArrayHeader) -> None:
        shape = header.shape
        if header.dtype.kind not in REAL:
            raise ValueError(f"{path}: features have dtype {header.dtype}, expected real numbers")
        if len(shape) != 2 or min(shape) < 0:
            raise ValueError(f"{path}: features have shape {shape}, expected (rows, width)")
        if 0 in shape:
            raise ValueError(
                f"{path}: features have {'no numbers in their' if shape[0] else 'no'} rows: their shape is {shape}"
            )

    return check


def decoded_labels(labels: Host, what: str) -> Host:
    """Labels as text if they are bytes, read-only.

    Raises
    ------
    ValueError
        If they are not utf-8.
    """
    if labels.dtype.kind == "S":
        try:
            labels = np.char.decode(labels, "utf-8")
        except UnicodeError as error:
            raise ValueError(f"{what} holds bytes that are not utf-8; save text instead") from error
        labels.flags.writeable = False
    return labels
