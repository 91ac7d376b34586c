"""Text from ids that arrive one by one, as when a sample is printed while it is drawn."""

from __future__ import annotations

import codecs
import operator

from portnn.text.vocabulary import Vocabulary, check_id


class StreamDecoder:
    """Decoder of ids that arrive one by one; the joined pieces equal the result of `Vocabulary.decode`.

    Parameters
    ----------
    vocabulary : Vocabulary
        What the ids mean.

    Examples
    --------
    >>> decoder = StreamDecoder(Vocabulary.from_text("", "byte"))
    >>> [decoder.feed(byte) for byte in "é".encode()], decoder.finish()
    (['', 'é'], '')
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._size, self._texts = len(vocabulary), vocabulary.texts
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace") if vocabulary.level == "byte" else None

    def feed(self, token_id: int) -> str:
        """Text completed by one more id; at level byte empty while a character is incomplete.

        Raises
        ------
        TypeError
            If `token_id` is not an integer.
        ValueError
            If it is out of range.
        """
        index = operator.index(token_id)
        check_id(index, self._size)
        if self._utf8 is not None:
            return self._utf8.decode(bytes((index,)))
        return self._texts[index]

    def finish(self) -> str:
        """Text of a character left incomplete; the decoder then starts afresh."""
        if self._utf8 is None:
            return ""
        return self._utf8.decode(b"", final=True)
