"""Tokens to ids in bulk: a table over code points, or a dictionary of words.

A token that is not there gets the id one past the last. That is the unknown token's, if there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from portnn.text.tokenizers import (
    ByteTokenizer,
    CharTokenizer,
    Chunk,
    JiebaTokenizer,
    Token,
    WordTokenizer,
    tokenizer,
)

Ids: TypeAlias = NDArray[np.unsignedinteger]


class Lookup(Protocol):
    """Ids of tokens, and the tokens that have none."""

    def stream(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Ids, Sequence[Token]]]:
        """Ids (n,) of the tokens of each piece, and its distinct missing tokens as they appear."""
        ...


def lookup(level: str, tokens: Sequence[Token]) -> Lookup:
    """Prepare the lookup of tokens whose id is their place.

    Parameters
    ----------
    level : str
        What a token is.
    tokens : sequence of tokens
        Distinct.

    Returns
    -------
    Lookup
        Its ids have an unsigned dtype; those of missing tokens are ``len(tokens)``.
    """
    how = tokenizer(level)
    if isinstance(how, CharTokenizer):
        return _CodeLookup(how, tokens)
    if isinstance(how, ByteTokenizer):
        return _ByteLookup(how)
    return _WordLookup(how, tokens)


class _ByteLookup:
    """The tokens are the 256 bytes in order, so that a byte is its own id and none is missing."""

    def __init__(self, how: ByteTokenizer) -> None:
        self._how = how

    def stream(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Ids, Sequence[Token]]]:
        return ((codes, ()) for codes in map(self._how.codes, chunks) if codes.size)


class _CodeLookup:
    def __init__(self, how: CharTokenizer, tokens: Sequence[Token]) -> None:
        codes = np.asarray([ord(token) for token in tokens], np.intp)
        self._how = how
        self._missing = len(tokens)
        # The last row answers for every code point beyond the table: mode="clip" below leads there.
        self._table = np.full(codes.max(initial=0) + 2, self._missing, np.min_scalar_type(self._missing))
        self._table[codes] = np.arange(len(tokens), dtype=self._table.dtype)

    def stream(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Ids, Sequence[Token]]]:
        for chunk in chunks:
            codes = self._how.codes(chunk)
            if codes.size == 0:
                continue
            ids: Ids = self._table.take(codes.astype(np.intp), mode="clip")
            missing: Sequence[Token] = ()
            if ids.max() == self._missing:
                strangers, first = np.unique(codes[ids == self._missing], return_index=True)
                missing = [self._how.token(code) for code in strangers[np.argsort(first)].tolist()]
            yield ids, missing


class _WordLookup:
    def __init__(self, how: WordTokenizer | JiebaTokenizer, tokens: Sequence[Token]) -> None:
        self._how = how
        self._id_of: dict[Token, int] = {token: i for i, token in enumerate(tokens)}
        self._missing = len(tokens)
        self._dtype = np.min_scalar_type(self._missing)

    def stream(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Ids, Sequence[Token]]]:
        id_of, none = self._id_of, self._missing
        for words in self._how.stream(chunks):
            ids: Ids = np.asarray([id_of.get(word, none) for word in words], self._dtype)
            missing: Sequence[Token] = ()
            if ids.max() == none:
                missing = list(dict.fromkeys(word for word in words if word not in id_of))
            yield ids, missing
