"""`Augmentation`: pictures as they might have been, shifted, mirrored and noisy, so that a network sees each anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from portnn.backends import Array, Backend
from portnn.settings import FIXED, Flags, Settings, not_negative


@dataclass(frozen=True, kw_only=True)
class Augmentation(Settings):
    """Random changes to the pictures of a batch, all drawn on the host."""

    shift: Annotated[
        int, not_negative, FIXED, "Move each picture of a batch at random, by up to so many pixels each way; 0 for not."
    ] = 0
    flip: Annotated[bool, FIXED, Flags("--flip", "--no-flip"), "Mirror half of them, left to right."] = False
    noise: Annotated[
        float, not_negative, FIXED, "Standard deviation of normal noise added to each of their pixels; 0 for none."
    ] = 0.0

    def apply(self, images: Array, rng: np.random.Generator, backend: Backend) -> Array:
        """Changed pictures, shaped like `images` (batch, height, width, channels), on the backend.

        What moves in from outside a picture is 0.
        """
        xp = backend.xp
        if self.shift or self.flip:
            count, height, width, channels = images.shape
            sources = xp.reshape(backend.asarray(self._sources(count, height, width, rng)), (-1,))
            pixels = xp.reshape(images, (count * height * width, channels))
            outside = xp.zeros_like(pixels[:1, :])
            images = xp.reshape(xp.take(xp.concat([outside, pixels]), sources, axis=0), images.shape)
        if self.noise:
            images = images + backend.asarray(rng.standard_normal(tuple(images.shape)) * self.noise)
        return images

    def _sources(self, count: int, height: int, width: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
        """For each pixel 1 plus the number of the one that it takes its value from, or 0 if that lies outside."""
        down, right = rng.integers(-self.shift, self.shift + 1, (2, count, 1))
        rows, columns = np.arange(height) - down, np.arange(width) - right
        if self.flip:
            columns = np.where(rng.random((count, 1)) < 0.5, width - 1 - columns, columns)
        inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
        first = np.arange(count)[:, None, None] * (height * width) + 1
        return np.where(inside, first + rows[:, :, None] * width + columns[:, None, :], 0)
