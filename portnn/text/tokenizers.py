"""Text to tokens and back: by character, byte, word, or Chinese word.

Every level is lossless: the joined tokens are the text. Every level streams: a text cut into chunks anywhere gives
the same tokens as the whole text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from portnn.settings import brief
from portnn.text.words import MAX_LINE, NEW_MODELS, WORD_RULES, WordRules, word_rules

Token: TypeAlias = str | bytes
"""A character, a word or, at level byte, one byte."""

Chunk: TypeAlias = str | bytes
"""A piece of a corpus: text or, at level byte, also bytes."""


_LINE = re.compile(rf"[^\n]{{0,{MAX_LINE}}}\n|[^\n]{{1,{MAX_LINE}}}")


class Tokenizer(Protocol):
    """Interface of all levels."""

    @property
    def level(self) -> str:
        """Name of the level."""
        ...

    @property
    def noun(self) -> str:
        """Word for one token in messages."""
        ...

    @property
    def unit(self) -> str:
        """Short word for one token, in which speeds are given."""
        ...

    def split(self, text: Chunk) -> Sequence[Token]:
        """Tokens of a whole text."""
        ...

    def stream(self, chunks: Iterable[Chunk]) -> Iterator[Sequence[Token]]:
        """Tokens of a text given in chunks, as lists that are never empty."""
        ...


class CharTokenizer:
    """A token is one Unicode code point."""

    level = unit = "char"
    noun = "character"

    def split(self, text: Chunk) -> list[str]:
        """Characters of a text."""
        return list(_text(text, self.level))

    def stream(self, chunks: Iterable[Chunk]) -> Iterator[list[str]]:
        """Characters of each chunk."""
        return (self.split(chunk) for chunk in chunks if chunk)

    def codes(self, chunk: Chunk) -> NDArray[np.uint32]:
        """Code points (n,) of a chunk, without a Python loop; lone surrogates included."""
        return np.frombuffer(_text(chunk, self.level).encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))

    def token(self, code: int) -> str:
        """Character of a code point."""
        return chr(code)


class ByteTokenizer:
    """A token is one byte; text stands for its UTF-8 bytes."""

    level = unit = noun = "byte"

    def split(self, text: Chunk) -> list[bytes]:
        """Bytes of a text, each a `bytes` of length 1."""
        return [self.token(code) for code in self.codes(text).tolist()]

    def stream(self, chunks: Iterable[Chunk]) -> Iterator[list[bytes]]:
        """Bytes of each chunk."""
        return (self.split(chunk) for chunk in chunks if chunk)

    def codes(self, chunk: Chunk) -> NDArray[np.uint8]:
        """Byte values (n,) of a chunk."""
        data = chunk.encode("utf-8", "surrogatepass") if isinstance(chunk, str) else chunk
        return np.frombuffer(data, np.uint8)

    def token(self, code: int) -> bytes:
        """Byte of a value."""
        return bytes((code,))


class WordTokenizer:
    """A token is a word (see `portnn.text.words`), with at most one space before it, or one whitespace character.

    Parameters
    ----------
    rules : WordRules
        What a word is.
    """

    level = unit = noun = "word"

    def __init__(self, rules: WordRules) -> None:
        self.rules = rules

    def split(self, text: Chunk) -> list[str]:
        """Words of a text."""
        return self.rules.tokens(_text(text, self.level))

    def stream(self, chunks: Iterable[Chunk]) -> Iterator[list[str]]:
        """Words of a text given in chunks."""
        held = ""
        for chunk in chunks:
            held += _text(chunk, self.level)
            settled = self._settled(held)
            if settled:
                yield self.split(held[:settled])
                held = held[settled:]
        if held:
            yield self.split(held)

    def _settled(self, text: str) -> int:
        """Number of characters whose words no later text can change: those before the last piece and its space."""
        if not text or text[-1].isspace():
            return len(text) - text.endswith(" ")
        start = len(text) - len(text.rsplit(None, 1)[-1])
        before = start - text[:start].endswith(" ")
        if before:
            return before
        settled = self.rules.settled(text[start:])
        return settled and start + settled


class JiebaTokenizer:
    """A token is a Chinese word as segmented by the Rust port of jieba, or a run of other text.

    Lines are segmented one by one, and a line of more than 65536 characters in pieces of that length.
    """

    level = "jieba"
    unit = noun = "word"

    def split(self, text: Chunk) -> list[str]:
        """Words of a text."""
        cut = _jieba_cut()
        return [word for line in _LINE.findall(_text(text, self.level)) for word in cut(line)]

    def stream(self, chunks: Iterable[Chunk]) -> Iterator[list[str]]:
        """Words of a text given in chunks."""
        tail = ""
        for chunk in chunks:
            lines = _LINE.findall(tail + _text(chunk, self.level))
            tail = lines.pop() if lines and not lines[-1].endswith("\n") else ""
            if lines:
                yield self.split("".join(lines))
        if tail:
            yield self.split(tail)


CodeTokenizer: TypeAlias = CharTokenizer | ByteTokenizer
"""Levels whose tokens are numbers, which NumPy counts and looks up in bulk."""

_OTHERS: dict[str, CharTokenizer | ByteTokenizer | JiebaTokenizer] = {
    rules.level: rules for rules in (CharTokenizer(), ByteTokenizer(), JiebaTokenizer())
}
_WORDS = {name: WordTokenizer(rules) for name, rules in WORD_RULES.items()}
LEVELS: tuple[str, ...] = ("char", "byte", "word", "jieba")
"""Names of the levels."""


def tokenizer(level: str, rules: str = NEW_MODELS) -> CharTokenizer | ByteTokenizer | WordTokenizer | JiebaTokenizer:
    """Tokenizer of a level.

    Parameters
    ----------
    level : {"char", "byte", "word", "jieba"}
        What a token is.
    rules : str
        At level word, the rules of words.

    Returns
    -------
    Tokenizer
        The same object every time; what it returns depends on the text alone.

    Raises
    ------
    ValueError
        If the level, or the rules, are unknown.

    Examples
    --------
    >>> tokenizer("word").split("to be, or not")
    ['to', ' be', ',', ' or', ' not']
    """
    if not isinstance(level, str) or level not in LEVELS:
        raise ValueError(f"level is {brief(level)}; expected one of {', '.join(LEVELS)}")
    return _WORDS[word_rules(rules).name] if level == "word" else _OTHERS[level]


def _text(chunk: Chunk, level: str) -> str:
    if not isinstance(chunk, str):
        raise TypeError(f"level {level} takes str, not {type(chunk).__name__}; decode it first")
    return chunk


def _jieba_cut() -> Callable[[str], Any]:
    try:
        import rjieba
    except ImportError:
        raise ModuleNotFoundError(
            'level jieba needs the package rjieba: python -m pip install "portnn[chinese]"', name="rjieba"
        ) from None
    cut: Callable[[str], Any] = rjieba.cut
    return cut
