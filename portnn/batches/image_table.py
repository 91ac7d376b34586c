"""`ImageTable`: pictures that stay on the host, perhaps in a mapped file, and are scaled a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from portnn.backends import Array, Backend
from portnn.batches.host_table import Host, HostTable

BRIGHTEST = 255
"""Pixels that are whole numbers go from 0 to this."""

PIECE = 1 << 22
"""Pixels that are worked through at a time."""


class ImageTable(HostTable):
    """Pictures on the host; ``table[start:stop, ...]`` is an array on the backend, of its dtype.

    Parameters
    ----------
    pixels : array (pictures, height, width, channels)
        Whole numbers are divided by 255.
    backend : Backend
    ids : integer array, optional
        Which of the pictures, in which order; by default all.
    mean, deviation : array (channels,), optional
        Subtracted from the pixels' channels, after whole numbers were divided, and divided by.
    """

    def __init__(
        self,
        pixels: Host,
        backend: Backend,
        ids: Host | None = None,
        mean: Host | None = None,
        deviation: Host | None = None,
    ) -> None:
        self.pixels, self.backend, self.ids, self.mean, self.deviation = pixels, backend, ids, mean, deviation

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of pictures, rows, columns and channels."""
        count = len(self.pixels if self.ids is None else self.ids)
        return (count, *map(int, self.pixels.shape[1:]))

    def __getitem__(self, where: tuple[slice, Any]) -> Array:
        return self.backend.asarray(self.on_host(where[0]))

    def on_host(self, where: slice) -> Host:
        """Scaled pictures on the host, in the backend's dtype; perhaps a view of the pixels."""
        chosen = self.pixels[where if self.ids is None else self.ids[where]]
        whole = self.pixels.dtype.kind in "iu"
        views = self.ids is None and (whole or self.mean is not None)  # what was given stays as it is
        values = chosen.astype(self.backend.dtype, copy=views)
        if whole:
            values *= 1.0 / BRIGHTEST
        if self.mean is not None and self.deviation is not None:
            values -= self.mean.astype(values.dtype)
            values /= self.deviation.astype(values.dtype)
        return values

    def take(self, ids: Host) -> ImageTable:
        """Table of the pictures with the given ids; no pixel is read."""
        chosen = ids if self.ids is None else self.ids[ids]
        return ImageTable(self.pixels, self.backend, chosen, self.mean, self.deviation)

    def blocks(self) -> Iterator[Host]:
        """All pictures, scaled, on the host, some at a time."""
        count, *shape = self.shape
        size = max(1, PIECE // max(1, int(np.prod(shape))))
        for start in range(0, count, size):
            yield self.on_host(slice(start, start + size))

    def pieces(self) -> Iterator[Host]:
        """All pictures for a digest."""
        yield from self.blocks()
