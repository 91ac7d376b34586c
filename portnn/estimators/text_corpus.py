"""From texts and labels to the ids and targets that a classifier learns from."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from portnn.estimators.given_texts import GivenTexts, Source
from portnn.estimators.text_classifier_settings import TextClassifierSettings
from portnn.estimators.text_labels import TextLabels
from portnn.settings import brief
from portnn.tables.labels import listed
from portnn.text import EncodedTexts, WordVocabulary, encode_texts, text_tokens
from portnn.text.array_store import ArrayStore
from portnn.text.corpus import MEMORY_LIMIT
from portnn.text.token_levels import BYTES
from portnn.training import Reading, say

Host = np.ndarray[Any, Any]


class TextCorpus(NamedTuple):
    """Encoded texts and their targets.

    Attributes
    ----------
    texts : EncodedTexts
    targets : array (texts,) of class ids, or (texts, labels)
    name : str
    """

    texts: EncodedTexts
    targets: Host
    name: str

    def digest(self, weights: Host | None) -> str:
        """SHA-256 of texts, targets, and how much each of them counts."""
        digest = hashlib.sha256(self.texts.sha256.encode())
        for array in (self.targets, weights):
            if array is not None:
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


class Learned(NamedTuple):
    """What a first pass over the texts finds out."""

    vocabulary: WordVocabulary
    labels: TextLabels


class TextReader:
    """Reads texts in the way that a model's settings say.

    Parameters
    ----------
    settings : TextClassifierSettings
    word_rules : str
        Rules by which a text is cut into words.
    """

    def __init__(self, settings: TextClassifierSettings, word_rules: str) -> None:
        self.settings = settings
        self.tokens = text_tokens(settings.level, lowercase=settings.lowercase, rules=word_rules)

    def learn(
        self, source: Source, labels: Any, known: Callable[[str], bool], advance: Callable[[int], object] | None
    ) -> Learned:
        """Words and labels that occur.

        Parameters
        ----------
        source : GivenTexts or LabelledTexts
        labels
            Those of texts in memory.
        known : callable
            Whether there is a vector for a word, so that it stays, however rare it is.
        advance : callable, optional
            Called with the progress of reading.

        Raises
        ------
        TypeError, ValueError
            If there is nothing to learn.
        """
        chosen, counts = self.settings, Counter[str]()
        written: Counter[str] = Counter()
        texts = 0
        for text, label in source.read(advance):
            counts.update(self.tokens(text))
            written.update((label,) if isinstance(label, str) else label or ())
            texts += 1
        if not texts:
            raise ValueError(f"{source.name} has no texts")
        if isinstance(source, GivenTexts):
            found = TextLabels.of(labels, several=chosen.multi_label)
        else:
            if len(written) == texts > 2 and not chosen.multi_label:
                raise ValueError(
                    f"{source.name}: each of the {texts:,} texts has a label of its own, such as "
                    f"{brief(next(iter(written)))}; is it the right column? --label names another"
                )
            if len(written) == 1 and not chosen.multi_label:
                only = brief(next(iter(written)))
                raise ValueError(f"{source.name}: every text has the label {only}; a classifier needs two or more")
            try:
                found = TextLabels.written(written, several=chosen.multi_label)
            except ValueError as error:
                raise ValueError(f"{source.name}: {error}") from None
        return Learned(self._vocabulary(source, counts, known), found)

    def _vocabulary(self, source: Source, counts: Counter[str], known: Callable[[str], bool]) -> WordVocabulary:
        chosen = self.settings
        if chosen.level == "byte":
            return WordVocabulary(BYTES, np.asarray([counts[byte] for byte in BYTES], np.int64))
        if not counts:
            raise ValueError(f"{source.name}: the texts have no words")
        kept = {word: count for word, count in counts.items() if count >= chosen.min_count or known(word)}
        if not kept:
            most = max(counts.values())
            raise ValueError(
                f"min_count {chosen.min_count} drops every word; the most frequent one occurs {most} times"
            )
        words = sorted(kept)
        words.sort(key=kept.__getitem__, reverse=True)
        words = words[: chosen.max_vocab_size]
        held = np.asarray([counts[word] for word in words], np.int64)
        return WordVocabulary(tuple(words), held, counts.total() - int(held.sum()))

    def encode(
        self, source: Source, labels: Any, learned: Learned, advance: Callable[[int], object] | None = None
    ) -> TextCorpus:
        """Ids and targets; those that do not fit into memory are in files.

        Raises
        ------
        TypeError, ValueError
            If a label is none of the model's, or there are not as many labels as texts.
        """
        if isinstance(source, GivenTexts):
            targets = learned.labels.encode(labels)
            targets = targets if learned.labels.several else targets.astype(np.uint32)
            if len(targets) != len(source.texts):
                raise ValueError(f"there are {len(targets)} labels for {len(source.texts)} texts")
            return TextCorpus(
                self.ids((text for text, _ in source.read(advance)), learned.vocabulary), targets, source.name
            )
        outputs = len(learned.labels.names)
        store = ArrayStore(np.dtype(np.float64) if learned.labels.several else np.dtype(np.uint32), MEMORY_LIMIT, None)
        pending: list[Any] = []

        def texts() -> Iterator[str]:
            for row, (text, label) in enumerate(source.read(advance)):
                pending.append(learned.labels.encode_written(label, lambda row=row: source.place(row)))
                if len(pending) == PIECE:
                    keep()
                yield text

        def keep() -> None:
            dtype = np.float64 if learned.labels.several else np.uint32
            store.append(np.asarray(pending, dtype).reshape(-1))
            pending.clear()

        encoded = self.ids(texts(), learned.vocabulary)
        keep()
        whole = store.whole()
        if not len(encoded):
            raise ValueError(f"{source.name} has no texts")
        return TextCorpus(encoded, whole.reshape(-1, outputs) if learned.labels.several else whole, source.name)

    def read(self, text: str) -> list[str]:
        """Tokens that a model reads of a text."""
        return self.tokens(text)[: self.settings.max_length]

    def ids(self, texts: Iterator[str], vocabulary: WordVocabulary) -> EncodedTexts:
        """Ids of texts."""
        return encode_texts(texts, self.tokens, vocabulary, max_length=self.settings.max_length)


PIECE = 1 << 16
"""Targets that are stored at a time."""


def reading(source: Source, passes: int, *, quiet: bool) -> Reading:
    """Bar over several passes over the texts."""
    return Reading(source.name, None if source.size is None else passes * source.size, quiet=quiet)


def report(corpus: TextCorpus, learned: Learned) -> None:
    """Say what the texts are like, and what of them is not read as it stands."""
    texts, words = corpus.texts, len(corpus.texts.ids)
    told = [
        f"{len(texts):,} texts of {words / len(texts):.1f} words on average, {len(learned.vocabulary):,} of them "
        "distinct"
    ]
    if texts.cut:
        told.append(f"{texts.cut:,} are cut to max_length")
    if texts.empty:
        told.append(f"{texts.empty:,} have no words and are read as one unknown word")
    if texts.unknown:
        told.append(f"{texts.unknown:,} words are unknown")
    say(f"{corpus.name}: {'; '.join(told)}")
    several, ids = learned.labels.several, corpus.targets.astype(np.int64)
    counts = ids.sum(axis=0) if several else np.bincount(ids, minlength=len(learned.labels.names))
    once = [name for name, count in zip(learned.labels.names, counts.tolist(), strict=True) if count == 1]
    if once:
        say(f"note: labels that occur only once: {listed(once)}")
