"""Operations in forward/backward pairs, with gradients derived by hand.

Each forward returns its result and a cache; its backward takes the gradient of the result and that cache.
The keyword `xp` is the array namespace; leave it out and the arrays decide.
"""

from portnn.ops.cross_entropy import CrossEntropyCache, cross_entropy, cross_entropy_backward
from portnn.ops.dropout import DropoutCache, dropout, dropout_backward
from portnn.ops.embedding import EmbeddingCache, embedding, embedding_backward
from portnn.ops.gru import GRUCache, GRUGradients, gru, gru_backward
from portnn.ops.linear import LinearCache, LinearGradients, linear, linear_backward
from portnn.ops.lstm import LSTMCache, LSTMGradients, lstm, lstm_backward
from portnn.ops.recurrence import Weights
from portnn.ops.relu import ReluCache, relu, relu_backward
from portnn.ops.rnn import RNNCache, RNNGradients, rnn, rnn_backward
from portnn.ops.sigmoid import SigmoidCache, sigmoid, sigmoid_backward
from portnn.ops.softmax import (
    LogSoftmaxCache,
    SoftmaxCache,
    log_softmax,
    log_softmax_backward,
    softmax,
    softmax_backward,
)
from portnn.ops.tanh import TanhCache, tanh, tanh_backward

__all__ = [
    "CrossEntropyCache",
    "DropoutCache",
    "EmbeddingCache",
    "GRUCache",
    "GRUGradients",
    "LSTMCache",
    "LSTMGradients",
    "LinearCache",
    "LinearGradients",
    "LogSoftmaxCache",
    "RNNCache",
    "RNNGradients",
    "ReluCache",
    "SigmoidCache",
    "SoftmaxCache",
    "TanhCache",
    "Weights",
    "cross_entropy",
    "cross_entropy_backward",
    "dropout",
    "dropout_backward",
    "embedding",
    "embedding_backward",
    "gru",
    "gru_backward",
    "linear",
    "linear_backward",
    "log_softmax",
    "log_softmax_backward",
    "lstm",
    "lstm_backward",
    "relu",
    "relu_backward",
    "rnn",
    "rnn_backward",
    "sigmoid",
    "sigmoid_backward",
    "softmax",
    "softmax_backward",
    "tanh",
    "tanh_backward",
]
