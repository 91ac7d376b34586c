"""Operations in forward/backward pairs, with gradients derived by hand.

Each forward returns its result and a cache; its backward takes the gradient of the result and that cache.
The keyword `xp` is the array namespace; leave it out and the arrays decide.
"""

from portnn.ops.activations.identity import IdentityCache, identity, identity_backward
from portnn.ops.activations.rbf import RbfCache, rbf, rbf_backward
from portnn.ops.activations.registry import ACTIVATIONS, Activation
from portnn.ops.activations.relu import ReluCache, relu, relu_backward
from portnn.ops.activations.sigmoid import SigmoidCache, sigmoid, sigmoid_backward
from portnn.ops.activations.softmax import (
    LogSoftmaxCache,
    SoftmaxCache,
    log_softmax,
    log_softmax_backward,
    softmax,
    softmax_backward,
)
from portnn.ops.activations.tanh import TanhCache, tanh, tanh_backward
from portnn.ops.layers.dropout import DropoutCache, dropout, dropout_backward
from portnn.ops.layers.embedding import EmbeddingCache, embedding, embedding_backward
from portnn.ops.layers.linear import LinearCache, LinearGradients, linear, linear_backward
from portnn.ops.losses.binary_cross_entropy import (
    BinaryCrossEntropyCache,
    binary_cross_entropy,
    binary_cross_entropy_backward,
)
from portnn.ops.losses.cross_entropy import CrossEntropyCache, cross_entropy, cross_entropy_backward
from portnn.ops.losses.squared_error import SquaredErrorCache, squared_error, squared_error_backward
from portnn.ops.recurrent.gru import GRUCache, GRUGradients, gru, gru_backward
from portnn.ops.recurrent.lstm import LSTMCache, LSTMGradients, lstm, lstm_backward
from portnn.ops.recurrent.recurrence import Weights
from portnn.ops.recurrent.rnn import RNNCache, RNNGradients, rnn, rnn_backward
from portnn.ops.words.logistic_pairs import (
    LogisticPairsCache,
    LogisticPairsGradients,
    logistic_pairs,
    logistic_pairs_backward,
)
from portnn.ops.words.negative_sampling import (
    NegativeSamplingCache,
    NegativeSamplingGradients,
    negative_sampling,
    negative_sampling_backward,
)
from portnn.ops.words.window_mean import WindowMeanCache, window_mean, window_mean_backward
from portnn.ops.words.window_softmax import (
    WindowSoftmaxCache,
    WindowSoftmaxGradients,
    window_softmax,
    window_softmax_backward,
)

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "BinaryCrossEntropyCache",
    "CrossEntropyCache",
    "DropoutCache",
    "EmbeddingCache",
    "GRUCache",
    "GRUGradients",
    "IdentityCache",
    "LSTMCache",
    "LSTMGradients",
    "LinearCache",
    "LinearGradients",
    "LogSoftmaxCache",
    "LogisticPairsCache",
    "LogisticPairsGradients",
    "NegativeSamplingCache",
    "NegativeSamplingGradients",
    "RNNCache",
    "RNNGradients",
    "RbfCache",
    "ReluCache",
    "SigmoidCache",
    "SoftmaxCache",
    "SquaredErrorCache",
    "TanhCache",
    "Weights",
    "WindowMeanCache",
    "WindowSoftmaxCache",
    "WindowSoftmaxGradients",
    "binary_cross_entropy",
    "binary_cross_entropy_backward",
    "cross_entropy",
    "cross_entropy_backward",
    "dropout",
    "dropout_backward",
    "embedding",
    "embedding_backward",
    "gru",
    "gru_backward",
    "identity",
    "identity_backward",
    "linear",
    "linear_backward",
    "log_softmax",
    "log_softmax_backward",
    "logistic_pairs",
    "logistic_pairs_backward",
    "lstm",
    "lstm_backward",
    "negative_sampling",
    "negative_sampling_backward",
    "rbf",
    "rbf_backward",
    "relu",
    "relu_backward",
    "rnn",
    "rnn_backward",
    "sigmoid",
    "sigmoid_backward",
    "softmax",
    "softmax_backward",
    "squared_error",
    "squared_error_backward",
    "tanh",
    "tanh_backward",
    "window_mean",
    "window_mean_backward",
    "window_softmax",
    "window_softmax_backward",
]
