"""Tokens to ids in bulk: a table over code points, or a dictionary of words.

A missing token gets the id after the last one, which is that of the unknown token if the vocabulary has one.
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
from portnn.text.words import NEW_MODELS

Ids: TypeAlias = NDArray[np.unsignedinteger]


class Lookup(Protocol):
    """Maps tokens to ids, and reports tokens without one."""

    def stream(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Ids, Sequence[Token]]]:
        """Ids (n,) of the tokens of each piece, and its distinct missing tokens in order of appearance."""
        ...


def lookup(level: str, tokens: Sequence[Token], word_rules: str = NEW_MODELS) -> Lookup:
    """Prepare the lookup of tokens; the id of a token is its index.

    Parameters
    ----------
    level : str
        What a token is.
    tokens : sequence of tokens
        Distinct.
    word_rules : str
        At level word, the rules of words.

    Returns
    -------
    Lookup
        Its ids have an unsigned dtype; those of missing tokens are ``len(tokens)``.
    """
    rules = tokenizer(level, word_rules)
    if isinstance(rules, CharTokenizer):
        return _CodeLookup(rules, tokens)
    if isinstance(rules, ByteTokenizer):
        return _ByteLookup(rules)
    return _WordLookup(rules, tokens)


class _ByteLookup:
    """The tokens are the 256 bytes in order: a byte is its own id, and none can be missing."""

    def __init__(self, rules: ByteTokenizer) -> None:
        self._tokenizer = rules

    def stream(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Ids, Sequence[Token]]]:
        return ((codes, ()) for codes in map(self._tokenizer.codes, chunks) if codes.size)


class _CodeLookup:
    def __init__(self, rules: CharTokenizer, tokens: Sequence[Token]) -> None:
        codes = np.asarray([ord(token) for token in tokens], np.intp)
        self._tokenizer = rules
        self._missing = len(tokens)
        # The last row stands for every code point beyond the table: mode="clip" below leads there.
        self._table = np.full(codes.max(initial=0) + 2, self._missing, np.min_scalar_type(self._missing))
        self._table[codes] = np.arange(len(tokens), dtype=self._table.dtype)

    def stream(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Ids, Sequence[Token]]]:
        for chunk in chunks:
            codes = self._tokenizer.codes(chunk)
            if codes.size == 0:
                continue
            ids: Ids = self._table.take(codes.astype(np.intp), mode="clip")
            missing: Sequence[Token] = ()
            if ids.max() == self._missing:
                codes_missing, first = np.unique(codes[ids == self._missing], return_index=True)
                missing = [self._tokenizer.token(code) for code in codes_missing[np.argsort(first)].tolist()]
            yield ids, missing


class _WordLookup:
    def __init__(self, rules: WordTokenizer | JiebaTokenizer, tokens: Sequence[Token]) -> None:
        self._tokenizer = rules
        self._id_of: dict[Token, int] = {token: i for i, token in enumerate(tokens)}
        self._missing = len(tokens)
        self._dtype = np.min_scalar_type(self._missing)

    def stream(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Ids, Sequence[Token]]]:
        id_of, none = self._id_of, self._missing
        for words in self._tokenizer.stream(chunks):
            ids: Ids = np.asarray([id_of.get(word, none) for word in words], self._dtype)
            missing: Sequence[Token] = ()
            if ids.max() == none:
                missing = list(dict.fromkeys(word for word in words if word not in id_of))
            yield ids, missing
