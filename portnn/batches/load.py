"""How often words occur in a step, and how large a step their vectors tolerate."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.batches.window_settings import WindowSettings

MAX_LOAD = 10.0
"""Largest product of the learning rate and a word's pairs in a step; runs at about twice that diverged."""

MAX_BATCH = {True: 512, False: 2048}
"""Positions in a step beyond which training gets no faster, for skip-gram and for CBOW."""

Counts = np.ndarray[Any, Any]


def steady_batch_size(counts: Counts, settings: WindowSettings, alpha: float, writers: int = 1) -> int:
    """Return the number of positions in a step that the most frequent word tolerates, at most `MAX_BATCH`.

    The gradients of all pairs in a step are summed. A word in very many pairs overshoots its optimum, then overshoots
    it the other way, and the run diverges. So the learning rate times the pairs of the most frequent word, a number
    known before training, stays below `MAX_LOAD`; and a step has no more positions than the vocabulary has words, since
    all words of a small vocabulary are frequent. Of several processes that write to the same tables without waiting,
    each does not see what the others are about to write, which is for no more positions than that.
    """
    window, sg = settings.window, settings.sg
    spoken = chance_to_keep(counts, settings.sample) * counts
    pairs = window + 1 if settings.shrink_windows else 2 * window
    against = np.asarray(counts, np.float64) ** settings.ns_exponent
    drawn = settings.negative * float(np.max(against) / np.sum(against))
    shown = float(np.max(spoken) / np.sum(spoken))
    load = pairs * (shown + drawn) if sg else max(pairs * shown, shown + drawn)
    tolerated = min(len(counts), int(MAX_LOAD / (alpha * load)))
    return max(1, min(MAX_BATCH[sg], tolerated // max(1, writers - 1)))


def chance_to_keep(counts: Counts, sample: float) -> Counts:
    """Return the probability with which subsampling keeps each word; 1 for all if `sample` is 0."""
    share = np.asarray(counts, np.float64) / max(float(np.sum(counts)), 1.0)
    if not sample:
        return np.ones_like(share)
    relative = sample / np.maximum(share, np.finfo(np.float64).tiny)
    return np.minimum(np.sqrt(relative) + relative, 1.0)
