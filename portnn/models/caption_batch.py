"""A batch of captions with what they are about, and its parts."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from portnn.backends import Array, tree_map
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


def split_captions(batch: CaptionBatch, parts: int) -> list[tuple[CaptionBatch, tuple[()], float]]:
    """Parts of nearly equal numbers of sequences, each without a carry and with its share of the mean loss."""
    count, pieces = batch.inputs.shape[1], []
    parts = min(parts, count)
    for start, stop in itertools.pairwise(count * part // parts for part in range(parts + 1)):
        share = float(batch.weights[:, start:stop].sum() / batch.weights.sum())
        over_time = tree_map(lambda array, a=start, b=stop: array[:, a:b, ...], tuple(batch[1:]))
        pieces.append((CaptionBatch(batch.features[start:stop, ...], *over_time), (), share))
    return pieces
