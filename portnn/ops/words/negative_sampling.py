"""Negative sampling: tell the words of a window from words drawn at random."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, device, portable
from portnn.ops.shapes import check_ndim, check_shape
from portnn.ops.words.logistic_pairs import MAX_EXPONENT

__all__ = ["NegativeSamplingCache", "NegativeSamplingGradients", "negative_sampling", "negative_sampling_backward"]


class NegativeSamplingCache(NamedTuple):
    """What `negative_sampling_backward` needs.

    `sigmoid` of the logits and `weights` are transposed, (blocks, n, length). `sign` is -1 for positives, 1
    for negatives; None without positives.
    """

    hidden: Array
    outputs: Array
    sigmoid: Array
    weights: Array
    sign: Array | None


class NegativeSamplingGradients(NamedTuple):
    """Gradients of `negative_sampling`."""

    hidden: Array
    outputs: Array


@portable
def negative_sampling(
    hidden: Array, outputs: Array, weights: Array, *, positives: int, xp: Namespace = None
) -> tuple[Array, NegativeSamplingCache]:
    """Logistic loss of pairs of a position and an output word, a block of positions at a time.

    One matrix product pairs every position of a block with every output row of the block; weights give how often each
    pair counts. With sigma the logistic function, h the hidden rows and u the output rows::

        loss = - sum over positive pairs of weight * log sigma( h . u)
               - sum over negative pairs of weight * log sigma(-h . u)

    Parameters
    ----------
    hidden : array (blocks, length, m), real floating
    outputs : array (blocks, n, m), dtype of `hidden`
        Rows of the words that may be positive, then rows of negatives.
    weights : array (blocks, length, n), dtype of `hidden`
        Not negative; 0 where a pair does not count.
    positives : int
        Number of outputs at the start that may be positive; the others are negatives.

    Returns
    -------
    loss : array, shape ()
        Sum over all pairs, in nats.
    cache : NegativeSamplingCache

    Raises
    ------
    ValueError
        If shapes do not fit, or `positives` is not in 0..n.

    Notes
    -----
    With z the logit, negated for positive pairs, the loss of a pair is ``log(1 + exp(z))`` and its derivative
    ``exp(z) / (1 + exp(z))``, so that one exponential serves both. NumPy is fastest with weights that are the transpose
    of an array (blocks, n, length).

    References
    ----------
    .. [1] T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean. Distributed representations of words and phrases
       and their compositionality. NeurIPS, 2013. https://arxiv.org/abs/1310.4546

    Examples
    --------
    >>> import numpy as np
    >>> hidden, outputs = np.zeros((1, 1, 4)), np.ones((1, 2, 4))
    >>> loss, _ = negative_sampling(hidden, outputs, np.ones((1, 1, 2)), positives=1)
    >>> round(float(loss / np.log(2.0)), 6)
    2.0
    """
    check_ndim("negative_sampling", "hidden", hidden, 3)
    check_ndim("negative_sampling", "outputs", outputs, 3)
    blocks, length, size = hidden.shape
    count = outputs.shape[1]
    check_shape("negative_sampling", "outputs", outputs, (blocks, count, size), "hidden expects")
    check_shape("negative_sampling", "weights", weights, (blocks, length, count), "hidden and outputs expect")
    if not 0 <= positives <= count:
        raise ValueError(f"negative_sampling: positives is {positives}, expected 0..{count}")
    logits = xp.matmul(outputs, xp.matrix_transpose(hidden))  # (blocks, n, length)
    weights = xp.matrix_transpose(weights)
    sign = None
    if positives:
        place = xp.arange(count, dtype=hidden.dtype, device=device(hidden))
        # Half a step off the whole numbers, where the sign would be 0.
        sign = xp.sign(place - (positives - 0.5))[:, None]
        logits *= sign
    exponential = xp.exp(xp.minimum(logits, MAX_EXPONENT))
    total = exponential + 1.0
    exponential /= total
    sigmoid = exponential
    loss = xp.vecdot(xp.reshape(xp.log(total), (-1,)), xp.reshape(weights, (-1,)))
    return loss, NegativeSamplingCache(hidden, outputs, sigmoid, weights, sign)


@portable
def negative_sampling_backward(
    dloss: Array | float, cache: NegativeSamplingCache, *, xp: Namespace = None
) -> NegativeSamplingGradients:
    """Gradients of `negative_sampling` for the hidden rows and the output rows. dloss: 0-d array or float."""
    hidden, outputs, sigmoid, weights, sign = cache
    dlogits = sigmoid * weights
    dlogits *= dloss if sign is None else sign * dloss
    return NegativeSamplingGradients(xp.matmul(xp.matrix_transpose(dlogits), outputs), xp.matmul(dlogits, hidden))
