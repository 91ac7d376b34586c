"""Tokens of single texts, such as a sentence to classify: words, characters or bytes."""

from __future__ import annotations

from collections.abc import Callable

from portnn.settings import brief
from portnn.text.sentences import splitter
from portnn.text.words import NEW_MODELS, word_rules

TEXT_LEVELS = ("word", "space", "char", "byte", "jieba")
"""What a token of a text can be."""

BYTES = tuple(map(chr, range(256)))
"""Tokens of level byte: each byte as the character with its number."""


def text_tokens(level: str, *, lowercase: bool = False, rules: str = NEW_MODELS) -> Callable[[str], list[str]]:
    """Make the function from a text to its tokens.

    Parameters
    ----------
    level : {"word", "space", "char", "byte", "jieba"}
        A word or a run of punctuation (see ``portnn/text/words.py``); whatever white space separates; a character,
        white space included; a byte of the text in UTF-8; a Chinese word.
    lowercase : bool
        Make the text lowercase first.
    rules : str
        At level word, the rules of words: a model keeps those it was trained with.

    Raises
    ------
    ValueError
        If the level is unknown.

    Examples
    --------
    >>> text_tokens("word", lowercase=True)("Not bad at all!")
    ['not', 'bad', 'at', 'all', '!']
    """
    if level not in TEXT_LEVELS:
        raise ValueError(f"level is {brief(level)}; expected one of {', '.join(TEXT_LEVELS)}")
    lowered = str.lower if lowercase else str
    if level == "char":
        return lambda text: list(lowered(text))
    if level == "byte":
        return lambda text: list(lowered(text).encode("utf-8", "surrogatepass").decode("latin-1"))
    return splitter(level, lowercase, word_rules(rules))
