"""Ids to text one by one, for a sample that is printed while it is drawn."""

from __future__ import annotations

import codecs
import operator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portnn.text.vocabulary import Vocabulary


class StreamDecoder:
    """Text of ids that come one by one; the pieces joined are what `Vocabulary.decode` gives.

    Parameters
    ----------
    vocabulary : Vocabulary
        Whose ids will come.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace") if vocabulary.level == "byte" else None

    def feed(self, token_id: int) -> str:
        """Text that one more id settles; at level byte empty while a character is incomplete.

        Raises
        ------
        TypeError
            If `token_id` is not an integer.
        ValueError
            If it is out of range.
        """
        place = operator.index(token_id)
        check_id(place, len(self._vocabulary))
        if self._utf8 is not None:
            return self._utf8.decode(bytes((place,)))
        return self._vocabulary.decode([place])

    def finish(self) -> str:
        """Give what is left of a character that never became complete, and start anew."""
        if self._utf8 is None:
            return ""
        return self._utf8.decode(b"", final=True)


def check_id(token_id: int, count: int) -> None:
    """Refuse an id that a vocabulary of `count` tokens does not have."""
    if not 0 <= token_id < count:
        raise ValueError(f"decode: id {token_id} is not in 0..{count - 1}, the ids of this vocabulary")
