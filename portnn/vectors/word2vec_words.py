"""Words of the word2vec format, from its bytes to names and back."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from portnn.settings import brief
from portnn.text.encodings import canonical_encoding
from portnn.vectors.word2vec_rows import LONGEST_WORD, ends_in_number

HANDLERS = {"strict": "strict", "replace": "surrogateescape", "surrogateescape": "surrogateescape"}
"""Python's way to treat undecodable bytes, by the value of `errors`.

What Python calls "replace" would give different words the same name. Lone surrogates keep the words distinct, and
writing them gives back the bytes.
"""


class Names:
    """Distinct names of words, in the order of the file; of the same word the first one counts.

    Parameters
    ----------
    encoding : str
    errors : {"strict", "replace", "surrogateescape"}
    """

    def __init__(self, encoding: str, errors: str) -> None:
        if errors not in HANDLERS:
            raise ValueError(f"unknown errors {brief(errors)}; known: {', '.join(HANDLERS)}")
        canonical_encoding(encoding)
        self.encoding, self.handler = encoding, HANDLERS[errors]
        self.known: dict[str, None] = {}
        self.repeated = self.undecodable = 0

    def add(self, word: bytes) -> bool:
        """Add a word; False if it is known.

        Raises
        ------
        ValueError
            If it is not in the encoding, and errors are strict.
        """
        try:
            name, undecodable = word.decode(self.encoding), False
        except UnicodeDecodeError as error:
            if self.handler == "strict":
                raise ValueError(
                    f"byte 0x{word[error.start]:02x} is not {self.encoding}; state the encoding (such as "
                    "--encoding latin-1), or keep the bytes of such words: errors='replace' (--errors replace)"
                ) from None
            name, undecodable = word.decode(self.encoding, self.handler), True
        if name in self.known:
            self.repeated += 1
            return False
        self.known[name] = None
        self.undecodable += undecodable
        return True

    def remarks(self) -> list[str]:
        """What to tell about the words: a line each for those that are repeated and for those not in the encoding."""
        lines = []
        if self.repeated:
            again = "1 word is repeated" if self.repeated == 1 else f"{self.repeated:,} words are repeated"
            lines.append(f"{again}; the first vector of each is kept")
        if self.undecodable:
            lines.append(
                f"{self.undecodable:,} of {len(self.known):,} words are not {self.encoding}; in their names, lone "
                "surrogates stand for the bytes"
            )
        return lines


def encoded(words: Sequence[str], binary: bool) -> list[bytes]:
    """Bytes of words for a file.

    Raises
    ------
    ValueError
        If a word would not be read as it is.
    """
    raw = [_encoded(word, binary) for word in words]
    if not binary and looks_wider(words):
        raise ValueError(f"every word ends with a number, like {brief(words[0])}: it would be taken for a value")
    return raw


def looks_wider(words: Collection[str]) -> bool:
    """Whether every word ends with a number, as if the vectors had more values than their header says."""
    return len(words) > 1 and all(map(ends_in_number, words))


def _encoded(word: str, binary: bool) -> bytes:
    try:
        raw = word.encode("utf-8", "surrogateescape")
        readable = raw.decode("utf-8", "surrogateescape") == word
    except UnicodeEncodeError:
        readable = False
    if not readable:
        raise ValueError(f"{brief(word)} contains a lone surrogate, which UTF-8 cannot hold")
    if binary:
        if not raw or b" " in raw or b"\n" in raw or len(raw) > LONGEST_WORD:
            raise ValueError(
                f"{brief(word)} is empty, contains a space or a line break, or exceeds {LONGEST_WORD:,} bytes, which "
                "the binary format of word2vec cannot hold"
            )
    elif not raw or raw != raw.strip(b" \t") or b"\n" in raw or b"\r" in raw:
        raise ValueError(
            f"{brief(word)} is empty, contains a line break, or begins or ends with a space, which the text format of "
            "word2vec cannot hold"
        )
    return raw
