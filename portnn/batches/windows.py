"""Blocks of words with their windows: batches of a stream of word ids for word2vec."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import seed_of
from portnn.batches.alias import AliasTable
from portnn.batches.batch import Batch
from portnn.batches.load import chance_to_keep
from portnn.batches.part import WHOLE, Part
from portnn.batches.window_settings import WindowSettings
from portnn.models import WindowBatch
from portnn.settings import checked_number, positive

Ids = np.ndarray[Any, Any]
Weights = np.ndarray[Any, Any]

BATCHES = 64
"""Batches are made this many at a time, so that the thread that makes them seldom needs the GIL."""


class Slice(NamedTuple):
    """Batches made from one slice of the text, side by side, and the number of pairs of each.

    Weights are stored transposed, (batches, blocks, n, positions), which makes a step's products faster on NumPy.
    """

    ids: Ids
    weights: np.ndarray[Any, Any]
    pairs: list[float]


class WindowBatches:
    """Batches of blocks of a stream of word ids, with windows and negatives drawn for them.

    Draws depend on the seed, the epoch and the place in the text alone, so a run can continue from any position, and a
    thread can make the next batches during a step.

    Parameters
    ----------
    ids : unsigned integer array (n,), may be memory-mapped
        Word ids; the number of words in the vocabulary marks the end of a sentence.
    counts : array (vocabulary,)
        How often each word occurs, in these ids or in a similar text.
    words : int
        Number of ids that are words.
    settings : WindowSettings
    longest : int, optional
        Number of words in the longest sentence. A window that is drawn larger ends with its sentence all the same, but
        needs no room for more words.
    batch_size : int
        Approximate number of positions in a batch. Positive.
    parts : int
        Processes that train at once, each on slices of its own.
    largest_piece : int, optional
        Number of words in the largest piece, if the ids are one of as many pieces of a text as there are parts.
    seed : int or tuple of int
    release : callable, optional
        Called now and then to release pages of a memory-mapped file that have been read.

    Raises
    ------
    ValueError
        If the batch size is not positive.

    Notes
    -----
    A word with a share f of the text is kept with the probability ``sqrt(sample / f) + sample / f``, as in word2vec's
    code [1]_. A text is cut into slices of thousands of words, at whose ends windows stop as they do at the end of a
    sentence. The blocks of a slice are dealt out to its batches in turn; blocks without words have no pairs.

    References
    ----------
    .. [1] https://code.google.com/archive/p/word2vec/
    """

    unit = "word"
    speed = "words_per_second"

    def __init__(
        self,
        ids: Ids,
        counts: Ids,
        words: int,
        settings: WindowSettings,
        *,
        longest: int | None = None,
        batch_size: int = 512,
        parts: int = 1,
        largest_piece: int | None = None,
        seed: int | tuple[int, ...] | None = 0,
        release: Callable[[], object] | None = None,
    ) -> None:
        self.batch_size = batch_size = checked_number("batch_size", batch_size, int, positive)
        window, negative, sample = settings.window, settings.negative, settings.sample
        block_size, shared_negatives = settings.block
        self.ids, self.window, self.sg, self.negative = ids, window, settings.sg, negative
        self.reach = reach = window if longest is None else max(1, min(window, longest - 1))
        self.shrink_windows, self.release = settings.shrink_windows, release
        self.seed = tuple(map(seed_of, seed if isinstance(seed, tuple) else (seed,)))
        self.block_size = min(block_size, batch_size)
        self.drawn = shared_negatives if negative else 0
        self.alias = AliasTable(np.asarray(counts, np.float64) ** settings.ns_exponent) if negative else None
        self.words = words
        kept = chance_to_keep(counts, sample)
        expected = (largest_piece or words) * float(np.sum(kept * counts) / np.sum(counts))
        steps, self.parts = max(1, round(expected / batch_size)), parts
        self.sharing = 1 if largest_piece else parts  # processes that have these ids
        self.slices = math.ceil(steps / (BATCHES * self.sharing)) * self.sharing
        self.per_slice = math.ceil(steps / self.slices)
        self.keep = np.append(kept, 1.0).astype(np.float32) if sample else None  # ends of sentences stay
        self.mark = len(counts)
        self._number, self._slice = -1, Slice(np.empty(0), np.empty(0), [])
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="portnn-windows")
        self._next: tuple[int, Future[Slice]] | None = None
        # Column j of a block is j - reach - i words from position i; a word is not in its own window.
        apart = np.arange(self.block_size + 2 * reach)[:, None] - reach - np.arange(self.block_size)
        self._apart = np.where(apart == 0, reach + 1, apart).astype(np.min_scalar_type(-apart.max() - 1))

    @property
    def batches(self) -> int:
        """Number of batches in one pass over the text, of each part."""
        return self.slices // self.sharing * self.per_slice

    @property
    def tokens(self) -> float:
        """Words of the text that a batch of every part covers, those that subsampling drops included."""
        return self.words / self.batches

    def at(self, position: int, part: Part = WHOLE) -> Batch:
        """Make the batch of a position, on the host: a `WindowBatch`. Its terms are its positive pairs.

        A part is not cut from a batch: it has batches of its own, of as many positions, from slices of its own.
        """
        number, place = divmod(position, self.per_slice)
        first = number % (self.slices // self.sharing) == place == 0
        number = number * self.sharing + part.rank % self.sharing
        if number != self._number:
            self._slice, self._number = self._take(number), number
        data = WindowBatch(self._slice.ids[place], self._slice.weights[place].swapaxes(1, 2))
        return Batch(data, self._slice.pairs[place], first, parts=self.parts)

    def check_parts(self, count: int) -> None:
        """Raise ValueError unless the slices are dealt out among so many."""
        if not self.drawn:
            raise ValueError("a full softmax over the words (negative 0) trains in one process: workers must be 1")
        if count != self.parts:
            raise ValueError(f"the text is dealt out among {self.parts} processes, not {count}")

    def __getstate__(self) -> dict[str, Any]:
        # The thread and what it makes stay here.
        return {**vars(self), "_thread": None, "_next": None, "_number": -1, "_slice": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="portnn-windows")

    def close(self) -> None:
        """End the thread. The next call of `at` starts it again."""
        self._thread.shutdown(cancel_futures=True)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="portnn-windows")
        self._next = None

    def _take(self, number: int) -> Slice:
        """Return the batches of a slice, from the thread if it made them; then let it make the next slice."""
        made = self._next[1].result() if self._next is not None and self._next[0] == number else self._make(number)
        following = number + self.sharing
        self._next = following, self._thread.submit(self._make, following)
        return made

    def _make(self, number: int) -> Slice:
        epoch, cut = divmod(number, self.slices)
        rng = np.random.default_rng((*self.seed, epoch, cut))
        start, stop = (len(self.ids) * end // self.slices for end in (cut, cut + 1))
        words, left, right = self._windows(self.ids[start:stop], rng)
        if self.release is not None:
            self.release()
        size, window = self.block_size, self.reach
        blocks = self.per_slice * max(1, math.ceil(len(words) / (self.per_slice * size)))
        spare = blocks * size - len(words)
        words = np.pad(words.astype(np.int32), (window, window + spare))
        # Small integers: comparing them takes most of the time here.
        left, right = (
            np.pad(side, (0, spare)).astype(self._apart.dtype).reshape(blocks, 1, size) for side in (left, right)
        )
        around = size + 2 * window
        near = np.lib.stride_tricks.sliding_window_view(words, around)[::size]
        # Blocks are dealt out in turn, so that a burst of one word is spread over the batches.
        turn = np.arange(blocks).reshape(-1, self.per_slice).T.reshape(-1)
        near, left, right = near[turn], left[turn], right[turn]
        weights = np.empty((blocks, around + self.drawn, size), np.float32)
        windows, negatives = weights[:, :around], weights[:, around:]
        np.copyto(windows, (self._apart >= -left) & (self._apart <= right))
        positives = left.astype(np.float32) + right
        if not self.sg:
            positives = np.minimum(positives, np.float32(1.0))
        ids = np.empty((blocks, around + self.drawn), np.int64)
        ids[:, :around] = near
        if self.alias is not None:
            drawn = self.alias.draw(rng, (blocks, self.drawn)).astype(np.int32)
            ids[:, around:] = drawn
            self._weigh(negatives, drawn, near if self.sg else near[:, window : window + size], windows, positives)
        dealt = (self.per_slice, blocks // self.per_slice)
        pairs = positives.reshape(self.per_slice, -1).sum(axis=1, dtype=np.float64).tolist()
        return Slice(ids.reshape(*dealt, -1), weights.reshape(*dealt, -1, size), pairs)

    def _weigh(self, negatives: Weights, drawn: Ids, positive: Ids, windows: Weights, positives: Weights) -> None:
        """Write the weights of negatives: by how many positives a position has, without those that they equal."""
        weight = np.float32(self.negative / self.drawn)
        np.multiply(positives, weight, out=negatives)
        # Few negatives equal a positive, so that only these are corrected.
        equal: Any = drawn[:, :, None] == positive[:, None, :]
        block, draw, place = np.unravel_index(np.flatnonzero(equal), equal.shape)
        if not self.sg:  # every position has one positive
            negatives[block, draw, place] = 0.0
            return
        first = np.flatnonzero(np.diff(block * self.drawn + draw, prepend=-1))
        clashes = np.add.reduceat(windows[block, place], first, axis=0)
        block, draw = block[first], draw[first]
        negatives[block, draw] = (positives[block, 0] - clashes) * weight

    def _windows(self, ids: Ids, rng: np.random.Generator) -> tuple[Ids, Ids, Ids]:
        """Return the words that stay, and how many of those before and after each are in its window."""
        if self.keep is not None:
            ids = ids[rng.random(len(ids), dtype=np.float32) < self.keep.take(ids)]
        marks = ids == self.mark
        words = ids[~marks]
        sentence = np.cumsum(marks)[~marks]
        place = np.arange(len(words))
        begins = np.flatnonzero(np.diff(sentence, prepend=-1))
        lengths = np.diff(begins, append=len(words))
        first = np.repeat(begins, lengths)
        last = first + np.repeat(lengths, lengths) - 1
        reach: Any = rng.integers(1, self.window + 1, len(words)) if self.shrink_windows else self.window
        return words, np.minimum(reach, place - first), np.minimum(reach, last - place)
