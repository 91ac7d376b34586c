"""`Augmentation`: pictures as they might have been, shifted, mirrored and noisy, so that a network sees each anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from portnn.backends import Array, Backend
from portnn.settings import FIXED, Flags, Settings, not_negative

Host = np.ndarray[Any, Any]
Moves = tuple[Host, ...]

ALL = slice(None)


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

    def apply(
        self, images: Array, rng: np.random.Generator, backend: Backend, *, count: int | None = None, own: slice = ALL
    ) -> Array:
        """Changed pictures, shaped like `images` (batch, height, width, channels), on the backend.

        What moves in from outside a picture is 0. Pictures that are those at `own` of a batch of `count` change as they
        do in the whole batch.
        """
        xp, drawn = backend.xp, images.shape[0] if count is None else count
        if self.shift or self.flip:
            pictures, height, width, channels = images.shape
            moves = self._moves(drawn, rng)
            sources = backend.asarray(self._sources(tuple(move[own] for move in moves), height, width))
            pixels = xp.reshape(images, (pictures * height * width, channels))
            outside = xp.zeros_like(pixels[:1, :])
            images = xp.reshape(xp.take(xp.concat([outside, pixels]), xp.reshape(sources, (-1,)), axis=0), images.shape)
        if self.noise:
            noise = rng.standard_normal((drawn, *images.shape[1:]))[own]
            images = images + backend.asarray(noise * self.noise)
        return images

    def _moves(self, count: int, rng: np.random.Generator) -> Moves:
        """Pixels (count, 1) that pictures move down and right, and whether they are mirrored."""
        down, right = rng.integers(-self.shift, self.shift + 1, (2, count, 1))
        return down, right, rng.random((count, 1)) < 0.5 if self.flip else np.zeros((count, 1), np.bool_)

    def _sources(self, moves: Moves, height: int, width: int) -> Host:
        """For each pixel 1 plus the number of the one that it takes its value from, or 0 if that lies outside."""
        down, right, mirrored = moves
        rows, columns = np.arange(height) - down, np.arange(width) - right
        columns = np.where(mirrored, width - 1 - columns, columns)
        inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
        first = np.arange(len(down))[:, None, None] * (height * width) + 1
        return np.where(inside, first + rows[:, :, None] * width + columns[:, None, :], 0)
