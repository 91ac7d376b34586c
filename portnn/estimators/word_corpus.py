"""From what people have, text or sentences, to the ids and the vocabulary that word vectors are learned from."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from portnn.checkpoints import CheckpointError
from portnn.estimators.settings import number, switch
from portnn.text import (
    Phrases,
    SentencesLike,
    WordIds,
    WordVocabulary,
    as_sentences,
    count_words,
    encode_words,
)
from portnn.text.counting import check_min_count
from portnn.text.sentences import SENTENCE_LEVELS
from portnn.text.word_vocabulary import check_size
from portnn.training import Reading
from portnn.vectors import unpack_words


@dataclass(frozen=True)
class WordCorpus:
    """How a corpus becomes words; the fields are parameters of `portnn.Word2Vec`.

    Raises
    ------
    TypeError, ValueError
        If a number is none, or out of its range.
    """

    min_count: int = 5
    max_vocab_size: int | None = None
    phrases: int = 0
    phrase_threshold: float = 10.0
    level: str = "word"
    lines: bool = True
    lowercase: bool = True

    def __post_init__(self) -> None:
        for name in ("lines", "lowercase"):
            object.__setattr__(self, name, switch(name, getattr(self, name)))
        if self.level not in SENTENCE_LEVELS:
            raise ValueError(f"level is {self.level!r}; expected one of {', '.join(SENTENCE_LEVELS)}")
        phrases = number("phrases", self.phrases)
        if phrases < 0 or not isinstance(phrases, int):
            raise ValueError(f"phrases must be 0 or a positive number of passes, got {phrases}")
        object.__setattr__(self, "phrases", phrases)
        if not math.isfinite(number("phrase_threshold", self.phrase_threshold)):
            raise ValueError(f"phrase_threshold must be a finite number, got {self.phrase_threshold}")
        object.__setattr__(self, "min_count", check_min_count(self.min_count, "word"))
        if self.max_vocab_size is not None:
            object.__setattr__(self, "max_vocab_size", check_size("max_vocab_size", self.max_vocab_size))

    def read(
        self,
        sentences: SentencesLike,
        encoding: str,
        *,
        window: int,
        known: WordVocabulary | None,
        update: bool,
        progress: bool,
    ) -> tuple[WordVocabulary, WordIds]:
        """Vocabulary and ids of a corpus.

        Parameters
        ----------
        sentences : str, Path, sequence of Paths, or iterable of lists of str
        encoding : str
            Of files.
        window : int
        known : WordVocabulary, optional
            Of a model that is trained further. Without it the vocabulary is that of the corpus.
        update : bool
            Add the corpus's words to those known.
        progress : bool
            Show progress, and say how many phrases are found and words added, on stderr.

        Raises
        ------
        TypeError, ValueError
            If the sentences are not what they should be, there is nothing to learn from them, or they are all
            shorter than the window.
        """
        stream = as_sentences(
            sentences, level=self.level, lines=self.lines, lowercase=self.lowercase, encoding=encoding
        )
        passes = self.phrases + (known is None or update) + 1
        with Reading(stream.name, None if stream.size is None else passes * stream.size, quiet=not progress) as reading:
            for _ in range(self.phrases):
                found = Phrases(
                    stream, min_count=self.min_count, threshold=self.phrase_threshold, advance=reading.advance
                )
                stream = found.joined(stream)
                if progress:
                    reading.say(f"phrases: {len(found.phrases):,} of score above {self.phrase_threshold:g}")
            vocabulary = known
            if vocabulary is None:
                counted = count_words(stream, self.max_vocab_size, reading.advance)
                vocabulary = WordVocabulary.from_counts(counted, self.min_count, self.max_vocab_size)
            elif update:
                vocabulary = self._extended(
                    vocabulary, count_words(stream, self.max_vocab_size, reading.advance).counts
                )
            words = encode_words(stream, vocabulary, advance=reading.advance)
        if known is not None and update and progress:
            new = len(vocabulary) - len(known)
            print(f"vocabulary: {len(known):,} words known, {new:,} added from {words.name}", file=sys.stderr)
        if words.longest <= 1:
            raise ValueError(
                f"{words.name}: no sentence has two words of the vocabulary, so there is nothing to predict"
            )
        if window >= words.longest:
            raise ValueError(
                f"window is {window}, but the longest sentence has {words.longest} words of the vocabulary's "
                f"{len(vocabulary):,}; {words.longest - 1} is the largest that makes sense"
            )
        return vocabulary, words

    def _extended(self, known: WordVocabulary, counts: dict[str, int]) -> WordVocabulary:
        """Vocabulary with more words after those it has, the most frequent first, and the sums of their counts.

        No word that is known goes; new ones come as long as there is room.
        """
        more = [word for word, count in counts.items() if count >= self.min_count and word not in known.index]
        more.sort()
        more.sort(key=counts.__getitem__, reverse=True)
        if self.max_vocab_size is not None:
            more = more[: max(0, self.max_vocab_size - len(known))]
        before = known.counts + np.asarray([counts.get(word, 0) for word in known.words], np.int64)
        added = np.asarray([counts[word] for word in more], np.int64)
        return WordVocabulary((*known.words, *more), np.concatenate((before, added)), known.dropped)


def saved_vocabulary(arrays: dict[str, Any]) -> WordVocabulary:
    """Vocabulary out of a checkpoint's arrays.

    Raises
    ------
    CheckpointError
        If one of them is missing.
    """
    try:
        words = unpack_words(arrays["vocabulary.bytes"], arrays["vocabulary.lengths"])
        return WordVocabulary(tuple(words), arrays["vocabulary.counts"])
    except KeyError as error:
        raise CheckpointError(f"the checkpoint has no {error.args[0]}") from None
