"""Sentences given as lists of words, and the choice between these and a text."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from portnn.settings import brief
from portnn.text.paths import names_path, quoted
from portnn.text.sentences import Advance, Sentences, SentenceStream

SentencesLike: TypeAlias = str | os.PathLike[str] | Sequence[os.PathLike[str]] | Iterable[Sequence[str]]
"""A text itself, a file or folder, files, or sentences that can be iterated more than once."""


class GivenSentences(SentenceStream):
    """Sentences given as lists of words, checked while they are read.

    Parameters
    ----------
    sentences : iterable of sequences of str
        A list, or any object whose ``__iter__`` starts from the beginning.

    Raises
    ------
    TypeError
        If it can be read only once or not at all; while reading, if a sentence is not a list of words.
    """

    name = "sentences"

    def __init__(self, sentences: Iterable[Sequence[str]]) -> None:
        kind = type(sentences).__name__
        if not isinstance(sentences, Iterable) or isinstance(sentences, bytes):
            raise TypeError(f"sentences is {kind}; expected a text, a path, or lists of words")
        if iter(sentences) is sentences:
            raise TypeError(
                f"sentences is a {kind}, which can be read only once, but it is read once to count and again to "
                "train; give a list or an object whose __iter__ starts from the beginning"
            )
        self._sentences, self._first, self._every = sentences, 0, 1
        self.size = len(sentences) if isinstance(sentences, Sequence) else None

    def piece(self, rank: int, size: int) -> GivenSentences:
        """The sentences of one of `size` processes: every `size`-th."""
        piece = GivenSentences(self._sentences)
        piece._first, piece._every = rank, size
        piece.size = None if self.size is None else len(range(rank, self.size, size))
        return piece

    def read(self, advance: Advance | None = None) -> Iterator[Sequence[str]]:
        """Read the sentences from the beginning; `advance` is called for each."""
        for number, sentence in enumerate(self._sentences):
            if number % self._every != self._first:
                continue
            if not isinstance(sentence, list | tuple):
                raise TypeError(_not_a_list(sentence, number))
            try:
                "".join(sentence)  # the fastest check of every word
            except TypeError:
                raise TypeError(_not_a_word(sentence, number)) from None
            yield sentence
            if advance is not None:
                advance(1)


def as_sentences(source: SentencesLike, **options: object) -> SentenceStream:
    """Sentences that can be read more than once, from any source.

    Parameters
    ----------
    source : str, Path, sequence of Paths, or iterable of lists of str
        A text itself, a file or folder, files, or sentences.
    **options
        Options of `Sentences`, for a text; lists of words are taken as they are.

    Returns
    -------
    SentenceStream

    Raises
    ------
    TypeError
        If `source` is a generator or another object that can be read only once, before anything is read.
    ValueError
        If it is a str that names a file or folder.

    Examples
    --------
    >>> list(as_sentences([["a", "film"], ["a", "gem"]]))
    [['a', 'film'], ['a', 'gem']]
    """
    of_paths = isinstance(source, list | tuple) and source and isinstance(source[0], os.PathLike)
    if isinstance(source, str | os.PathLike) or of_paths:
        return Sentences(source, **options)  # type: ignore[arg-type]
    return source if isinstance(source, SentenceStream) else GivenSentences(source)  # type: ignore[arg-type]


def _not_a_list(sentence: object, number: int) -> str:
    if isinstance(sentence, str):
        remedy = f"give pathlib.Path({brief(sentence)}) to read that file" if names_path(sentence) else "split it"
        return f"each sentence must be a list of words, got the str {quoted(sentence)}: {remedy}"
    return f"each sentence must be a list of words, got {type(sentence).__name__} as sentence {number}"


def _not_a_word(sentence: Sequence[object], number: int) -> str:
    place, word = next((i, w) for i, w in enumerate(sentence) if not isinstance(w, str))
    return f"each word must be a str, got {type(word).__name__} {brief(word)} as word {place} of sentence {number}"
