"""Sentences as lists of words, read from text of any size, any number of times."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias, cast

from portnn.text.compression import is_compressed, read_compressed
from portnn.text.encodings import canonical_encoding, decode_chunks
from portnn.text.sources import Source, open_sources
from portnn.text.tokenizers import MAX_LINE, MAX_WORD, tokenizer

MAX_SENTENCE = 10_000
"""Number of words after which a sentence is split."""

SENTENCE_LEVELS = ("word", "space", "char", "jieba")
"""What a word of a sentence can be."""

Advance: TypeAlias = Callable[[int], object]
"""Called with the amount read since the last call."""

_MAX_WITHOUT_SPACE = 1 << 20
_MAX_CACHED_LENGTH = 100
_MAX_CACHED = 1 << 16

_WORD = re.compile(rf"\w{{1,{MAX_WORD}}}|[^\w\s]{{1,{MAX_WORD}}}")


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

    def __iter__(self) -> Iterator[Sequence[str]]:
        return self.read()


class Sentences(SentenceStream):
    r"""Sentences of a text, read piece by piece on each iteration.

    Parameters
    ----------
    source : str, Path or sequence of Paths
        A str is the text itself. A folder stands for all files in it and in its subfolders, in the order of their
        names, except those whose name starts with a dot. Files that end in .gz, .bz2 or .xz are decompressed.
    level : {"word", "space", "char", "jieba"}
        What a word is: a run of letters and digits or of punctuation; whatever whitespace separates, for text that is
        already tokenized; one character; a Chinese word. Whitespace is never a word.
    lines : bool
        Whether each line is a sentence. Otherwise line endings are ordinary whitespace. Sentences are split after
        10,000 words, and none spans two files.
    lowercase : bool
        Whether to convert words to lowercase.
    encoding : str
        Encoding of the files.

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
        self.size = sum(part.size for part in self._sources)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_split"}  # functions inside a function

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _split=_splitter(state["level"], state["lowercase"]))

    def read(self, advance: Advance | None = None) -> Iterator[list[str]]:
        """Read the sentences from the beginning; `advance` is called with the bytes of each piece read."""
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
            *_, match = _WORD.finditer(tail)
            return match.start()
        if len(tail) - last > _MAX_WITHOUT_SPACE:
            raise ValueError(f"{self.name}: {len(tail) - last:,} characters without whitespace; is this a text?")
        return last


def _files(folder: Path) -> list[Path]:
    names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    paths = [folder / name for name in sorted(names, key=lambda n: n.parts) if not name.name.startswith(".")]
    if not paths:
        raise ValueError(f'corpus "{folder}" is a folder without files')
    return paths


class _Pieces(dict[str, tuple[str, ...]]):
    """Cache of the words between two whitespaces: most of a text consists of the same few strings."""

    def __init__(self, lowercase: bool) -> None:
        self._lowercase = lowercase

    def __missing__(self, text: str) -> tuple[str, ...]:
        words = tuple(map(str.lower, _WORD.findall(text)) if self._lowercase else _WORD.findall(text))
        if len(text) <= _MAX_CACHED_LENGTH:
            if len(self) >= _MAX_CACHED:
                self.clear()
            self[text] = words
        return words


def _splitter(level: str, lowercase: bool) -> Callable[[str], list[str]]:
    """Function from a text to its words. Each word is lowercased by itself, so that its neighbours play no part."""
    if level == "word":
        piece = _Pieces(lowercase).__getitem__
        return lambda text: list(chain.from_iterable(map(piece, text.split())))
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
