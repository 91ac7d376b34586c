"""A text as ids, in memory or mapped from a file."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from portnn.groups import ALONE, Group
from portnn.settings import brief, brief_fields, checked_number, fraction
from portnn.text.cache import CacheEntry, release_pages
from portnn.text.cache_folder import cache_folder
from portnn.text.counting import check_min_count, count_tokens, counts_of_all
from portnn.text.encodings import canonical_encoding
from portnn.text.lookup import Ids
from portnn.text.sources import Progress, SourceLike, name_of, open_sources
from portnn.text.tokenizers import Chunk, Token, tokenizer
from portnn.text.vocabulary import Vocabulary
from portnn.text.words import NEW_MODELS, word_rules

MEMORY_LIMIT = 64 << 20
"""Files larger than this many bytes are encoded to disk."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """Ids of a text and their vocabulary.

    Parameters
    ----------
    ids : ndarray or memmap of unsigned integers, shape (n_tokens,)
        In the smallest dtype that holds the vocabulary; read-only if made by `read_corpus`.
    vocabulary : Vocabulary
        What the ids mean.
    name : str
        Name of the text.
    """

    ids: Ids
    vocabulary: Vocabulary
    name: str = "text"

    def __repr__(self) -> str:
        return brief_fields(self)

    def __post_init__(self) -> None:
        if self.ids.dtype.kind != "u":
            raise TypeError(f"corpus: ids have dtype {self.ids.dtype}; expected unsigned integers")
        if self.ids.ndim != 1:
            raise ValueError(f"corpus: ids have shape {self.ids.shape}; expected one axis")

    def __len__(self) -> int:
        return int(self.ids.size)

    def split(self, held_out: float = 0.05) -> tuple[Ids, Ids]:
        """Split off the end of the text for evaluation.

        Parameters
        ----------
        held_out : float
            Fraction of the tokens, in [0, 1), rounded to a whole number of tokens.

        Returns
        -------
        train_ids, held_out_ids : ndarray
            Views of `ids`; the second may be empty.

        Raises
        ------
        ValueError
            If `held_out` is out of range or leaves nothing to train on.

        Examples
        --------
        >>> train, rest = read_corpus("abcabcabca").split(0.2)
        >>> train.size, rest.size
        (8, 2)
        """
        held_out = checked_number("held_out", held_out, float, fraction)
        kept = len(self) - round(len(self) * held_out)
        if kept < 1:
            raise ValueError(f"held_out is {held_out}, which leaves none of {len(self)} tokens to train on")
        return self.ids[:kept], self.ids[kept:]

    def release(self) -> None:
        """Release the memory pages of a mapped file that have been read.

        They count as resident until the system needs their memory. The ids stay usable. Has no effect on ids in
        memory, or on Windows.
        """
        release_pages(self.ids)


def read_corpus(
    source: SourceLike,
    *,
    level: str | None = None,
    encoding: str = "utf-8",
    min_count: int = 1,
    vocabulary: Vocabulary | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    memory_limit: int = MEMORY_LIMIT,
    progress: Progress | None = None,
    group: Group = ALONE,
) -> Corpus:
    """Read a text of any size as ids.

    Parameters
    ----------
    source : str, bytes, path or sequence of paths
        A str is the text itself, bytes are the content of a file; `pathlib.Path` objects name files, folders or
        standard input, as in `open_sources`, which are read in order. No token spans two files.
    level : {"char", "byte", "word", "jieba"}, optional
        What a token is. Defaults to the level of `vocabulary`, or to char.
    encoding : str
        Encoding of the files; level byte ignores it.
    min_count : int
        Tokens that occur less often become the unknown token. Has no effect if `vocabulary` is given.
    vocabulary : Vocabulary, optional
        Vocabulary to use, for example that of a trained model. By default it is made from the text.
    cache_dir : path, optional
        Folder of encoded files. Defaults to the environment variable PORTNN_CACHE, or to "portnn" in the user's cache
        folder. It keeps what was used in the last 90 days, up to 10 GiB or PORTNN_CACHE_SIZE.
    memory_limit : int
        Files with more bytes in total are encoded once, to a file in `cache_dir`, which is mapped into memory.
    progress : callable, optional
        Called about once per MiB with the bytes done and the total bytes, over all passes.
    group : Group
        Processes that each read a text of their own; the vocabulary is that of all.

    Returns
    -------
    Corpus

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid; if the corpus is empty, has a single distinct token, is not in `encoding`, or has
        tokens that are not in a `vocabulary` without an unknown token; if `min_count` drops every token.
    OSError
        If a file cannot be read or changes while it is read, or if the cache folder is not writable.

    Examples
    --------
    >>> corpus = read_corpus("banana")
    >>> corpus.ids
    array([2, 0, 1, 0, 1, 0], dtype=uint8)
    """
    level = _agreed_level(level, vocabulary)
    least = check_min_count(min_count, level)
    codec = canonical_encoding(encoding)
    sources = open_sources(source)
    size = sum(file.size for file in sources)
    if size == 0:
        raise ValueError("corpus is empty")
    name = name_of(source, sources)
    passes = 1 if vocabulary is not None else 2
    advance = _meter(progress, passes * size)

    def streams() -> Iterator[Iterator[Chunk]]:
        return (file.chunks(level, encoding, advance) for file in sources)

    if vocabulary is None and group.size > 1:
        vocabulary = _learn(level, streams(), least, group)

    def known_or_learned() -> Vocabulary:
        return vocabulary if vocabulary is not None else _learn(level, streams(), least)

    def encoded(known: Vocabulary) -> Iterator[Ids]:
        for file, chunks in zip(sources, streams(), strict=True):
            yield from known.encode_stream(chunks, noun=file.name)
        for file in sources:
            if file.changed():
                raise OSError(f"{file.name} changed while it was read; read it again")

    stamps = [file.stamp for file in sources]
    # A pipe or a text in memory has no stamp that identifies it, and is in memory already.
    if size <= memory_limit or None in stamps:
        known = known_or_learned()
        ids = np.concatenate([np.empty(0, known.id_dtype), *encoded(known)])
        if ids.size == 0:
            raise ValueError("corpus is empty")
        ids.flags.writeable = False
        return Corpus(ids, known, name)

    facts = {
        "files": stamps,
        "level": level,
        "rules": _rules(level, vocabulary),
        "encoding": codec,
        "min_count": least,
        "vocabulary": None if vocabulary is None else vocabulary.to_json(),
    }
    entry = CacheEntry(cache_folder(cache_dir), facts)
    loaded = entry.load()
    if loaded is None:
        with entry.writing() as writer:
            known = known_or_learned()
            if writer.write(known, encoded(known)) == 0:
                raise ValueError("corpus is empty")
            writer.commit(known)
        loaded = entry.load()
        if loaded is None:
            raise OSError(f'cannot read back what was written to the cache folder "{entry.folder}"')
    else:
        advance(passes * size)
    return Corpus(*loaded, name)


def _learn(level: str, streams: Iterable[Iterable[Chunk]], min_count: int, group: Group = ALONE) -> Vocabulary:
    counts = counts_of_all(count_tokens(level, streams), group)
    if not counts:
        raise ValueError("corpus is empty")
    if len(counts) == 1:
        noun = tokenizer(level).noun
        raise ValueError(f"corpus has one distinct {noun} ({_only(counts)}); there is nothing to learn")
    return Vocabulary.from_counts(level, counts, min_count)


def _only(counts: Mapping[Token, int]) -> str:
    (token,) = counts
    return f"0x{token[0]:02x}" if isinstance(token, bytes) else brief(token)


def _agreed_level(level: str | None, vocabulary: Vocabulary | None) -> str:
    if vocabulary is None:
        return tokenizer("char" if level is None else level).level
    if level is not None and tokenizer(level).level != vocabulary.level:
        raise ValueError(f"level is {brief(level)}, but the vocabulary is of level {brief(vocabulary.level)}")
    return vocabulary.level


def _meter(progress: Progress | None, total: int) -> Callable[[int], None]:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done = min(done + count, total)
        if progress is not None:
            progress(done, total)

    return advance


def _rules(level: str, vocabulary: Vocabulary | None) -> Any:
    """Rules by which tokens are split, and their versions."""
    if level == "word":
        rules = word_rules(NEW_MODELS if vocabulary is None else vocabulary.word_rules)
        return [rules.name, rules.version]
    if level == "jieba":
        tokenizer(level).split("")  # raises an error that says what to install
        return importlib.metadata.version("rjieba")
    return None
