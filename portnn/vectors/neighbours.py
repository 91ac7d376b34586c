"""Rows of a table nearest to given directions, scored block by block on the library of the table.

Only one block of scores and the best rows so far are in memory: a million vectors need no normalised copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from portnn.backends import Array, Backend, Namespace

Host = np.ndarray[Any, Any]

BLOCK = 1 << 20
"""Limit on the scores, and on the table entries, of a block, so that it stays in the processor's cache."""

Combine = Callable[[Array], Array]
"""Map from cosines (directions, rows) to scores (queries, rows)."""


def inverse_lengths(vectors: Array, *, xp: Namespace) -> Array:
    """Factor that scales each row to unit length: the inverse of its Euclidean norm.

    Parameters
    ----------
    vectors : array (n, d)

    Returns
    -------
    array (n,), dtype of `vectors`
        0 if the norm is zero or subnormal, so that every cosine of the row is 0; NaN if the norm is not finite, which
        excludes the row from all neighbours.
    """
    count, width = vectors.shape
    step = max(1, BLOCK // width)
    pieces = []
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, count, step):
            norms = xp.linalg.vector_norm(vectors[start : min(start + step, count), :], axis=1)
            normal = norms >= xp.finfo(norms.dtype).smallest_normal  # the inverse of smaller norms overflows
            inverse = xp.where(normal, 1 / xp.where(normal, norms, xp.ones_like(norms)), xp.zeros_like(norms))
            pieces.append(xp.where(xp.isfinite(norms), inverse, xp.full_like(norms, xp.nan)))
    return xp.concat(pieces)


def nearest(
    vectors: Array,
    inverse: Array,
    directions: Host,
    backend: Backend,
    *,
    topn: int,
    excluded: Sequence[Sequence[int]],
    restrict: int | None = None,
    combine: Combine | None = None,
) -> list[tuple[Host, Host]]:
    """Best rows for each query, in descending order of score; ties in the order of the rows.

    Parameters
    ----------
    vectors : array (n, d)
    inverse : array (n,)
        Result of `inverse_lengths`.
    directions : numpy array (directions, d)
        Vectors of unit length, compared with every row.
    backend : Backend
        Backend of `vectors`.
    topn : int
        Number of rows to return per query.
    excluded : sequence (queries,) of sequences of int
        Rows left out of the result of each query.
    restrict : int, optional
        Search only this many rows from the start.
    combine : callable, optional
        Map from cosines (directions, rows) to scores (queries, rows); without it, each direction is a query.

    Returns
    -------
    list (queries,) of (ids, scores)
        NumPy arrays (at most topn,). Rows that are not finite never appear.
    """
    best: list[tuple[Host, Host]] = [(np.empty(0, np.int64), np.empty(0)) for _ in excluded]
    not_finite, start = np.isnan(backend.to_host(inverse)), 0
    for scores in score_blocks(vectors, inverse, directions, backend, restrict=restrict, combine=combine):
        stop = start + scores.shape[1]
        if not scores.flags.writeable:
            scores = scores.copy()
        scores[:, not_finite[start:stop]] = -np.inf
        for query, rows in enumerate(excluded):
            scores[query, [row - start for row in rows if start <= row < stop]] = -np.inf
        if topn == 1:
            _keep_first(best, scores, start)
        else:
            best = [_keep(*pair, row, start, topn) for pair, row in zip(best, scores, strict=True)]
        start = stop
    return best


def score_blocks(
    vectors: Array,
    inverse: Array,
    directions: Host,
    backend: Backend,
    *,
    restrict: int | None = None,
    combine: Combine | None = None,
) -> Iterator[Host]:
    """Scores of all rows, block by block; parameters are those of `nearest`.

    Yields
    ------
    numpy array (queries, rows)
        Scores of the next rows; NaN for those that are not finite.
    """
    xp = backend.xp
    count = vectors.shape[0] if restrict is None else min(restrict, vectors.shape[0])
    step = max(1, BLOCK // max(vectors.shape[1], directions.shape[0]))
    queries = backend.asarray(directions)
    for start in range(0, count, step):
        stop = min(start + step, count)
        with np.errstate(over="ignore", invalid="ignore"):
            cosines = xp.matmul(queries, vectors[start:stop, :].T) * inverse[start:stop]
            yield backend.to_host(cosines if combine is None else combine(cosines))


def _keep_first(best: list[tuple[Host, Host]], scores: Host, start: int) -> None:
    """As `_keep`, for the single best row of many queries."""
    places = np.argmax(scores, axis=1)
    values = scores[np.arange(len(scores)), places]
    for query, (place, value) in enumerate(zip(places.tolist(), values.tolist(), strict=True)):
        best_so_far = best[query][1]
        if value > (best_so_far[0] if len(best_so_far) else -np.inf):
            best[query] = (np.array([start + place]), np.array([value]))


def _keep(ids: Host, values: Host, scores: Host, start: int, topn: int) -> tuple[Host, Host]:
    """Best of the rows kept so far and the rows of a block."""
    if topn < scores.size:
        # Every score no worse than the topn-th best: a partition alone would pick arbitrarily among ties.
        candidates = np.flatnonzero(scores >= np.partition(scores, -topn)[-topn])
    else:
        candidates = np.arange(scores.size)
    candidates = candidates[scores[candidates] > -np.inf]
    ids, values = np.concatenate((ids, candidates + start)), np.concatenate((values, scores[candidates]))
    order = np.lexsort((ids, -values))[:topn]
    return ids[order], values[order]
