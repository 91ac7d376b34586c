"""Rows of a table nearest to some directions: scores block by block, on the library that holds the table.

Only the scores of one block and the best rows so far are in memory: a million vectors need no normalised copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from portnn.backends import Array, Backend, Namespace

Host = np.ndarray[Any, Any]

BLOCK = 1 << 20
"""A block has at most about so many scores, and so many entries of the table: they stay in the processor's cache."""

Combine = Callable[[Array], Array]
"""Cosines (terms, rows) of some rows with every term to scores (queries, rows)."""


def inverse_lengths(vectors: Array, *, xp: Namespace) -> Array:
    """What scales every row to unit length: one over its Euclidean norm.

    Parameters
    ----------
    vectors : array (n, d)

    Returns
    -------
    array (n,), dtype of `vectors`
        0 for a row of zeros, or too small for its norm, so that its cosine with anything is 0; NaN for a row that is
        not finite, or too large for its norm to be: it is near nothing.
    """
    count, width = vectors.shape
    step = max(1, BLOCK // width)
    pieces = []
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, count, step):
            norms = xp.linalg.vector_norm(vectors[start : min(start + step, count), :], axis=1)
            some = norms >= xp.finfo(norms.dtype).smallest_normal  # what is smaller has no inverse
            inverse = xp.where(some, 1 / xp.where(some, norms, xp.ones_like(norms)), xp.zeros_like(norms))
            pieces.append(xp.where(xp.isfinite(norms), inverse, xp.full_like(norms, xp.nan)))
    return xp.concat(pieces)


def nearest(
    vectors: Array,
    inverse: Array,
    terms: Host,
    where: Backend,
    *,
    topn: int,
    excluded: Sequence[Sequence[int]],
    restrict: int | None = None,
    combine: Combine | None = None,
) -> list[tuple[Host, Host]]:
    """Best rows for each query, best first; equal scores in the order of the rows.

    Parameters
    ----------
    vectors : array (n, d)
    inverse : array (n,)
        Of `inverse_lengths`.
    terms : numpy array (terms, d)
        Directions of unit length, whose cosines with every row are taken.
    where : Backend
        Of `vectors`.
    topn : int
        How many rows.
    excluded : sequence (queries,) of sequences of int
        Rows that are left out of the answer to each query.
    restrict : int, optional
        Only the first so many rows are looked at.
    combine : callable, optional
        Makes scores (queries, rows) of cosines (terms, rows); without it, each term is a query.

    Returns
    -------
    list (queries,) of (ids, scores)
        NumPy arrays (at most topn,). A row that is not finite is never among them.
    """
    xp = where.xp
    count = vectors.shape[0] if restrict is None else min(restrict, vectors.shape[0])
    step = max(1, BLOCK // max(vectors.shape[1], terms.shape[0]))
    directions = where.asarray(terms)
    lost = np.isnan(where.to_host(inverse))
    best: list[tuple[Host, Host]] = [(np.empty(0, np.int64), np.empty(0)) for _ in excluded]
    for start in range(0, count, step):
        stop = min(start + step, count)
        with np.errstate(over="ignore", invalid="ignore"):
            cosines = xp.matmul(directions, vectors[start:stop, :].T) * inverse[start:stop]
            scores = where.to_host(cosines if combine is None else combine(cosines))
        if not scores.flags.writeable:
            scores = scores.copy()
        scores[:, lost[start:stop]] = -np.inf
        for query, rows in enumerate(excluded):
            scores[query, [row - start for row in rows if start <= row < stop]] = -np.inf
        if topn == 1:
            _keep_first(best, scores, start)
        else:
            best = [_keep(*pair, row, start, topn) for pair, row in zip(best, scores, strict=True)]
    return best


def _keep_first(best: list[tuple[Host, Host]], scores: Host, start: int) -> None:
    """`_keep` for the single best row of many queries."""
    places = np.argmax(scores, axis=1)
    values = scores[np.arange(len(scores)), places]
    for query, (place, value) in enumerate(zip(places.tolist(), values.tolist(), strict=True)):
        before = best[query][1]
        if value > (before[0] if len(before) else -np.inf):
            best[query] = (np.array([start + place]), np.array([value]))


def _keep(ids: Host, values: Host, scores: Host, start: int, topn: int) -> tuple[Host, Host]:
    """Best rows of those kept so far and of a block."""
    if topn < scores.size:
        # Everything as good as the topn-th best: a partition alone would choose among equals as it likes.
        some = np.flatnonzero(scores >= np.partition(scores, -topn)[-topn])
    else:
        some = np.arange(scores.size)
    some = some[scores[some] > -np.inf]
    ids, values = np.concatenate((ids, some + start)), np.concatenate((values, scores[some]))
    order = np.lexsort((ids, -values))[:topn]
    return ids[order], values[order]
