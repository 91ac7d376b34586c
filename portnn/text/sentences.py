"""Sentences as lists of words, read from text of any size, any number of times."""

from __future__ import annotations

import copy
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, TypeAlias, cast

from portnn.settings import brief
from portnn.text.dividing import piece_of
from portnn.text.encodings import canonical_encoding
from portnn.text.sources import name_of, open_sources
from portnn.text.tokenizers import tokenizer
from portnn.text.words import MAX_LINE, NEW_MODELS, PieceCache, WordRules
from portnn.text.words import word_rules as rules_of_words

MAX_SENTENCE = 10_000
"""Number of words after which a sentence is split."""

SENTENCE_LEVELS = ("word", "space", "char", "jieba")
"""What a word of a sentence can be."""

Advance: TypeAlias = Callable[[int], object]
"""Called with the amount read since the last call."""

_MAX_WITHOUT_SPACE = 1 << 20


class SentenceStream(ABC):
    """Sentences that can be read more than once.

    Attributes
    ----------
    name : str
        Name in messages.
    size : int or None
        Total that `read` advances by; None if it is not known in advance.
    """

    name: str
    size: int | None

    @abstractmethod
    def read(self, advance: Advance | None = None) -> Iterator[Sequence[str]]:
        """Read the sentences from the beginning; `advance` is called with the bytes of a file, or sentences, read."""

    @abstractmethod
    def piece(self, rank: int, size: int) -> SentenceStream:
        """The sentences of one of `size` processes, among which they are divided; perhaps none."""

    def __iter__(self) -> Iterator[Sequence[str]]:
        return self.read()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({brief(self.name)})"


class Sentences(SentenceStream):
    r"""Sentences of a text, read piece by piece on each iteration.

    Parameters
    ----------
    source : str, Path or sequence of Paths
        A str is the text itself; for paths see `open_sources`. Files compressed by gzip, bzip2 or xz are decompressed.
    level : {"word", "space", "char", "jieba"}
        What a word is: a word or a run of punctuation (see ``portnn/text/words.py``); whatever whitespace separates,
        for text that is already tokenized; one character; a Chinese word. Whitespace is never a word.
    lines : bool
        Whether each line is a sentence. Otherwise line endings are ordinary whitespace. Sentences are split after
        10,000 words, and none spans two files.
    lowercase : bool
        Whether to convert words to lowercase.
    encoding : str
        Encoding of the files.
    word_rules : str
        At level word, the rules of words: a model keeps those it was trained with.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid, or a folder has no files; while reading, if bytes are not in `encoding` or a
        compressed file is damaged.
    OSError
        If a file cannot be read; while reading, if it has changed since this object was made.

    Examples
    --------
    >>> list(Sentences("The film, a gem.\n\nSee it!"))
    [['the', 'film', ',', 'a', 'gem', '.'], ['see', 'it', '!']]
    """

    size: int

    def __init__(
        self,
        source: str | os.PathLike[str] | Sequence[os.PathLike[str]],
        *,
        level: str = "word",
        lines: bool = True,
        lowercase: bool = True,
        encoding: str = "utf-8",
        word_rules: str = NEW_MODELS,
    ) -> None:
        if level not in SENTENCE_LEVELS:
            raise ValueError(f"level is {brief(level)}; expected one of {', '.join(SENTENCE_LEVELS)}")
        if isinstance(source, bytes):
            raise TypeError("sentences: source is bytes; expected str, a path or paths")
        canonical_encoding(encoding)
        self.level = level
        self.lines = lines
        self.lowercase = lowercase
        self.encoding = encoding
        self._sources = open_sources(source)
        self._rules = rules_of_words(word_rules)
        self._split = splitter(level, lowercase, self._rules)
        self.name = name_of(source, self._sources)
        self.size = sum(part.size for part in self._sources)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_split"}  # functions inside a function

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _split=splitter(state["level"], state["lowercase"], state["_rules"]))

    def read(self, advance: Advance | None = None) -> Iterator[list[str]]:
        """Read the sentences from the beginning; `advance` is called with the bytes of each piece read."""
        for source in self._sources:
            chunks = source.chunks(self.level, self.encoding, advance or _ignore, as_bytes=False)
            yield from self._sentences(cast(Iterator[str], chunks))
            if source.changed():
                raise OSError(f"{source.name} changed since these sentences were opened; open them again")

    def piece(self, rank: int, size: int) -> Sentences:
        """The sentences of one of `size` processes: a piece of the text, of which no more than that is read."""
        piece = copy.copy(self)
        piece._sources = piece_of(self._sources, rank, size, self.encoding)
        piece.size = sum(part.length for part in piece._sources)
        return piece

    def _sentences(self, chunks: Iterable[str]) -> Iterator[list[str]]:
        tail = ""
        unfinished: list[str] = []  # words of the sentence that continues in the next chunk
        for chunk in chunks:
            block, end, tail = (tail + chunk).rpartition("\n")
            for line in (block.split("\n") if self.lines else [block]) if end else ():
                words = unfinished + self._split(line) if unfinished else self._split(line)
                unfinished = []
                if not self.lines or len(words) > MAX_SENTENCE:
                    *whole, unfinished = _cut(words)
                    yield from whole
                    if self.lines and unfinished:
                        yield unfinished
                        unfinished = []
                elif words:
                    yield words
            if len(tail) >= MAX_LINE:
                settled = self._settled(tail)
                *whole, unfinished = _cut(unfinished + self._split(tail[:settled]))
                yield from whole
                tail = tail[settled:]
        yield from filter(None, _cut(unfinished + self._split(tail)))

    def _settled(self, tail: str) -> int:
        """Number of characters of an incomplete line whose words no later text can change."""
        if self.level == "char":
            return len(tail)
        if self.level == "jieba":
            return len(tail) - len(tail) % MAX_LINE
        last = len(tail) if tail[-1].isspace() else len(tail) - len(tail.rsplit(None, 1)[-1])
        if last == 0 and self.level == "word":
            return self._rules.settled(tail)
        if len(tail) - last > _MAX_WITHOUT_SPACE:
            raise ValueError(f"{self.name}: {len(tail) - last:,} characters without whitespace; is this a text?")
        return last


def splitter(level: str, lowercase: bool, rules: WordRules) -> Callable[[str], list[str]]:
    """Function from a text to its words. Each word is lowercased by itself, so that its neighbours play no part."""
    if level == "word":
        words = PieceCache((lambda piece: map(str.lower, rules.words(piece))) if lowercase else rules.words)
        return lambda text: list(chain.from_iterable(map(words.__getitem__, text.split())))
    if level == "space":
        return (lambda text: list(map(str.lower, text.split()))) if lowercase else str.split
    if level == "char":
        return lambda text: list(map(str.lower, "".join(text.split()))) if lowercase else list("".join(text.split()))
    split = tokenizer(level).split
    split("")  # raises an error that says what to install
    lowered = str.lower if lowercase else str
    return lambda text: [word for token in split(text) if (word := lowered(str(token).strip()))]


def _cut(words: list[str]) -> list[list[str]]:
    """Pieces of the maximum length, and then a shorter one, perhaps empty."""
    return [words[start : start + MAX_SENTENCE] for start in range(0, len(words) + 1, MAX_SENTENCE)]


def _ignore(count: int) -> None:
    """Report progress to nobody."""
