"""Batches, each a function of the seed and its position alone, and what they are made from."""

from portnn.batches.alias import AliasTable
from portnn.batches.augmentation import Augmentation
from portnn.batches.batch import Batch, Batches
from portnn.batches.captions import CaptionBatches
from portnn.batches.host_table import HostTable
from portnn.batches.image_table import ImageTable
from portnn.batches.load import chance_to_keep, steady_batch_size
from portnn.batches.part import WHOLE, Part
from portnn.batches.permutation import Permutation
from portnn.batches.rows import RowBatches, rows_at
from portnn.batches.sequences import SequenceBatches, lengths_of, padded
from portnn.batches.sparse_table import SparseTable, blocks, compressed, is_sparse
from portnn.batches.streams import ChunkStreams, check_integers, check_range
from portnn.batches.window_settings import WindowSettings
from portnn.batches.windows import WindowBatches

__all__ = [
    "WHOLE",
    "AliasTable",
    "Augmentation",
    "Batch",
    "Batches",
    "CaptionBatches",
    "ChunkStreams",
    "HostTable",
    "ImageTable",
    "Part",
    "Permutation",
    "RowBatches",
    "SequenceBatches",
    "SparseTable",
    "WindowBatches",
    "WindowSettings",
    "blocks",
    "chance_to_keep",
    "check_integers",
    "check_range",
    "compressed",
    "is_sparse",
    "lengths_of",
    "padded",
    "rows_at",
    "steady_batch_size",
]
