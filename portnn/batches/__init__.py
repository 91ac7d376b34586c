"""Batches, each a function of the seed and its position alone, and what they are made from."""

from portnn.batches.alias import AliasTable
from portnn.batches.batch import Batch, Batches
from portnn.batches.load import chance_to_keep, steady_batch_size
from portnn.batches.rows import RowBatches
from portnn.batches.streams import ChunkStreams, check_integers, check_range
from portnn.batches.window_settings import WindowSettings
from portnn.batches.windows import WindowBatches

__all__ = [
    "AliasTable",
    "Batch",
    "Batches",
    "ChunkStreams",
    "RowBatches",
    "WindowBatches",
    "WindowSettings",
    "chance_to_keep",
    "check_integers",
    "check_range",
    "steady_batch_size",
]
