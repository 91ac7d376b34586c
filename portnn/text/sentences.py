"""Sentences as lists of words, read from text of any size as often as asked."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeAlias, cast

from portnn.text.compression import is_compressed, read_compressed
from portnn.text.encodings import canonical_encoding, decode_chunks
from portnn.text.sources import Source, open_sources
from portnn.text.tokenizers import LONGEST_LINE, LONGEST_WORD, tokenizer

MAX_SENTENCE = 10_000
"""Words after which a sentence is cut."""

SENTENCE_LEVELS = ("word", "space", "char", "jieba")
"""What a word of a sentence can be."""

Advance: TypeAlias = Callable[[int], object]
"""Called with how much was read since the last call."""

_LONGEST_SPACED = 1 << 20
_LONGEST_REMEMBERED = 100
_REMEMBERED = 1 << 16

_WORD = re.compile(rf"\w{{1,{LONGEST_WORD}}}|[^\w\s]{{1,{LONGEST_WORD}}}")


class SentenceStream(ABC):
    """Sentences that can be read more than once.

    Attributes
    ----------
    name : str
        What they are called in a message.
    size : int or None
        How far `read` advances in all; None if that is not known beforehand.
    """

    name: str
    size: int | None

    @abstractmethod
    def read(self, advance: Advance | None = None) -> Iterator[Sequence[str]]:
        """Sentences from the first on; `advance` is told of what is taken: bytes of a file, else sentences."""

    def __iter__(self) -> Iterator[Sequence[str]]:
        return self.read()


class Sentences(SentenceStream):
    r"""Sentences of a text, read anew, piece by piece, each time they are iterated.

    Parameters
    ----------
    source : str, Path or sequence of Paths
        A str is the text itself. Of a folder all files are read, those in its folders too, in the order of their
        names, but for those whose name starts with a dot. Files that end in .gz, .bz2 or .xz are decompressed as
        they are read.
    level : {"word", "space", "char", "jieba"}
        What a word is: a run of letters and digits or of punctuation; what whitespace separates, as in a text that
        is tokenized already; one character; a Chinese word. Whitespace is never a word.
    lines : bool
        Whether each line is a sentence. Otherwise a line end is whitespace like any other. A sentence of more than
        10,000 words is cut, and none reaches from one file into the next.
    lowercase : bool
        Whether words become lowercase.
    encoding : str
        How the bytes of files stand for characters.

    Raises
    ------
    TypeError, ValueError
        If an argument makes no sense, or a folder has no file; while reading, if bytes are not in `encoding` or a
        compressed file is damaged.
    OSError
        If a file cannot be read; while reading, if it is not what it was when this object was made.

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
    ) -> None:
        if level not in SENTENCE_LEVELS:
            raise ValueError(f"level is {level!r}; expected one of {', '.join(SENTENCE_LEVELS)}")
        if isinstance(source, bytes):
            raise TypeError("sentences: source is bytes; expected str, a path or paths")
        canonical_encoding(encoding)
        self.level = level
        self.lines = lines
        self.lowercase = lowercase
        self.encoding = encoding
        folder = isinstance(source, os.PathLike) and Path(source).is_dir()
        self._sources = open_sources(_files(Path(source)) if folder else source)  # type: ignore[arg-type]
        self._split = _splitter(level, lowercase)
        first = os.path.basename(self._sources[0].name)
        more = len(self._sources) - 1
        self.name = Path(source).name if folder else first + (f" and {more} more" if more else "")  # type: ignore[arg-type]
        self.size = sum(each.size for each in self._sources)

    def read(self, advance: Advance | None = None) -> Iterator[list[str]]:
        """Sentences from the first on; `advance` is told the bytes of each piece that is taken."""
        for source in self._sources:
            yield from self._sentences(self._text(source, advance or _ignore))
            if source.changed():
                raise OSError(f"{source.name} changed since these sentences were opened; open them again")

    def _text(self, source: Source, advance: Advance) -> Iterator[str]:
        if source.held is None and is_compressed(source.name):
            raw = read_compressed(source.name, advance)
        else:
            chunks = source.chunks("byte", self.encoding, advance)
            if isinstance(source.held, str):
                return cast(Iterator[str], chunks)
            raw = cast(Iterator[bytes], chunks)
        return decode_chunks(raw, self.encoding, name=source.name, as_bytes=False)

    def _sentences(self, chunks: Iterable[str]) -> Iterator[list[str]]:
        tail = ""
        begun: list[str] = []  # words of the sentence that the last chunk did not end
        for chunk in chunks:
            block, end, tail = (tail + chunk).rpartition("\n")
            for line in (block.split("\n") if self.lines else [block]) if end else ():
                words = begun + self._split(line) if begun else self._split(line)
                begun = []
                if not self.lines or len(words) > MAX_SENTENCE:
                    *whole, begun = _cut(words)
                    yield from whole
                    if self.lines and begun:
                        yield begun
                        begun = []
                elif words:
                    yield words
            if len(tail) >= LONGEST_LINE:
                settled = self._settled(tail)
                *whole, begun = _cut(begun + self._split(tail[:settled]))
                yield from whole
                tail = tail[settled:]
        yield from filter(None, _cut(begun + self._split(tail)))

    def _settled(self, tail: str) -> int:
        """How many characters of a line without an end so far no later text can change."""
        if self.level == "char":
            return len(tail)
        if self.level == "jieba":
            return len(tail) - len(tail) % LONGEST_LINE
        last = len(tail) if tail[-1].isspace() else len(tail) - len(tail.rsplit(None, 1)[-1])
        if last == 0 and self.level == "word":
            *_, match = _WORD.finditer(tail)
            return match.start()
        if len(tail) - last > _LONGEST_SPACED:
            raise ValueError(f"{self.name}: {len(tail) - last:,} characters without whitespace; is this a text?")
        return last


def _files(folder: Path) -> list[Path]:
    names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    paths = [folder / name for name in sorted(names, key=lambda n: n.parts) if not name.name.startswith(".")]
    if not paths:
        raise ValueError(f'corpus "{folder}" is a folder without files')
    return paths


class _Pieces(dict[str, tuple[str, ...]]):
    """Words in what stands between two whitespaces, remembered: most of a text is the same few strings."""

    def __init__(self, lowercase: bool) -> None:
        self._lowercase = lowercase

    def __missing__(self, text: str) -> tuple[str, ...]:
        words = tuple(map(str.lower, _WORD.findall(text)) if self._lowercase else _WORD.findall(text))
        if len(text) <= _LONGEST_REMEMBERED:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[text] = words
        return words


def _splitter(level: str, lowercase: bool) -> Callable[[str], list[str]]:
    """Words of a text. Each is put in lowercase by itself: its letters decide, not its neighbours."""
    if level == "word":
        piece = _Pieces(lowercase).__getitem__
        return lambda text: list(chain.from_iterable(map(piece, text.split())))
    if level == "space":
        return (lambda text: list(map(str.lower, text.split()))) if lowercase else str.split
    if level == "char":
        return lambda text: list(map(str.lower, "".join(text.split()))) if lowercase else list("".join(text.split()))
    split = tokenizer(level).split
    split("")  # says what to install
    lowered = str.lower if lowercase else str
    return lambda text: [word for token in split(text) if (word := lowered(str(token).strip()))]


def _cut(words: list[str]) -> list[list[str]]:
    """Pieces of the longest length, and then the one that is shorter, perhaps empty."""
    return [words[start : start + MAX_SENTENCE] for start in range(0, len(words) + 1, MAX_SENTENCE)]


def _ignore(count: int) -> None:
    """Nobody watches."""
