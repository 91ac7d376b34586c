"""Operations in forward/backward pairs, with gradients derived by hand.

Each forward returns its result and a cache; its backward takes the gradient of the result and that cache.
The keyword `xp` is the array namespace; leave it out and the arrays decide.
"""

# ruff: noqa: F403 (each file lists what it offers in its `__all__`)
import types

from portnn.ops.activations.identity import *
from portnn.ops.activations.rbf import *
from portnn.ops.activations.registry import *
from portnn.ops.activations.relu import *
from portnn.ops.activations.sigmoid import *
from portnn.ops.activations.softmax import *
from portnn.ops.activations.tanh import *
from portnn.ops.images.avg_pool2d import *
from portnn.ops.images.batch_norm import *
from portnn.ops.images.conv2d import *
from portnn.ops.images.flatten import *
from portnn.ops.images.global_avg_pool2d import *
from portnn.ops.images.max_pool2d import *
from portnn.ops.images.registry import *
from portnn.ops.layers.dropout import *
from portnn.ops.layers.embedding import *
from portnn.ops.layers.linear import *
from portnn.ops.losses.binary_cross_entropy import *
from portnn.ops.losses.cross_entropy import *
from portnn.ops.losses.poisson import *
from portnn.ops.losses.squared_error import *
from portnn.ops.pooling.last_state import *
from portnn.ops.pooling.max_over_time import *
from portnn.ops.pooling.mean_over_time import *
from portnn.ops.pooling.registry import *
from portnn.ops.recurrent.cells import *
from portnn.ops.recurrent.gru import *
from portnn.ops.recurrent.lstm import *
from portnn.ops.recurrent.rnn import *
from portnn.ops.words.logistic_pairs import *
from portnn.ops.words.negative_sampling import *
from portnn.ops.words.window_mean import *
from portnn.ops.words.window_softmax import *

__all__ = sorted(
    name for name, value in globals().items() if not name.startswith("_") and not isinstance(value, types.ModuleType)
)
