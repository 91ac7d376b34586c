"""How a network was given its images, so that another model that has taken it over is given them likewise."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from portnn.backends import Array, Backend
from portnn.batches import HostTable
from portnn.images import ImageLayout, LabelledImages
from portnn.images.placing import place_images
from portnn.tables import Scaling


class ImageInput(NamedTuple):
    """Form of a network's images.

    Attributes
    ----------
    shape : tuple of int
        Height, width and channels.
    channels_first : bool
        Whether arrays are (n, channels, height, width).
    scaling : Scaling or None
        Of the channels.
    """

    shape: tuple[int, ...]
    channels_first: bool
    scaling: Scaling | None

    def opened(self, images: Any) -> Any:
        """Images of a path, in the form of the network's own; anything else as it is."""
        if not isinstance(images, str | os.PathLike):
            return images
        height, width, channels = self.shape
        return LabelledImages(images, layout=ImageLayout((height, width), channels, self.channels_first))

    def place(self, images: Any, backend: Backend) -> Array | HostTable:
        """Images, also those of a path or `LabelledImages`, for a model on a backend."""
        images, first = self.opened(images), self.channels_first
        if isinstance(images, LabelledImages):
            images, first = images.images, False  # files always come with channels last
        return place_images(images, backend, channels_first=first, shape=self.shape, scaling=self.scaling)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, from which `from_json` makes an equal one."""
        return {
            "shape": list(self.shape),
            "channels_first": self.channels_first,
            "scaling": self.scaling and self.scaling.to_json(),
        }

    @classmethod
    def from_json(cls, record: Any) -> ImageInput:
        """Form from what `to_json` returned."""
        scaling = record["scaling"] and Scaling.from_json(record["scaling"])
        return cls(tuple(map(int, record["shape"])), bool(record["channels_first"]), scaling)
