"""Models: configuration and parameters around ops, all with one protocol."""

from portnn.models.feed_forward import ACTIVATIONS, OBJECTIVES, FeedForward, RowBatch, layer_parameters
from portnn.models.protocol import Model, Parameters
from portnn.models.recurrent_lm import CELLS, LanguageBatch, RecurrentLM, layer_weights

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
    "layer_parameters",
    "layer_weights",
]
