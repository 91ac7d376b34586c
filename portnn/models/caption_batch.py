"""A batch of captions with what they are about, and its parts."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array
from portnn.settings import brief_fields


class CaptionBatch(NamedTuple):
    """Sequences of different lengths, padded to the longest, each with what it is about.

    Attributes
    ----------
    features : array (batch, features), or (batch, height, width, channels) of an encoder
    inputs : integer array (time, batch)
        The boundary, then the ids of the sequence; what follows is padding: any id.
    targets : integer array (time, batch)
        The ids of the sequence, then the boundary.
    weights : array (time, batch)
        1 for each target, 0 for padding.
    keep : tuple of arrays (time, batch, features)
        Dropout masks of the inputs' vectors and of the outputs of every layer; empty if nothing is dropped.
    """

    features: Array
    inputs: Array
    targets: Array
    weights: Array
    keep: tuple[Array, ...] = ()

    def __repr__(self) -> str:
        return brief_fields(self)
