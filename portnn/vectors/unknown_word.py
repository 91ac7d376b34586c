"""`UnknownWordError`: a word that is not in the vocabulary, and the words that it may have been meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SEARCHED = 20_000
"""So many words are compared letter by letter; the comparison is slow."""

NEAR = 3
"""At most so many words are proposed."""


class UnknownWordError(KeyError, ValueError):
    """A word that is not in the vocabulary. The message is one line."""

    def __str__(self) -> str:
        # A KeyError would show its message as a Python literal, in quotes.
        return str(self.args[0])


def unknown_word(word: str, words: Iterable[str]) -> UnknownWordError:
    """Error for a word that is not among `words`; it names the words that are spelled most alike.

    Parameters
    ----------
    word : str
    words : iterable of str
        The vocabulary, most frequent word first. Other cases of the word are found anywhere in it; other spellings
        among the first `SEARCHED` words of about the same length.

    Examples
    --------
    >>> print(unknown_word("flim", ["the", "film", "films", "of"]))
    'flim' is not in the vocabulary; near: film, films
    """
    folded = word.casefold()
    alike: list[str] = []
    others: list[str] = []
    for other in words:
        if abs(len(other) - len(word)) <= 2:
            if other.casefold() == folded:
                alike.append(other)
            elif len(others) < SEARCHED:
                others.append(other)
    near = [*alike, *difflib.get_close_matches(word, others, n=NEAR, cutoff=0.6)][:NEAR]
    return UnknownWordError(f"{word!r} is not in the vocabulary" + (f"; near: {', '.join(near)}" if near else ""))
