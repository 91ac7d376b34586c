"""Mean, or sum, of the words in each position's window, from which CBOW predicts."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, device, portable
from portnn.ops.shapes import check_ndim, check_shape

__all__ = ["WindowMeanCache", "window_mean", "window_mean_backward"]


class WindowMeanCache(NamedTuple):
    """What `window_mean_backward` needs; `counts` (blocks, length, 1): how many words each window has."""

    windows: Array
    counts: Array
    mean: bool


@portable
def window_mean(
    rows: Array, windows: Array, *, mean: bool = True, xp: Namespace = None
) -> tuple[Array, WindowMeanCache]:
    """Weighted mean, or sum, of rows, one for each position of a block.

    With w the windows and x the rows::

        hidden[b, i] = sum_j w[b, i, j] x[b, j] / sum_j w[b, i, j]

    Parameters
    ----------
    rows : array (blocks, neighbours, m), real floating
        Rows of the words in a block and around it.
    windows : array (blocks, length, neighbours), dtype of `rows`
        1 where a neighbour is in the window of a position, 0 elsewhere. A position with an empty window gets zeros.
    mean : bool
        Compute the mean; otherwise the sum.

    Returns
    -------
    hidden : array (blocks, length, m)
    cache : WindowMeanCache

    Raises
    ------
    ValueError
        If shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.asarray([[[1.0], [3.0], [8.0]]])
    >>> window_mean(rows, np.asarray([[[1.0, 1.0, 0.0]]]))[0].tolist()
    [[[2.0]]]
    """
    check_ndim("window_mean", "rows", rows, 3)
    check_ndim("window_mean", "windows", windows, 3)
    expected = (rows.shape[0], windows.shape[1], rows.shape[1])
    check_shape("window_mean", "windows", windows, expected, "the rows expect")
    # A product with ones: NumPy is slower at summing many short rows.
    ones = xp.ones((windows.shape[2], 1), dtype=windows.dtype, device=device(windows))
    counts = xp.matmul(windows, ones)
    hidden = xp.matmul(windows, rows)
    if mean:
        hidden /= xp.maximum(counts, xp.ones_like(counts))
    return hidden, WindowMeanCache(windows, counts, mean)


@portable
def window_mean_backward(dhidden: Array, cache: WindowMeanCache, *, whole: bool = False, xp: Namespace = None) -> Array:
    """Gradient of `window_mean` for the rows (blocks, neighbours, m). dhidden (blocks, length, m).

    With `whole` the result is not the gradient of a mean but the step in word2vec's code: every row of a window gets
    all of dhidden, not its share, so that a step moves the mean as far as it would move a single row.
    """
    windows, counts, mean = cache
    if mean and not whole:
        dhidden = dhidden / xp.maximum(counts, xp.ones_like(counts))
    return xp.matmul(xp.matrix_transpose(windows), dhidden)
