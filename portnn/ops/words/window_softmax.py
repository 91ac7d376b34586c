"""Full softmax: predict the words of a window among the whole vocabulary."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, portable, scatter_add
from portnn.ops.rows import row_max
from portnn.ops.shapes import check_ndim, check_shape

__all__ = ["WindowSoftmaxCache", "WindowSoftmaxGradients", "window_softmax", "window_softmax_backward"]


class WindowSoftmaxCache(NamedTuple):
    """What `window_softmax_backward` needs."""

    hidden: Array
    table: Array
    ids: Array
    windows: Array
    shares: Array


class WindowSoftmaxGradients(NamedTuple):
    """Gradients of `window_softmax`."""

    hidden: Array
    table: Array


@portable
def window_softmax(
    hidden: Array, table: Array, ids: Array, windows: Array, *, xp: Namespace = None
) -> tuple[Array, WindowSoftmaxCache]:
    """Cross-entropy of the words in each position's window, among all words.

    The softmax of a position is the same for all words of its window, so it is computed once. With h the hidden
    rows, u the rows of the table and w the windows::

        loss = sum_bi ( n_bi log sum_v exp(h_bi . u_v) - sum_j w_bij h_bi . u_ids[b, j] ),   n_bi = sum_j w_bij

    Parameters
    ----------
    hidden : array (blocks, length, m), real floating
    table : array (vocabulary, m), dtype of `hidden`
    ids : array (blocks, n), integer
        Words in a block and around it.
    windows : array (blocks, length, n), dtype of `hidden`
        How often each word is to be predicted from each position.

    Returns
    -------
    loss : array, shape ()
        Sum over all pairs, in nats.
    cache : WindowSoftmaxCache

    Raises
    ------
    ValueError
        If shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> hidden, table, ids = np.ones((1, 1, 3)), np.zeros((5, 3)), np.asarray([[4, 2]])
    >>> loss, _ = window_softmax(hidden, table, ids, np.ones((1, 1, 2)))
    >>> round(float(loss / np.log(5.0)), 6)
    2.0
    """
    check_ndim("window_softmax", "hidden", hidden, 3)
    check_ndim("window_softmax", "ids", ids, 2)
    blocks, length, size = hidden.shape
    check_shape("window_softmax", "table", table, (table.shape[0], size), "hidden expects")
    check_shape("window_softmax", "windows", windows, (blocks, length, ids.shape[1]), "hidden and ids expect")
    rows = xp.reshape(hidden, (-1, size))
    logits = xp.matmul(rows, table.T)
    highest = row_max(logits, xp=xp)
    logits -= highest
    exponentials = xp.exp(logits)
    totals = xp.sum(exponentials, axis=-1, keepdims=True)
    counts = xp.reshape(xp.sum(windows, axis=-1), (-1, 1))
    outputs = _rows_of(table, ids, xp)
    positive = xp.matmul(hidden, xp.matrix_transpose(outputs)) * windows
    loss = xp.sum((xp.log(totals) + highest) * counts) - xp.sum(positive)
    exponentials *= counts / totals
    return loss, WindowSoftmaxCache(hidden, table, ids, windows, exponentials)


@portable
def window_softmax_backward(
    dloss: Array | float, cache: WindowSoftmaxCache, *, xp: Namespace = None
) -> WindowSoftmaxGradients:
    """Gradients of `window_softmax` for the hidden rows and the whole table. dloss: 0-d array or float."""
    hidden, table, ids, windows, shares = cache
    size = hidden.shape[2]
    rows = xp.reshape(hidden, (-1, size))
    windows, shares = windows * dloss, shares * dloss
    dhidden = xp.reshape(xp.matmul(shares, table), hidden.shape)
    dhidden -= xp.matmul(windows, _rows_of(table, ids, xp))
    pulled = xp.reshape(xp.matmul(xp.matrix_transpose(windows), hidden), (-1, size))
    dtable = scatter_add(xp.matmul(shares.T, rows), xp.reshape(ids, (-1,)), -pulled, donate=True, xp=xp)
    return WindowSoftmaxGradients(dhidden, dtable)


def _rows_of(table: Array, ids: Array, xp: Namespace) -> Array:
    return xp.reshape(xp.take(table, xp.reshape(ids, (-1,)), axis=0), (*ids.shape, table.shape[1]))
