"""Texts as ids, one after the other, in memory or, if they are too many, in a file mapped into memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, repeat

import numpy as np

from portnn.settings import brief_fields
from portnn.text.array_store import ArrayStore, Host
from portnn.text.cache import release_pages
from portnn.text.corpus import MEMORY_LIMIT
from portnn.text.lookup import Ids
from portnn.text.word_vocabulary import WordVocabulary

BATCH = 4096
"""Texts that are encoded at a time."""


@dataclass(frozen=True, eq=False)
class EncodedTexts:
    """Ids of texts. A token that the vocabulary lacks has the id after its last word; so has the one of an empty text.

    Parameters
    ----------
    ids : ndarray or memmap of unsigned integers, shape (tokens,)
    ends : ndarray or memmap of int64, shape (texts,)
        Where each text ends.
    unknown : int
        Tokens that are not in the vocabulary.
    empty : int
        Texts without a token.
    cut : int
        Texts of which only the beginning was taken.
    sha256 : str
        Digest of ids and ends as little-endian bytes.
    """

    ids: Ids
    ends: Host
    unknown: int
    empty: int
    cut: int
    sha256: str

    def __repr__(self) -> str:
        return brief_fields(self)

    def __len__(self) -> int:
        return len(self.ends)

    def release(self) -> None:
        """Release the memory pages of mapped files that have been read; the ids stay usable."""
        release_pages(self.ids)
        release_pages(self.ends)


def encode_texts(
    texts: Iterable[str],
    tokens: Callable[[str], list[str]],
    vocabulary: WordVocabulary,
    *,
    max_length: int | None = None,
    memory_limit: int = MEMORY_LIMIT,
    cache_dir: str | os.PathLike[str] | None = None,
) -> EncodedTexts:
    """Encode any number of texts.

    Parameters
    ----------
    texts : iterable of str
        Read once.
    tokens : callable
        From `portnn.text.text_tokens`.
    vocabulary : WordVocabulary
    max_length : int, optional
        Tokens that are taken of each text, from its beginning.
    memory_limit : int
        Maximum size in bytes of each array in memory. A larger one is written to an unnamed temporary file, which is
        mapped into memory and disappears with it.
    cache_dir : path, optional
        Folder of that file, as in `portnn.text.encode_words`.

    Returns
    -------
    EncodedTexts

    Raises
    ------
    OSError
        If the cache folder is not writable.

    Examples
    --------
    >>> from portnn.text import WordVocabulary, text_tokens
    >>> vocabulary = WordVocabulary.from_counts({"good": 2, "bad": 1}, min_count=1)
    >>> encoded = encode_texts(["good", "not bad", ""], text_tokens("word"), vocabulary)
    >>> encoded.ids.tolist(), encoded.ends.tolist(), encoded.unknown
    ([0, 2, 1, 2], [1, 3, 4], 1)
    """
    index, mark, digest = vocabulary.index, len(vocabulary), hashlib.sha256()
    ids_store = ArrayStore(vocabulary.id_dtype, memory_limit, cache_dir)
    ends_store = ArrayStore(np.dtype(np.int64), memory_limit, cache_dir)
    unknown = empty = cut = done = 0
    for batch in _batches(map(tokens, texts)):
        joined: list[str] = []
        ends = []
        for words in batch:
            if max_length is not None and len(words) > max_length:
                words, cut = words[:max_length], cut + 1
            if not words:
                words, empty = [""], empty + 1
            joined += words
            ends.append(done + len(joined))
        ids = np.fromiter(map(index.get, joined, repeat(mark)), vocabulary.id_dtype, len(joined))
        unknown += int(np.count_nonzero(ids == mark))
        done += len(joined)
        for store, array in ((ids_store, ids), (ends_store, np.asarray(ends, np.int64))):
            digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data)
            store.append(array)
    return EncodedTexts(ids_store.whole(), ends_store.whole(), unknown - empty, empty, cut, digest.hexdigest())


def _batches(texts: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    while batch := list(islice(texts, BATCH)):
        yield batch
