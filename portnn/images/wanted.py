"""`Wanted`: what is known about images before their file is read, from arguments and from a file read earlier."""

from __future__ import annotations

from typing import Any, NamedTuple

from portnn.images.array_names import check_name
from portnn.images.layout import ImageLayout
from portnn.settings import brief, checked_number, positive, switch


class Wanted(NamedTuple):
    """What images should be; None for what their file decides.

    Attributes
    ----------
    size : tuple of int or None
        (height, width) in pixels.
    channels : int or None
    channels_first : bool or None
        Whether arrays are (n, channels, height, width).
    images, labels : str or None
        Names of arrays that were stated.
    before : ImageLayout or None
        That of a file read earlier; the fields above include its facts, but not its names.
    """

    size: tuple[int, int] | None
    channels: int | None
    channels_first: bool | None
    images: str | None
    labels: str | None
    before: ImageLayout | None

    @classmethod
    def of(
        cls, size: Any, channels: Any, channels_first: Any, images: Any, labels: Any, before: ImageLayout | None
    ) -> Wanted:
        """Checked arguments; those that are None are taken from the file before.

        Raises
        ------
        TypeError
            If an argument has another type.
        ValueError
            If it is out of its range.
        """
        for name, value in (("images", images), ("labels", labels)):
            check_name(name, value)
        if before is not None:
            size = before.size if size is None else size
            channels = before.channels if channels is None else channels
            channels_first = before.channels_first if channels_first is None else channels_first
        return cls(
            None if size is None else checked_size(size),
            None if channels is None else checked_number("channels", channels, int, positive),
            None if channels_first is None else switch("channels_first", channels_first),
            images,
            labels,
            before,
        )

    def check_no_arrays(self, what: str) -> None:
        """Raise ValueError if arrays were named, for a source that has none by name."""
        for name, value in (("images", self.images), ("labels", self.labels)):
            if value is not None:
                raise ValueError(f"{what} has no named arrays, but {name} is {brief(value)}; only .npz files have them")

    def layout(
        self, size: tuple[int, int], channels: int, *, images: str | None = None, labels: str | None = None
    ) -> ImageLayout:
        """Layout of images that were read, with the names of an earlier file where this one has none."""
        if self.before is not None:
            images, labels = images or self.before.images, labels or self.before.labels
        return ImageLayout(size, channels, bool(self.channels_first), images, labels)


def checked_size(size: Any) -> tuple[int, int]:
    """(height, width) of a pair of positive whole numbers."""
    if not isinstance(size, list | tuple) or len(size) != 2:
        raise TypeError(f"size must be (height, width), got {brief(size)}")
    height, width = (checked_number("each of size", side, int, positive) for side in size)
    return height, width
