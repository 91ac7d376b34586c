"""Captions with the rows that they are about, as a user gives them: lists, or a file read as often as needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from portnn.images import CaptionFile
from portnn.settings import brief

Line = tuple[int, int, str]
"""Place for messages, row of the features, caption."""


class GivenCaptions:
    """Captions in memory: one str for each row, or a list of them.

    Raises
    ------
    TypeError
        If one of them is no str.
    ValueError
        If there are none.
    """

    name = "the captions given"

    def __init__(self, captions: Any) -> None:
        try:
            listed = [[each] if isinstance(each, str) else list(each) for each in captions]
        except TypeError:
            raise TypeError(
                f"captions is {type(captions).__name__}, expected a str or a list of str for each image, or a path"
            ) from None
        if not listed:
            raise ValueError("there are no captions")
        self.captions, self.rows = listed, len(listed)
        for row, several in enumerate(listed):
            for caption in several:
                if not isinstance(caption, str):
                    kind = type(caption).__name__
                    raise TypeError(f"each caption must be a str, got {kind} {brief(caption)} for image {row}")
        self.size = sum(map(len, listed))

    def read(self, advance: Any = None) -> Iterator[Line]:
        """Read the captions from the beginning; `advance` is called for each."""
        for row, several in enumerate(self.captions):
            for caption in several:
                yield row, row, caption
                if advance is not None:
                    advance(1)

    def place(self, number: int) -> str:
        """What messages call a caption."""
        return f"the caption of image {number}"


CaptionSource = GivenCaptions | CaptionFile


def as_captions(captions: Any) -> CaptionSource:
    """Captions from a list, or from a file.

    Raises
    ------
    TypeError, ValueError, OSError
        If they are not what they should be, or the file cannot be read.
    """
    if isinstance(captions, CaptionFile):
        return captions
    if captions is None:
        raise TypeError("there are no captions: give a str or a list of str for each image, or a path")
    return CaptionFile(captions) if isinstance(captions, str | os.PathLike) else GivenCaptions(captions)
