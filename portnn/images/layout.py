"""`ImageLayout`: the form of images that were read; a model keeps it for the next ones."""

from __future__ import annotations

from typing import Any, NamedTuple

from portnn.settings import brief_fields


class ImageLayout(NamedTuple):
    """Form of images, and where a file has them.

    Attributes
    ----------
    size : tuple of int
        (height, width) in pixels.
    channels : int
    channels_first : bool
        Whether arrays in files are (n, channels, height, width).
    images, labels : str or None
        Names of the arrays of an .npz file; None where there was none.
    test : float
        Fraction of the images that are kept for a test at the end: they neither train nor choose a checkpoint.
    """

    size: tuple[int, int]
    channels: int
    channels_first: bool = False
    images: str | None = None
    labels: str | None = None
    test: float = 0.0

    def __repr__(self) -> str:
        return brief_fields(self)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, from which `from_json` makes an equal layout."""
        return {**self._asdict(), "size": list(self.size)}

    @classmethod
    def from_json(cls, record: Any) -> ImageLayout:
        """Layout from what `to_json` returned."""
        height, width = record["size"]
        return cls(**{**record, "size": (height, width)})
