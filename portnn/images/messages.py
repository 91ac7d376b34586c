"""Words that messages about images share."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from portnn.settings import brief


def in_pixels(size: tuple[int, int]) -> str:
    """(height, width) in words, for messages."""
    return f"{size[0]} pixels high and {size[1]} wide"


def listed(names: Iterable[str]) -> str:
    """The first names, for a message."""
    some = [brief(name) for name in islice(names, 11)]
    return ", ".join([*some[:10], *(["..."] if len(some) > 10 else [])])
