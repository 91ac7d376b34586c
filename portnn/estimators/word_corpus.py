"""From text or sentences to the ids and the vocabulary that word vectors are learned from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from portnn.batches import WindowSettings, chance_to_keep
from portnn.checkpoints import CheckpointError
from portnn.groups import ALONE, Group
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
        word_rules: str,
        known: WordVocabulary | None,
        update: bool,
        progress: bool,
        group: Group = ALONE,
        dealt: bool = False,
    ) -> tuple[WordVocabulary, WordIds]:
        """Vocabulary and ids of a corpus.

        Parameters
        ----------
        sentences : str, Path, sequence of Paths, or iterable of lists of str
        encoding : str
            Of files.
        window : int
        word_rules : str
            Rules by which a text is cut into words.
        known : WordVocabulary, optional
            Of a model that is trained further. Without it the vocabulary is that of the corpus.
        update : bool
            Add the corpus's words to those known.
        progress : bool
            Show progress, and say on stderr how many phrases are found and words added, and whether the window
            reaches further than every sentence.
        group : Group
            Processes among which the corpus is divided: each reads and encodes a piece of it.
        dealt : bool
            The sentences are this process's own, and others have others.

        Raises
        ------
        TypeError, ValueError
            If the sentences are not what they should be, or there is nothing to learn from them.
        """
        stream = as_sentences(
            sentences,
            level=self.level,
            lines=self.lines,
            lowercase=self.lowercase,
            encoding=encoding,
            word_rules=word_rules,
        )
        if group.size > 1 and not dealt:
            stream = stream.piece(group.rank, group.size)
        passes = self.phrases + (known is None or update) + 1
        with Reading(stream.name, None if stream.size is None else passes * stream.size, quiet=not progress) as reading:
            for _ in range(self.phrases):
                phrases = Phrases(
                    stream,
                    min_count=self.min_count,
                    threshold=self.phrase_threshold,
                    advance=reading.advance,
                    group=group,
                )
                stream = phrases.joined(stream)
                if progress:
                    reading.say(f"phrases: {len(phrases.phrases):,} with a score above {self.phrase_threshold:g}")
            vocabulary = known
            if vocabulary is None:
                counted = count_words(stream, self.max_vocab_size, reading.advance, group)
                vocabulary = WordVocabulary.from_counts(counted, self.min_count, self.max_vocab_size)
            elif update:
                vocabulary = self._extended(
                    vocabulary, count_words(stream, self.max_vocab_size, reading.advance, group).counts
                )
            words = encode_words(stream, vocabulary, advance=reading.advance, group=group)
        if known is not None and update and progress:
            new = len(vocabulary) - len(known)
            say(f"vocabulary: {len(known):,} words known, {new:,} added from {words.name}")
        if words.longest <= 1:
            raise ValueError(
                f"{words.name}: no sentence has two words of the vocabulary, so there is nothing to predict"
            )
        if window >= words.longest and progress:
            say(
                f"window: {window}, but the longest sentence has {words.longest} words of the vocabulary, so "
                "every window ends with its sentence",
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


def check_counts(vocabulary: WordVocabulary, words: WordIds, settings: WindowSettings) -> None:
    """Refuse settings that leave nothing to draw from, or nothing to learn, in the text at hand.

    Raises
    ------
    ValueError
        If the counts to the power of `ns_exponent` are not finite, or `sample` leaves no pair.
    """
    exponent, sample = settings.ns_exponent, settings.sample
    with np.errstate(over="ignore"):
        powers = float(np.sum(np.asarray(vocabulary.counts, np.float64) ** exponent))
    if not 0.0 < powers < math.inf:
        raise ValueError(
            f"ns_exponent is {exponent:g}, and counts of up to {np.max(vocabulary.counts):,} to that power are not "
            "finite; usual is 0.75"
        )
    kept = float(np.average(chance_to_keep(vocabulary.counts, sample), weights=vocabulary.counts))
    # A kept word has at most one pair with each other kept word of its sentence.
    if sample and kept * kept * words.words * (words.longest - 1) < 1.0:
        raise ValueError(
            f"sample is {sample:g}, which leaves {kept * words.words:.2g} of {words.words:,} words, too few for a "
            "single pair in an epoch; give a larger sample, or 0 to keep every word"
        )
