"""Models: configuration and parameters around ops, all with one protocol."""

from portnn.models.caption_batch import CaptionBatch
from portnn.models.convolution_stack import ConvolutionStack
from portnn.models.feed_forward import FeedForward, RowBatch, layer_parameters
from portnn.models.image_classifier import ImageClassifier
from portnn.models.protocol import Model, Parameters
from portnn.models.recurrent_decoder import RecurrentDecoder
from portnn.models.recurrent_lm import LanguageBatch, RecurrentLM
from portnn.models.recurrent_stack import RecurrentStack
from portnn.models.sequence_classifier import SequenceBatch, SequenceClassifier
from portnn.models.word_vectors import WindowBatch, WordVectors

__all__ = [
    "CaptionBatch",
    "ConvolutionStack",
    "FeedForward",
    "ImageClassifier",
    "LanguageBatch",
    "Model",
    "Parameters",
    "RecurrentDecoder",
    "RecurrentLM",
    "RecurrentStack",
    "RowBatch",
    "SequenceBatch",
    "SequenceClassifier",
    "WindowBatch",
    "WordVectors",
    "layer_parameters",
]
