"""Batches: where they come from, each a function of the seed and its position alone."""

from portnn.batches.alias import AliasTable
from portnn.batches.batch_source import BatchSource
from portnn.batches.rows import RowBatches
from portnn.batches.streams import ChunkStreams, check_integers, check_range
from portnn.batches.windows import WindowBatches, chance_to_keep, steady_batch_size

__all__ = [
    "AliasTable",
    "BatchSource",
    "ChunkStreams",
    "RowBatches",
    "WindowBatches",
    "chance_to_keep",
    "check_integers",
    "check_range",
    "steady_batch_size",
]
