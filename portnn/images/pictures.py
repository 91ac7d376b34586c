"""Pictures in files, such as PNG and JPEG: their form from the headers, and their pixels, by Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

Host = np.ndarray[Any, Any]

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
"""Suffixes of files that are read as pictures, in lower case."""

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")  # what other suffixes hide is not for a folder to decide
_GREY = {"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N", "F"}
_TRANSPARENT = {"LA", "La", "PA", "RGBA", "RGBa"}
_ORIENTATION = 0x0112  # EXIF's tag; from 5 on, rows are columns
_TIFF_SIDES = (0x0100, 0x0101)  # tags of width and height as they are in the file


class PictureForm(NamedTuple):
    """What the header of a picture says.

    Attributes
    ----------
    size : tuple of int
        (height, width) in pixels, when the picture stands upright.
    grey : bool
    """

    size: tuple[int, int]
    grey: bool


def form_of(path: str) -> PictureForm:
    """Form of a picture, without reading its pixels.

    Raises
    ------
    ModuleNotFoundError
        If Pillow is not installed.
    OSError
        If the file cannot be read.
    ValueError
        If it is no picture, or damaged at its beginning.
    """
    with _opened(path) as image:
        width, height = image.size
        return PictureForm((width, height) if _lies(image) else (height, width), image.mode in _GREY)


def pixels_of(path: str, size: tuple[int, int] | None, channels: int) -> Host:
    """Pixels of a picture, uint8 (height, width, channels): grey, or red, green and blue.

    Parameters
    ----------
    path : str
    size : tuple of int or None
        (height, width) that it is resized to; None for its own.
    channels : {1, 3}

    Raises
    ------
    ModuleNotFoundError
        If Pillow is not installed.
    OSError
        If the file cannot be read.
    ValueError
        If it is no picture, is damaged, or has values of no known range.
    """
    with _opened(path) as image:
        from PIL import Image, ImageOps

        if image.format != "TIFF":  # which Pillow turns as it reads it
            ImageOps.exif_transpose(image, in_place=True)
        picture = _on_white(_in_bytes(image)).convert("L" if channels == 1 else "RGB")
        if size is not None and picture.size != size[::-1]:
            picture = picture.resize(size[::-1], Image.Resampling.BILINEAR)
        return np.asarray(picture, np.uint8).reshape(picture.height, picture.width, channels)


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    """A picture as Pillow opens it; what goes wrong in the block is said of the file."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise ModuleNotFoundError(
            f'{path} is a picture, which needs Pillow to be read: python -m pip install "portnn[images]"', name="PIL"
        ) from None
    with open(path, "rb") as file:
        try:
            with Image.open(file, formats=_FORMATS) as image:
                yield image
        except UnidentifiedImageError:
            raise ValueError(f"{path} is none of {', '.join(_FORMATS)}, or is damaged at its beginning") from None
        except Exception as error:  # for damaged files, the readers of so many formats raise anything
            if isinstance(error, OSError) and error.errno is not None:
                raise
            fault = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(f"{path} cannot be read as a picture: {fault}") from error


def _lies(image: Any) -> bool:
    """Whether the camera lay on its side, so that the file has columns for rows."""
    from PIL import Image

    if image.format == "TIFF" and image.size != tuple(map(image.tag_v2.get, _TIFF_SIDES)):
        return False  # newer versions of Pillow have turned the size already
    exif = Image.Image.getexif(image)  # PNG's own would read the pixels
    return bool(exif.get(_ORIENTATION, 1) >= 5)


def _in_bytes(image: Any) -> Any:
    """A picture whose values are bytes; of two bytes each, the higher one."""
    from PIL import Image

    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        kind = "32-bit integers" if image.mode == "I" else "floats"
        raise ValueError(f"it holds {kind}, whose range is not known; save it with 8 or 16 bits, or as an array")
    return image


def _on_white(image: Any) -> Any:
    """A picture without transparency, as it looks on white paper."""
    from PIL import Image

    if image.mode not in _TRANSPARENT and "transparency" not in image.info:
        return image
    coloured = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)
