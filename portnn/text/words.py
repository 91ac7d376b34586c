r"""What a word is: one definition for the tokens of language models and the sentences of word vectors.

Whitespace ends every word. Between two whitespaces, words are those of Unicode Standard Annex 29 [1]_: letters stay
with their marks and joiners, "don't", "3.14" and an emoji of several characters are one word, a Han ideograph is one.
It differs from the annex in two points:

- A run of punctuation or other symbols is one word, such as "...", "?!" and "--".
- A run of letters of a script that writes no spaces between words, such as Thai, Lao, Khmer and Burmese
  (Line_Break=SA), is one word. To find the words in it takes a dictionary, as the annex says, and to cut it into
  single letters would be worse.

A word of more than 1000 characters is cut, though not before a mark, and so is text of more than 65536 characters
without whitespace.

Models that portnn trained before it knew these rules keep the earlier ones: a run of letters, digits and underscores,
or a run of other characters.

References
----------
.. [1] Unicode Text Segmentation, https://www.unicode.org/reports/tr29/
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Protocol

import regex

from portnn.settings import brief

# Real words are shorter. The bounds limit how much of a stream is held back in a file without spaces.
MAX_WORD = 1000
MAX_LINE = 1 << 16

_MAX_CACHED_LENGTH = 100
_MAX_CACHED = 1 << 16


class WordRules(Protocol):
    """Rules by which text is cut into words."""

    @property
    def name(self) -> str:
        """Name in checkpoints."""
        ...

    @property
    def version(self) -> str:
        """Version of the tables of characters behind the rules."""
        ...

    def words(self, piece: str) -> Iterable[str]:
        """Words of a text without whitespace, which they add up to."""
        ...

    def tokens(self, text: str) -> list[str]:
        """Words with at most one space before each, and single whitespace characters, which add up to the text."""
        ...

    def settled(self, piece: str) -> int:
        """Number of characters of a text without whitespace whose words stay the same if it continues."""
        ...


class PieceCache(dict[str, tuple[str, ...]]):
    """What a function makes of pieces between whitespaces: most of a text consists of the same few strings."""

    def __init__(self, function: Callable[[str], Iterable[str]]) -> None:
        self._function = function

    def __missing__(self, piece: str) -> tuple[str, ...]:
        words = tuple(self._function(piece))
        if len(piece) <= _MAX_CACHED_LENGTH:
            if len(self) >= _MAX_CACHED:
                self.clear()
            self[piece] = words
        return words


class UnicodeWords:
    """Words of Unicode Standard Annex 29, as described above."""

    name = "uax29"
    version = regex.__version__

    def __init__(self) -> None:
        self._spaced = PieceCache(self._spaced_words)

    def words(self, piece: str) -> list[str]:
        """Words of a text without whitespace."""
        if len(piece) > MAX_LINE:
            return [word for block in _blocks(piece) for word in self.words(block)]
        return _shortened((_ASCII_WORD if piece.isascii() else _unicode_word()).findall(piece))

    def tokens(self, text: str) -> list[str]:
        """Words with their spaces, and single whitespace characters."""
        if text.isascii() and not _ENDLESS.search(text):
            return _shortened(_ASCII_TOKEN.findall(text))
        return list(chain.from_iterable(map(self._spaced.__getitem__, _PIECE.findall(text))))

    def settled(self, piece: str) -> int:
        """Whole blocks of the greatest length."""
        return len(piece) - len(piece) % MAX_LINE

    def _spaced_words(self, piece: str) -> list[str]:
        if piece.isspace():
            return [piece]
        first, *rest = self.words(piece.removeprefix(" "))
        return [" " + first if piece[0] == " " else first, *rest]


class Runs:
    """Runs of letters, digits and underscores, and runs of other characters: the rules until portnn 0.2."""

    name = "runs"
    version = unicodedata.unidata_version

    def words(self, piece: str) -> list[str]:
        """Words of a text without whitespace."""
        return _RUN.findall(piece)

    def tokens(self, text: str) -> list[str]:
        """Words with their spaces, and single whitespace characters."""
        return _RUN_TOKEN.findall(text)

    def settled(self, piece: str) -> int:
        """All words but the last."""
        *_, match = _RUN.finditer(piece)
        return match.start()


def _blocks(piece: str) -> Iterator[str]:
    return (piece[start : start + MAX_LINE] for start in range(0, len(piece), MAX_LINE))


def _shortened(words: list[str]) -> list[str]:
    """Words of at most the maximum length, not counting marks and a space before the word."""
    if max(map(len, words), default=0) <= MAX_WORD:
        return words
    return [part for word in words for part in (_part().findall(word) if len(word) > MAX_WORD else [word])]


# Compiled when they are first needed: it takes longer than to import most of portnn.
@functools.cache
def _unicode_word() -> regex.Pattern[str]:
    """Pattern of a word in a text without whitespace, which the rules WB5 to WB16 of the annex describe."""
    extend = r"[\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}]"
    rest = extend + "*+"  # WB4
    middle = r"[\p{WB=MidLetter}\p{WB=MidNumLet}\p{WB=Single_Quote}]"
    letter = r"[\p{WB=ALetter}\p{WB=Hebrew_Letter}]"
    letters = (
        rf"(?:\p{{WB=ALetter}}{rest}(?:{middle}{rest}(?={letter}))?+"
        rf"|\p{{WB=Hebrew_Letter}}{rest}"
        rf"(?:{middle}{rest}(?={letter})|\p{{WB=Double_Quote}}{rest}(?=\p{{WB=Hebrew_Letter}}))?+)"
    )
    numbers = (
        rf"\p{{WB=Numeric}}{rest}"
        rf"(?:[\p{{WB=MidNum}}\p{{WB=MidNumLet}}\p{{WB=Single_Quote}}]{rest}(?=\p{{WB=Numeric}}))?+"
    )
    run = rf"(?:(?:{letters}|{numbers})++|(?:\p{{WB=Katakana}}{rest})++)"
    links = rf"(?:\p{{WB=ExtendNumLet}}{rest})++"
    quote = rf"(?:\p{{WB=Single_Quote}}(?<=\p{{WB=Hebrew_Letter}}{extend}*.){rest})?+"  # WB7a
    word = rf"(?:{run}(?:{links}{run}?+)*+|{links}(?:{run}{links})*+{run}?+){quote}"
    flag = rf"\p{{Regional_Indicator}}{rest}(?:\p{{Regional_Indicator}}{rest})?+"
    other = rf".{rest}"
    joined = rf"(?:(?<=\p{{WB=ZWJ}})(?=\p{{Extended_Pictographic}})(?:{word}|{other}))*+"  # WB3c
    in_words = "".join(
        rf"\p{{WB={kind}}}" for kind in ("ALetter", "Hebrew_Letter", "Numeric", "Katakana", "ExtendNumLet")
    )
    symbol = rf"[^\w\p{{N}}{in_words}\p{{Extended_Pictographic}}\p{{Regional_Indicator}}]"
    dictionary = r"\p{Line_Break=SA}"
    runs = "|".join(rf"(?:(?={kind}){other}{joined})++" for kind in (symbol, dictionary))
    return regex.compile(rf"(?V1s){word}{joined}|{runs}|(?:{flag}|{other}){joined}")


@functools.cache
def _part() -> regex.Pattern[str]:
    """Pattern of the longest word that stays whole, with the marks of its letters."""
    return regex.compile(rf"(?V1s) ?\X{{1,{MAX_WORD}}}")


# The same rules for ASCII, much faster.
_ASCII = (
    r"[A-Za-z0-9_]+(?:(?:[:.'](?<=[A-Za-z].)(?=[A-Za-z])|[,;.'](?<=[0-9].)(?=[0-9]))[A-Za-z0-9_]+)*",
    r"[^A-Za-z0-9_\s]+",
)
_ASCII_WORD = re.compile("|".join(_ASCII))
_ASCII_TOKEN = re.compile("|".join(" ?" + kind for kind in _ASCII) + r"|\s")

_PIECE = re.compile(rf" ?\S{{1,{MAX_LINE}}}|\s")
_ENDLESS = re.compile(rf"(?<!\S)\S{{{MAX_LINE + 1}}}")

_RUN = re.compile(rf"\w{{1,{MAX_WORD}}}|[^\w\s]{{1,{MAX_WORD}}}")
_RUN_TOKEN = re.compile(rf" ?\w{{1,{MAX_WORD}}}| ?[^\w\s]{{1,{MAX_WORD}}}|\s")

WORD_RULES: dict[str, UnicodeWords | Runs] = {rules.name: rules for rules in (UnicodeWords(), Runs())}
"""Rules by their names."""

NEW_MODELS = UnicodeWords.name
"""Rules of models that are trained from the beginning."""

OLD_MODELS = Runs.name
"""Rules of models whose checkpoint names none."""


def word_rules(name: str) -> UnicodeWords | Runs:
    """Rules of a name.

    Raises
    ------
    ValueError
        If there are none of that name.
    """
    if not isinstance(name, str) or name not in WORD_RULES:
        raise ValueError(f"unknown rules of words {brief(name)}; known: {', '.join(WORD_RULES)}")
    return WORD_RULES[name]
