"""What each word of a caption owes to the features: the gradient of its log-probability."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.backends import Backend, one_hot, tree_map
from portnn.batches.captions import bounded
from portnn.models import CaptionBatch, Parameters, RecurrentDecoder
from portnn.ops import softmax

Host = np.ndarray[Any, Any]


def word_gradients(
    model: RecurrentDecoder, params: Parameters, backend: Backend, features: Any, ids: list[int]
) -> Host:
    """Gradient of each word's log-probability, given the words before it, with respect to the features.

    Parameters
    ----------
    model, params, backend
    features : array (1, features), or (1, height, width, channels) of an encoder, on the backend
    ids : list of int
        Of a caption, without its end.

    Returns
    -------
    array (words + 1, features), or (words + 1, height, width, channels)
        The last row is that of the end.
    """
    xp, steps = backend.xp, len(ids) + 1
    sequence = np.repeat(np.asarray(ids, np.int64)[:, None], steps, axis=1)
    inputs, targets, _ = bounded(sequence, np.full(steps, len(ids)), model.boundary)
    # The same caption as often as it has words: in copy t, only word t counts.
    batch = tree_map(
        backend.asarray,
        CaptionBatch(np.repeat(backend.to_host(features), steps, axis=0), inputs, targets, np.eye(steps)),
    )
    logits, cache = model.logits(params, batch, xp=xp)
    probabilities, _ = softmax(logits, xp=xp)
    dlogits = one_hot(batch.targets, model.vocabulary_size, logits.dtype, xp=xp) - probabilities
    gradients, _ = model.backward(dlogits * batch.weights[:, :, None], cache, xp=xp)
    return backend.to_host(gradients)
