"""Beam search: the likeliest captions, followed several at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Host = np.ndarray[Any, Any]

CHUNK = 32
"""Entries of which the largest is looked at first."""


class Found(NamedTuple):
    """The best caption of each image.

    Attributes
    ----------
    ids : int64 array (images, max_length)
        What follows the end is the boundary.
    log_probability : float64 array (images,)
    ended : boolean array (images,)
        False where the caption was cut at `max_length`.
    """

    ids: Host
    log_probability: Host
    ended: Host


def beam_search(
    advance: Callable[[Host, Host | None], Host],
    count: int,
    *,
    beam: int,
    boundary: int,
    max_length: int,
    length_penalty: float,
) -> Found:
    """Follow the `beam` likeliest beginnings of each caption, word by word.

    A caption is whole when its end is among the `beam` likeliest continuations. The search for an image ends when it
    has `beam` whole captions, none of which is worse than the best beginning is now. Whole captions compete by
    log-probability / length ** length_penalty, with the end as one of their words.

    Parameters
    ----------
    advance : callable
        ``advance(ids, parents) -> log-probabilities (images * beam, ids)`` of the next ids, after the last ids
        (images * beam,), on the host. Beginnings are continued from their `parents`, rows of the step before (images *
        beam,), which is None in the first.
    count : int
        Images.
    beam, boundary, max_length : int
    length_penalty : float

    Returns
    -------
    Found
    """
    live = np.full((count, beam), -np.inf)
    live[:, 0] = 0.0
    sequences = np.full((count, beam, max_length), boundary, np.int64)
    whole, whole_ids = np.full((count, beam), -np.inf), sequences.copy()
    whole_sum, done = whole.copy(), np.zeros((count, 1), bool)
    last, parents = np.full(count * beam, boundary), None
    first = np.arange(count)[:, None] * beam
    for step in range(max_length + 1):
        log_p = advance(last, parents).reshape(count, beam, -1)
        ids = log_p.shape[2]
        sums = (live.astype(log_p.dtype)[:, :, None] + log_p).reshape(count, beam * ids)
        best = largest(sums, 2 * beam)
        of_best = np.take_along_axis(sums, best, axis=1)
        parent, word = best // ids, best % ids
        ends = word == boundary
        # Whole captions: of those there are and those that end now, the best.
        whole_now = ends & ~done & (np.arange(ends.shape[1]) < beam)
        divided = np.where(whole_now, of_best / (step + 1.0) ** length_penalty, -np.inf)
        candidates = np.concatenate((whole, divided), axis=1)
        kept = np.argsort(-candidates, axis=1, kind="stable")[:, :beam]
        before = np.take_along_axis(sequences, parent[:, :, None], axis=1)
        whole_ids = np.take_along_axis(np.concatenate((whole_ids, before), axis=1), kept[:, :, None], axis=1)
        whole_sum = np.take_along_axis(np.concatenate((whole_sum, of_best), axis=1), kept, axis=1)
        whole = np.take_along_axis(candidates, kept, axis=1)
        if step == max_length:
            break
        # Beginnings: the best that go on.
        going = np.argsort(ends, axis=1, kind="stable")[:, :beam]
        live = np.take_along_axis(np.where(ends, -np.inf, of_best), going, axis=1)
        sequences = np.take_along_axis(before, going[:, :, None], axis=1)
        sequences[:, :, step] = np.take_along_axis(word, going, axis=1)
        done |= (live[:, 0] / (step + 1.0) ** length_penalty <= whole[:, -1])[:, None]
        if done.all():
            break
        last = sequences[:, :, step].reshape(-1)
        parents = (first + np.take_along_axis(parent, going, axis=1)).reshape(-1)
    ended = np.isfinite(whole[:, 0])
    return Found(
        np.where(ended[:, None], whole_ids[:, 0], sequences[:, 0]), np.where(ended, whole_sum[:, 0], live[:, 0]), ended
    )


def largest(values: Host, most: int) -> Host:
    """Places (rows, most) of the largest entries of each row, the largest first.

    Only entries in chunks with the largest maxima can be among them. A chunk takes every so-manieth entry, so that the
    maxima of all chunks are those of whole runs of memory.
    """
    rows, n = values.shape
    most, chunks = min(most, n), n // CHUNK
    if chunks <= 2 * most:
        places = np.argpartition(-values, most - 1, axis=1)[:, :most] if most < n else np.tile(np.arange(n), (rows, 1))
    else:
        in_chunks = chunks * CHUNK
        tops = values[:, :in_chunks].reshape(rows, CHUNK, chunks).max(axis=1)
        some = np.argpartition(-tops, most - 1, axis=1)[:, :most]
        members = (some[:, :, None] + np.arange(CHUNK) * chunks).reshape(rows, -1)
        rest = np.tile(np.arange(in_chunks, n), (rows, 1))
        candidates = np.concatenate((members, rest), axis=1)
        chosen = np.take_along_axis(values, candidates, axis=1)
        places = np.take_along_axis(candidates, np.argpartition(-chosen, most - 1, axis=1)[:, :most], axis=1)
    places = np.sort(places, axis=1)  # of equal entries the first comes first
    order = np.argsort(-np.take_along_axis(values, places, axis=1), axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1)
