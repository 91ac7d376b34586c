"""From text or sentences to the ids and the vocabulary that word vectors are learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from portnn.checkpoints import CheckpointError
from portnn.settings import FIXED, Flags, OneOf, Settings, finite, not_negative, positive
from portnn.text import (
    Phrases,
    SentencesLike,
    WordIds,
    WordVocabulary,
    as_sentences,
    count_words,
    encode_words,
)
from portnn.text.sentences import SENTENCE_LEVELS
from portnn.training import Reading, say
from portnn.vectors import unpack_words


@dataclass(frozen=True, kw_only=True)
class WordCorpus(Settings):
    """How a corpus becomes words; `portnn.Word2Vec` has the same settings."""

    min_count: Annotated[int, positive, FIXED, "Words that occur less often have no vector."] = 5
    max_vocab_size: Annotated[
        int | None,
        positive,
        FIXED,
        "Maximum number of words, while counting and in the vocabulary; the rarest are dropped.",
    ] = None
    phrases: Annotated[
        int,
        not_negative,
        FIXED,
        "Passes that join word pairs such as new_york before training.",
    ] = 0
    phrase_threshold: Annotated[float, finite, FIXED, "Score above which a pair is a phrase."] = 10.0
    level: Annotated[
        str, OneOf(SENTENCE_LEVELS), FIXED, 'What a word is: "space" splits at white space alone, "jieba" cuts Chinese.'
    ] = "word"
    lines: Annotated[
        bool, FIXED, Flags("--lines", "--running-text"), "A line is a sentence; otherwise the text runs on."
    ] = True
    lowercase: Annotated[
        bool, FIXED, Flags("--lowercase", "--keep-case"), "Make words lowercase; lists of words are taken as they are."
    ] = True

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
                phrases = Phrases(
                    stream, min_count=self.min_count, threshold=self.phrase_threshold, advance=reading.advance
                )
                stream = phrases.joined(stream)
                if progress:
                    reading.say(f"phrases: {len(phrases.phrases):,} with a score above {self.phrase_threshold:g}")
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
            say(f"vocabulary: {len(known):,} words known, {new:,} added from {words.name}")
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

        Known words are never dropped; new ones are added while there is room.
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
    """Vocabulary from a checkpoint's arrays.

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
