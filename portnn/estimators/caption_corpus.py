"""From captions to the ids that a captioner learns to say, and the rows that they are about."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from portnn.estimators.captioner_settings import CaptionerSettings
from portnn.estimators.given_captions import CaptionSource, GivenCaptions
from portnn.text import EncodedTexts, WordVocabulary, encode_texts, text_tokens
from portnn.text.array_store import ArrayStore
from portnn.text.corpus import MEMORY_LIMIT

Host = np.ndarray[Any, Any]

PIECE = 1 << 16
"""Row numbers that are stored at a time."""

NAMED = 5
"""Rows that a message names."""


class CaptionCorpus(NamedTuple):
    """Encoded captions.

    Attributes
    ----------
    texts : EncodedTexts
    rows : int64 array (captions,), may be memory-mapped
        Row of the features that each is about.
    name : str
    """

    texts: EncodedTexts
    rows: Host
    name: str

    def digest(self) -> Any:
        """SHA-256 of captions and rows, to which more can be added."""
        digest = hashlib.sha256(self.texts.sha256.encode())
        digest.update(np.ascontiguousarray(self.rows).data)
        return digest


class CaptionReader:
    """Reads captions in the way that a model's settings say.

    Parameters
    ----------
    settings : CaptionerSettings
    word_rules : str
        Rules by which a caption is cut into words.
    """

    def __init__(self, settings: CaptionerSettings, word_rules: str) -> None:
        self.settings = settings
        self.tokens = text_tokens(settings.level, lowercase=settings.lowercase, rules=word_rules)
        self.joint = "" if settings.level in ("char", "byte", "jieba") else " "

    def text(self, words: Iterable[str]) -> str:
        """Text that words make."""
        joined = self.joint.join(words)
        return joined.encode("latin-1").decode("utf-8", "replace") if self.settings.level == "byte" else joined

    def learn(self, source: CaptionSource, advance: Callable[[int], object] | None = None) -> WordVocabulary:
        """Words that occur.

        Raises
        ------
        ValueError
            If a caption has no words, or too few words are left.
        """
        counts = Counter[str]()
        for _, words in self._read(source, advance):
            counts.update(words)
        return WordVocabulary.from_counts(counts, self.settings.min_count, self.settings.max_vocab_size)

    def encode(
        self,
        source: CaptionSource,
        vocabulary: WordVocabulary,
        count: int,
        *,
        partial: bool,
        about: str,
        advance: Callable[[int], object] | None = None,
    ) -> CaptionCorpus:
        """Ids and rows; those that do not fit into memory are in files.

        Parameters
        ----------
        source : GivenCaptions or CaptionFile
        vocabulary : WordVocabulary
        count : int
            Rows of the features.
        partial : bool
            Whether there may be rows without a caption.
        about : str
            Name of the features in messages.
        advance : callable, optional
            Called with the progress of reading.

        Raises
        ------
        ValueError
            If a caption is about no row, or a row has no caption.
        """
        if isinstance(source, GivenCaptions) and source.rows != count:
            raise ValueError(f"there are captions for {source.rows} images, but {about} {count} rows")
        store, pending = ArrayStore(np.dtype(np.int64), MEMORY_LIMIT, None), []
        described, line = np.zeros(count, bool), 0

        def texts() -> Iterator[str]:
            nonlocal line
            for line, row, caption in source.read(advance):
                if row >= count:
                    raise ValueError(f"{source.place(line)} names row {row}, but {about} {count} rows, from 0")
                described[row] = True
                pending.append(row)
                if len(pending) == PIECE:
                    keep()
                yield caption

        def keep() -> None:
            store.append(np.asarray(pending, np.int64))
            pending.clear()

        def tokens(caption: str) -> list[str]:
            return self._words(caption, source, line)

        encoded = encode_texts(texts(), tokens, vocabulary)
        keep()
        if not described.any():
            raise ValueError(f"{source.name}: there are no captions")
        if not partial and not described.all():
            missing = np.flatnonzero(~described)
            named = ", ".join(map(str, missing[:NAMED])) + (" ..." if len(missing) > NAMED else "")
            raise ValueError(
                f"{source.name}: {len(missing)} of {count} images have no caption, such as rows {named}; "
                "`partial` leaves them out"
            )
        return CaptionCorpus(encoded, np.asarray(store.whole()), source.name)

    def _read(self, source: CaptionSource, advance: Callable[[int], object] | None) -> Iterator[tuple[int, list[str]]]:
        for line, row, caption in source.read(advance):
            yield row, self._words(caption, source, line)

    def _words(self, caption: str, source: CaptionSource, line: int) -> list[str]:
        words = self.tokens(caption)
        if not words:
            raise ValueError(f"{source.place(line)} has no words")
        return words

    def references(self, source: CaptionSource, count: int) -> list[list[list[str]]]:
        """Words of all captions of each row."""
        found: list[list[list[str]]] = [[] for _ in range(count)]
        for row, words in self._read(source, None):
            found[row].append(words)
        return found
