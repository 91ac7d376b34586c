"""`Explanation`: how a classifier comes to its answer, word by word."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from portnn import ops
from portnn.backends import Array, Backend, one_hot
from portnn.models import Parameters, SequenceBatch, SequenceClassifier
from portnn.models.sequence_classifier import TABLE
from portnn.settings import brief_fields

Host = np.ndarray[Any, Any]


class Explanation(NamedTuple):
    """A text's words and their parts in an answer.

    Attributes
    ----------
    tokens : tuple of str
    known : tuple of bool
        Whether the vocabulary has each token.
    label : object
        The label that is explained.
    contributions : array (tokens,)
        Each token's part in the logit of the label: its gradient for the token's vector, times the vector. What speaks
        for the label is positive.
    labels : list
    probabilities : array (tokens, labels)
        Of each label, after each token.
    """

    tokens: tuple[str, ...]
    known: tuple[bool, ...]
    label: Any
    contributions: Host
    labels: list[Any]
    probabilities: Host

    def __repr__(self) -> str:
        return brief_fields(self)


def contributions(model: SequenceClassifier, params: Parameters, ids: Host, output: int, backend: Backend) -> Host:
    """Gradient of one logit for each vector that the first layer reads, times the vector, summed over its entries.

    Parameters
    ----------
    model : SequenceClassifier
    params : dict of str to array
    ids : integer array (time,)
    output : int
        Which logit.
    backend : Backend

    Returns
    -------
    array (time,), on the host
    """
    xp, column = backend.xp, backend.asarray(ids[:, None])
    if model.embedding_size:
        x: Array = ops.embedding(column, params[TABLE], xp=xp)[0]
    else:
        x = one_hot(column, model.vocabulary_size, params["output.weight"].dtype, xp=xp)
    batch = SequenceBatch(column, None, backend.asarray(np.zeros(0, np.int64)))
    logits, cache = model.outputs_of(params, batch, x=x, xp=xp)
    dlogits = one_hot(backend.asarray(np.asarray([output])), model.outputs, logits.dtype, xp=xp)
    dx, _ = model.input_gradients(dlogits, cache, xp=xp)
    return np.asarray(backend.to_host(xp.sum(x * dx, axis=-1)))[:, 0]
