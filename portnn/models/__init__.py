"""Models: configuration and parameters around ops, all with one protocol."""

from portnn.models.protocol import Model, Parameters
from portnn.models.recurrent_lm import CELLS, LanguageBatch, RecurrentLM, layer_weights

__all__ = ["CELLS", "LanguageBatch", "Model", "Parameters", "RecurrentLM", "layer_weights"]
