"""Words of a corpus that are frequent enough to have a vector, and their counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portnn.groups import ALONE, Group
from portnn.settings import brief, brief_fields
from portnn.text.counting import check_min_count, counts_of_all
from portnn.text.given_sentences import SentencesLike, as_sentences
from portnn.text.sentences import Advance

_BATCH = 1 << 14


@dataclass(frozen=True)
class WordCounts:
    """How often each word of a corpus occurs.

    Parameters
    ----------
    counts : dict of str to int
        In no particular order.
    words : int
        Total number of words, including those whose counts were dropped to save memory.
    sentences : int
        Total number of sentences.
    """

    counts: dict[str, int]
    words: int
    sentences: int

    def __repr__(self) -> str:
        return brief_fields(self)


def count_words(
    sentences: SentencesLike,
    max_vocab_size: int | None = None,
    advance: Advance | None = None,
    group: Group = ALONE,
) -> WordCounts:
    r"""Count the words of a corpus in one pass; only the counts are kept in memory.

    Parameters
    ----------
    sentences : str, Path, sequence of Paths, or iterable of lists of str
        In any form that `as_sentences` accepts.
    max_vocab_size : int, optional
        Whenever memory holds more distinct words than this after a sentence, the rarest are dropped: those with a
        count below 1 the first time, below 2 the second time, and so on. Their counts start again at 0.
    advance : callable, optional
        Called with the progress of reading, as in `SentenceStream.read`.
    group : Group
        Processes that count together, each the sentences it is given; the limit is that of each.

    Returns
    -------
    WordCounts
        Of all processes.

    Raises
    ------
    TypeError, ValueError
        If `sentences` cannot be read or `max_vocab_size` is not a whole number of 1 or more.

    Examples
    --------
    >>> count_words("a film\na gem").counts
    {'a': 2, 'film': 1, 'gem': 1}
    """
    most = None if max_vocab_size is None else check_size("max_vocab_size", max_vocab_size)
    counts: Counter[str] = Counter()
    words = sentence_count = 0
    held: list[str] = []
    least = 1
    for sentence in as_sentences(sentences).read(advance):
        sentence_count += 1
        held += sentence
        # The limit is checked after each sentence, so that the dropped words do not depend on the batch.
        if most is not None or len(held) > _BATCH:
            words += len(held)
            counts.update(held)
            held.clear()
            if most is not None and len(counts) > most:
                counts = Counter({word: count for word, count in counts.items() if count >= least})
                least += 1
    counts.update(held)
    totals = np.sum(group.gather((words + len(held), sentence_count)), axis=0).tolist()
    return WordCounts(dict(counts_of_all(counts, group)), *totals)


@dataclass(frozen=True, eq=False)
class WordVocabulary:
    """Words in the order of their ids: most frequent first, ties in the order of code points.

    Parameters
    ----------
    words : tuple of str
        Distinct; the id of each is its index.
    counts : ndarray of int64, shape (n_words,)
        How often each word occurs in the corpus.
    dropped : int
        Number of occurrences of all other words in the corpus.

    Raises
    ------
    ValueError
        If these do not form a vocabulary.

    Examples
    --------
    >>> vocabulary = WordVocabulary.from_counts(count_words("a film a gem a film"), min_count=2)
    >>> vocabulary.words, vocabulary.counts.tolist(), vocabulary.dropped
    (('a', 'film'), [3, 2], 1)
    >>> vocabulary.index["film"]
    1
    """

    words: tuple[str, ...]
    counts: NDArray[np.int64]
    dropped: int = 0

    def __repr__(self) -> str:
        return brief_fields(self)

    def __post_init__(self) -> None:
        if self.counts.shape != (len(self.words),):
            raise ValueError(f"vocabulary: counts have shape {self.counts.shape}; expected ({len(self.words)},)")
        if len(self.index) < len(self.words):
            (repeated, _), *_ = Counter(self.words).most_common(1)
            raise ValueError(f"vocabulary: word {brief(repeated)} occurs more than once")

    @classmethod
    def from_counts(
        cls, counts: WordCounts | Mapping[str, int], min_count: int = 5, max_vocab_size: int | None = None
    ) -> WordVocabulary:
        """Vocabulary of the words that occur often enough.

        Parameters
        ----------
        counts : WordCounts or mapping of str to int
            How often each word occurs.
        min_count : int
            Words that occur less often are dropped.
        max_vocab_size : int, optional
            Keep only this many of the most frequent words.

        Raises
        ------
        TypeError, ValueError
            If an argument is not a whole number of 1 or more, `counts` is empty, or fewer than two words are left.
        """
        known: Mapping[str, int] = counts.counts if isinstance(counts, WordCounts) else counts
        total = counts.words if isinstance(counts, WordCounts) else sum(known.values())
        least = check_min_count(min_count, "word")
        most = None if max_vocab_size is None else check_size("max_vocab_size", max_vocab_size)
        if not known:
            raise ValueError("corpus is empty: it has no words")
        kept = [word for word, count in known.items() if count >= least]
        if not kept:
            raise ValueError(_all_dropped(known, least))
        kept.sort()
        kept.sort(key=known.__getitem__, reverse=True)
        kept = kept[:most]
        if len(kept) == 1:
            rest = "" if len(known) == 1 else f" is left of {len(known):,}"
            raise ValueError(f"one distinct word ({brief(kept[0])}){rest}; there is nothing to learn")
        held = np.fromiter(map(known.__getitem__, kept), np.int64, len(kept))
        return cls(tuple(kept), held, total - int(held.sum()))

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def index(self) -> dict[str, int]:
        """Id of each word."""
        return {word: index for index, word in enumerate(self.words)}

    @property
    def id_dtype(self) -> np.dtype[Any]:
        """Smallest unsigned dtype that holds every id and the end mark of a sentence, which is one above them."""
        return np.min_scalar_type(len(self.words))


def check_size(name: str, value: int) -> int:
    """`value` as an int of at least 1."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} is {brief(value)}; expected a whole number, 1 or more")
    if value < 1:
        raise ValueError(f"{name} is {value}; expected 1 or more")
    return int(value)


def _all_dropped(counts: Mapping[str, int], min_count: int) -> str:
    most = max(counts.values())
    kept = sum(count == most for count in counts.values())
    return (
        f"min_count {min_count} drops all {len(counts):,} words; the highest min_count that keeps any is {most}, with "
        f"{kept:,} word{'s' * (kept > 1)}"
    )
