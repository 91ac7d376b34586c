"""How often words are drawn, and how large a step their vectors tolerate."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.batches.window_settings import WindowSettings

MAX_LOAD = 10.0
"""Learning rate times pairs of one word in a step; runs with about twice as much diverged."""

MAX_BATCH = {True: 512, False: 2048}
"""Positions of a step beyond which training becomes no faster, for skip-gram and for CBOW."""

Counts = np.ndarray[Any, Any]


def steady_batch_size(counts: Counts, settings: WindowSettings, alpha: float) -> int:
    """Number of positions in a step that the most frequent word tolerates, up to what is useful.

    All pairs of a step move the same vectors. A word that takes part in very many of them at once is thrown far past
    where it belongs, and back in the next step: the run diverges. So the learning rate times the pairs of the most
    frequent word, which is known beforehand, stays below `MAX_LOAD`, and a step has no more positions than there are
    words: in a small vocabulary every word is frequent.
    """
    window, sg = settings.window, settings.sg
    spoken = chance_to_keep(counts, settings.sample) * counts
    pairs = window + 1 if settings.shrink_windows else 2 * window
    against = np.asarray(counts, np.float64) ** settings.ns_exponent
    drawn = settings.negative * float(np.max(against) / np.sum(against))
    shown = float(np.max(spoken) / np.sum(spoken))
    load = pairs * (shown + drawn) if sg else max(pairs * shown, shown + drawn)
    return max(1, min(MAX_BATCH[sg], len(counts), int(MAX_LOAD / (alpha * load))))


def chance_to_keep(counts: Counts, sample: float) -> Counts:
    """Probability with which subsampling keeps each word; 1 for all where `sample` is 0."""
    share = np.asarray(counts, np.float64) / max(float(np.sum(counts)), 1.0)
    if not sample:
        return np.ones_like(share)
    relative = sample / np.maximum(share, np.finfo(np.float64).tiny)
    return np.minimum(np.sqrt(relative) + relative, 1.0)
