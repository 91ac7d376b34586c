"""Models: configuration and parameters around ops, all with one protocol."""

from portnn.models.feed_forward import FeedForward, RowBatch, layer_parameters
from portnn.models.protocol import Model, Parameters
from portnn.models.recurrent_lm import CELLS, LanguageBatch, RecurrentLM, layer_weights
from portnn.models.word_vectors import WindowBatch, WordVectors
from portnn.objectives import OBJECTIVES
from portnn.ops import ACTIVATIONS

__all__ = [
    "ACTIVATIONS",
    "CELLS",
    "OBJECTIVES",
    "FeedForward",
    "LanguageBatch",
    "Model",
    "Parameters",
    "RecurrentLM",
    "RowBatch",
    "WindowBatch",
    "WordVectors",
    "layer_parameters",
    "layer_weights",
]
