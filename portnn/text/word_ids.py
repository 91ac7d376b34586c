"""A corpus of sentences as ids, in memory or, if they are too many, in a file mapped into memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from portnn.groups import ALONE, Group
from portnn.settings import brief_fields
from portnn.text.array_store import ArrayStore
from portnn.text.cache import release_pages
from portnn.text.corpus import MEMORY_LIMIT
from portnn.text.given_sentences import SentencesLike, as_sentences
from portnn.text.lookup import Ids
from portnn.text.sentences import Advance
from portnn.text.word_vocabulary import WordVocabulary

_BATCH = 1 << 16


@dataclass(frozen=True, eq=False)
class WordIds:
    """Ids of the known words of a corpus, with an end mark after each sentence.

    Parameters
    ----------
    ids : ndarray or memmap of unsigned integers, shape (words + sentences,)
        In the smallest dtype that holds the end mark, whose id is the size of the vocabulary; read-only.
    words : int
        Number of words, without the end marks.
    sentences : int
        Number of sentences with a known word.
    longest : int
        Number of words in the longest sentence.
    sha256 : str or None
        Digest of the ids as little-endian bytes; None if these are a piece.
    name : str
        Name of the corpus.
    counts_sha256 : str or None
        Digest of how often each word occurs, the same however the corpus is divided.
    largest_piece : int or None
        Number of words in the largest piece, if `ids` are one of the pieces among which processes have divided the
        corpus; all else is of the whole.
    """

    ids: Ids
    words: int
    sentences: int
    longest: int
    sha256: str | None
    name: str
    counts_sha256: str | None = None
    largest_piece: int | None = None

    def __repr__(self) -> str:
        return brief_fields(self)

    def release(self) -> None:
        """Release the memory pages of a mapped file that have been read; the ids stay usable."""
        release_pages(self.ids)


def encode_words(
    sentences: SentencesLike,
    vocabulary: WordVocabulary,
    *,
    memory_limit: int = MEMORY_LIMIT,
    cache_dir: str | os.PathLike[str] | None = None,
    advance: Advance | None = None,
    group: Group = ALONE,
) -> WordIds:
    r"""Encode a corpus of any size; unknown words, and sentences that have no others, are left out.

    Parameters
    ----------
    sentences : str, Path, sequence of Paths, or iterable of lists of str
        In any form that `as_sentences` accepts.
    vocabulary : WordVocabulary
        The known words and their ids.
    memory_limit : int
        Maximum size in bytes of ids in memory. A larger array is written to an unnamed temporary file, which is mapped
        into memory and disappears with the ids.
    cache_dir : path, optional
        Folder of that file. Defaults to the environment variable PORTNN_CACHE, or to "portnn" in the user's cache
        folder.
    advance : callable, optional
        Called with the progress of reading, as in `SentenceStream.read`.
    group : Group
        Processes among which the corpus is divided: each encodes the sentences it is given.

    Returns
    -------
    WordIds

    Raises
    ------
    TypeError, ValueError
        If `sentences` cannot be read or contain no known word; in every process, if those of one contain none.
    OSError
        If the cache folder is not writable.

    Examples
    --------
    >>> from portnn.text import count_words
    >>> corpus = "a film\nb\na gem a film"
    >>> vocabulary = WordVocabulary.from_counts(count_words(corpus), min_count=2)
    >>> encode_words(corpus, vocabulary).ids
    array([0, 1, 2, 0, 0, 1, 2], dtype=uint8)
    """
    stream = as_sentences(sentences)
    mark = len(vocabulary)
    digest = hashlib.sha256()
    store = ArrayStore(vocabulary.id_dtype, memory_limit, cache_dir)
    counts = np.zeros(mark, np.int64)
    words = sentence_count = longest = 0
    for batch in _batches(stream.read(advance)):
        ids, lengths = _encoded(batch, vocabulary, mark)
        sentence_count += lengths.size
        longest = max(longest, int(lengths.max(initial=0)))
        words += int(lengths.sum())
        counts += np.bincount(ids, minlength=mark + 1)[:mark]
        digest.update(np.ascontiguousarray(ids, ids.dtype.newbyteorder("<")).data)
        store.append(ids)
    pieces = group.gather((words, sentence_count, longest))
    totals = np.sum(pieces, axis=0).tolist()
    if totals[0] == 0:
        raise ValueError(f"{stream.name}: no sentence has any of the {mark:,} words in the vocabulary")
    if (0, 0, 0) in pieces:
        raise ValueError(
            f"{stream.name}: divided among {group.size} processes, it leaves none with words of the vocabulary to rank "
            f"{pieces.index((0, 0, 0))}; start fewer processes (a line is not cut, nor is a compressed file)"
        )
    group.sum_in_place(counts)
    return WordIds(
        store.whole(),
        words=totals[0],
        sentences=totals[1],
        longest=max(piece[2] for piece in pieces),
        sha256=digest.hexdigest() if group.size == 1 else None,
        name=stream.name,
        counts_sha256=hashlib.sha256(np.ascontiguousarray(counts, "<i8").data).hexdigest(),
        largest_piece=None if group.size == 1 else max(piece[0] for piece in pieces),
    )


def _batches(sentences: Iterable[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    batch: list[Sequence[str]] = []
    size = 0
    for sentence in sentences:
        batch.append(sentence)
        size += len(sentence) + 1
        if size > _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _encoded(batch: list[Sequence[str]], vocabulary: WordVocabulary, mark: int) -> tuple[Ids, Any]:
    """Ids with end marks (n,), and the number of words in each sentence that has any (m,)."""
    words: list[str] = []
    for sentence in batch:
        words += sentence
        words.append("")  # overwritten with the mark below
    unknown = mark + 1
    ids = np.fromiter(map(vocabulary.index.get, words, repeat(unknown)), np.int64, len(words))
    ids[np.cumsum([len(sentence) + 1 for sentence in batch]) - 1] = mark
    ids = ids[ids != unknown]
    ends = np.flatnonzero(ids == mark)
    lengths = np.diff(ends, prepend=-1) - 1
    ids = np.delete(ids, ends[lengths == 0])
    return ids.astype(vocabulary.id_dtype), lengths[lengths > 0]
