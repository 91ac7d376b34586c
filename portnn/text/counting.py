"""Token counts of a corpus, in one pass and little memory."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

import numpy as np

from portnn.groups import Group
from portnn.settings import brief
from portnn.text.tokenizers import ByteTokenizer, CharTokenizer, Chunk, CodeTokenizer, Token, tokenizer
from portnn.text.words import NEW_MODELS

T = TypeVar("T")

_CODE_POINTS = 0x110000


def count_tokens(level: str, streams: Iterable[Iterable[Chunk]], word_rules: str = NEW_MODELS) -> Mapping[Token, int]:
    """Count the tokens of one or several streams.

    Parameters
    ----------
    level : str
        What a token is.
    streams : iterable of iterables of str or bytes
        One stream per file; no token spans two of them.
    word_rules : str
        At level word, the rules of words.

    Returns
    -------
    mapping of token to int
        Only tokens that occur, in no particular order.

    Raises
    ------
    ValueError
        If `level` is unknown.
    TypeError
        If a chunk is bytes and the level is not byte.

    Examples
    --------
    >>> count_tokens("char", [["ab", "a"]]) == {"a": 2, "b": 1}
    True
    """
    rules = tokenizer(level, word_rules)
    if isinstance(rules, CharTokenizer | ByteTokenizer):
        return _count_codes(rules, streams)
    counts: Counter[Token] = Counter()
    for chunks in streams:
        for tokens in rules.stream(chunks):
            counts.update(tokens)
    return counts


def _count_codes(rules: CodeTokenizer, streams: Iterable[Iterable[Chunk]]) -> dict[Token, int]:
    total = np.zeros(_CODE_POINTS, np.int64)
    for chunks in streams:
        for chunk in chunks:
            counts = np.bincount(rules.codes(chunk))
            total[: counts.size] += counts
    return {rules.token(code): int(total[code]) for code in np.flatnonzero(total).tolist()}


def counts_of_all(counts: Mapping[T, int], group: Group) -> Mapping[T, int]:
    """Counts of a corpus of which every process of a group has counted a piece; the same, in one order, in each."""
    if group.size == 1:
        return counts
    total: Counter[T] = Counter()
    for piece in group.gather(counts):
        total.update(piece)
    return total


def check_min_count(min_count: int, level: str) -> int:
    """`min_count` as an int of at least 1, and no more than 1 at level byte."""
    if isinstance(min_count, bool) or not hasattr(min_count, "__index__"):
        raise TypeError(f"min_count is {brief(min_count)}; expected a whole number, 1 or more")
    least = operator.index(min_count)
    if least < 1:
        raise ValueError(f"min_count is {least}; expected 1 or more")
    if level == "byte" and least > 1:
        raise ValueError(f"min_count is {least}; level byte always keeps its 256 tokens, so leave it at 1")
    return least
