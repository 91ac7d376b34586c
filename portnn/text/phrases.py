"""Pairs of words that occur together far more often than by chance, joined into one word: new_york."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from portnn.groups import ALONE, Group
from portnn.settings import brief, number
from portnn.text.counting import check_min_count, counts_of_all
from portnn.text.given_sentences import SentencesLike, as_sentences
from portnn.text.sentences import Advance, SentenceStream
from portnn.text.word_vocabulary import check_size


class Phrases:
    r"""Phrases of two words, found by the score of word2vec.

    The score of the pair a, b is (count(a b) - min_count) / (count(a) count(b)) times the number of distinct words
    and pairs. For longer phrases, find phrases again in the result of `joined`.

    Parameters
    ----------
    sentences : str, Path, sequence of Paths, or iterable of lists of str
        The corpus, in any form that `as_sentences` accepts; read once.
    min_count : int
        Subtracted from the count of each pair, so that rare pairs do not become phrases.
    threshold : float
        Pairs with a higher score are phrases.
    delimiter : str
        Put between the two words.
    max_vocab_size : int
        When memory holds more words and pairs than this, the rarest are dropped, as in `count_words`.
    advance : callable, optional
        Called with the progress of reading, as in `SentenceStream.read`.
    group : Group
        Processes that count together, each the sentences it is given.

    Attributes
    ----------
    phrases : dict of str to float
        Score of each phrase, highest first.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid or the corpus is empty.

    Examples
    --------
    >>> corpus = "new york is new\nnew york is far\nhow far is york\nnew york"
    >>> phrases = Phrases(corpus, min_count=1, threshold=1)
    >>> phrases.phrases
    {'new_york': 1.5}
    >>> list(phrases.joined("off to new york"))
    [['off', 'to', 'new_york']]
    """

    def __init__(
        self,
        sentences: SentencesLike,
        *,
        min_count: int = 5,
        threshold: float = 10.0,
        delimiter: str = "_",
        max_vocab_size: int = 40_000_000,
        advance: Advance | None = None,
        group: Group = ALONE,
    ) -> None:
        least = check_min_count(min_count, "word")
        most = check_size("max_vocab_size", max_vocab_size)
        if not isinstance(delimiter, str) or not delimiter:
            raise ValueError(f"delimiter is {brief(delimiter)}; expected a text of at least one character")
        threshold = number("threshold", threshold)
        if math.isnan(threshold):
            raise ValueError("threshold must be a number, got nan")
        stream = as_sentences(sentences)
        counts = counts_of_all(_counted(stream, delimiter, most, advance), group)
        if not counts:
            raise ValueError(f"{stream.name}: corpus is empty: it has no words")
        scores = _scores(counts, delimiter, least)
        best = sorted((-score, pair) for pair, score in scores if score > threshold)
        self._joined = {pair: delimiter.join(pair) for _, pair in best}
        self.phrases: dict[str, float] = {}
        for score, pair in best:
            self.phrases.setdefault(self._joined[pair], -score)

    def __repr__(self) -> str:
        return f"Phrases({len(self.phrases):,} phrases)"

    def joined(self, sentences: SentencesLike) -> SentenceStream:
        """Sentences whose phrases are joined, from left to right, each time they are read.

        Parameters
        ----------
        sentences : str, Path, sequence of Paths, or iterable of lists of str
            Any corpus.

        Returns
        -------
        SentenceStream
        """
        return JoinedSentences(as_sentences(sentences), self._joined)


class JoinedSentences(SentenceStream):
    """Sentences with some pairs of words joined into one; made by `Phrases.joined`."""

    def __init__(self, sentences: SentenceStream, joined: dict[tuple[str, str], str]) -> None:
        self._sentences = sentences
        self._joined = joined
        self.name = sentences.name
        self.size = sentences.size

    def read(self, advance: Advance | None = None) -> Iterator[Sequence[str]]:
        """Read the sentences from the beginning; `advance` is called as by the sentences themselves."""
        for sentence in self._sentences.read(advance):
            phrases = list(map(self._joined.get, pairwise(sentence)))
            yield _join(sentence, phrases) if any(phrases) else sentence

    def piece(self, rank: int, size: int) -> JoinedSentences:
        """The sentences of one of `size` processes, with the same pairs joined."""
        return JoinedSentences(self._sentences.piece(rank, size), self._joined)


def _join(sentence: Sequence[str], phrases: list[str | None]) -> list[str]:
    words: list[str] = []
    taken = False
    for word, phrase in zip(sentence, [*phrases, None], strict=True):
        if taken:
            taken = False
            continue
        taken = phrase is not None
        words.append(phrase or word)
    return words


def _counted(sentences: SentenceStream, delimiter: str, max_vocab_size: int, advance: Advance | None) -> Counter[str]:
    """Count words and joined pairs in one mapping."""
    counts: Counter[str] = Counter()
    least = 1
    for sentence in sentences.read(advance):
        counts.update(sentence)
        counts.update([a + delimiter + b for a, b in pairwise(sentence)])
        if len(counts) > max_vocab_size:
            counts = Counter({key: count for key, count in counts.items() if count >= least})
            least += 1
    return counts


def _scores(counts: Mapping[str, int], delimiter: str, min_count: int) -> Iterator[tuple[tuple[str, str], float]]:
    for key, count in counts.items():
        # A word may contain the delimiter, so a key can be the join of several pairs.
        place = key.find(delimiter)
        while place >= 0:
            a, b = key[:place], key[place + len(delimiter) :]
            if a in counts and b in counts:
                yield (a, b), (count - min_count) / (counts[a] * counts[b]) * len(counts)
            place = key.find(delimiter, place + 1)
