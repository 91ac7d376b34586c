"""`UnknownWordError`: a word that is not in the vocabulary, with suggestions."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from portnn.settings import brief

SEARCHED = 20_000
"""Limit on the words compared letter by letter, which is slow."""

MAX_SUGGESTIONS = 3


class UnknownWordError(KeyError, ValueError):
    """A word is not in the vocabulary. The message is one line."""

    def __str__(self) -> str:
        # KeyError shows its message as a Python literal, in quotes.
        return str(self.args[0])


def unknown_word(word: str, words: Iterable[str]) -> UnknownWordError:
    """Error for a word that is not among `words`; it suggests the words with the most similar spelling.

    Parameters
    ----------
    word : str
    words : iterable of str
        The vocabulary, most frequent word first. The same word in another case is found anywhere in it; other
        spellings among the first `SEARCHED` words of about the same length.

    Examples
    --------
    >>> print(unknown_word("flim", ["the", "film", "films", "of"]))
    'flim' is not in the vocabulary; similar words: film, films
    """
    folded = word.casefold()
    other_case: list[str] = []
    others: list[str] = []
    for other in words:
        if abs(len(other) - len(word)) <= 2:
            if other.casefold() == folded:
                other_case.append(other)
            elif len(others) < SEARCHED:
                others.append(other)
    similar = [*other_case, *difflib.get_close_matches(word, others, n=MAX_SUGGESTIONS, cutoff=0.6)][:MAX_SUGGESTIONS]
    suggestion = f"; similar words: {', '.join(similar)}" if similar else ""
    return UnknownWordError(f"{brief(word)} is not in the vocabulary{suggestion}")
