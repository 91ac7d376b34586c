"""The tokens a model knows, and their ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from portnn.settings import brief, brief_fields
from portnn.text.counting import check_min_count, count_tokens
from portnn.text.lookup import Ids, Lookup, lookup
from portnn.text.sources import slices
from portnn.text.tokenizers import Chunk, Token, tokenizer
from portnn.text.words import NEW_MODELS, OLD_MODELS

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""The unknown token in decoded text, at every level that has one."""

_MAX_SHOWN = 5
_BYTES = tuple(bytes((value,)) for value in range(256))


@dataclass(frozen=True)
class Vocabulary:
    """Tokens in the order of their ids, optionally followed by an unknown token.

    The unknown token stands for everything that is not in the vocabulary. It comes last, so that the id of every other
    token is its rank. Level char has one only if `min_count` dropped a character: otherwise a character that is not in
    the vocabulary is an error, rather than an id that was never trained. Levels word and jieba always have one, since a
    new text contains new words. Level byte never has one: its tokens are all 256 bytes, and their ids are their values.

    Parameters
    ----------
    level : str
        What a token is: char, byte, word or jieba.
    tokens : tuple of str (of bytes at level byte)
        Distinct; the id of each is its index.
    unknown : bool
        Whether there is an unknown token, with the id ``len(tokens)``.
    word_rules : str
        At level word, the rules by which text is cut into words: a model keeps those it was trained with.

    Raises
    ------
    ValueError
        If these do not form a vocabulary.

    Examples
    --------
    >>> vocabulary = Vocabulary.from_text("banana")
    >>> vocabulary.tokens
    ('a', 'n', 'b')
    >>> vocabulary.decode(vocabulary.encode("nab"))
    'nab'
    """

    level: str
    tokens: tuple[Token, ...]
    unknown: bool = False
    word_rules: str = NEW_MODELS

    def __repr__(self) -> str:
        return brief_fields(self)

    def __post_init__(self) -> None:
        rules = tokenizer(self.level, self.word_rules)
        _check_tokens(self.level, self.tokens)
        if not isinstance(self.unknown, bool):
            raise ValueError(f"vocabulary: unknown is {brief(self.unknown)}; expected true or false")
        if rules.level != "char" and self.unknown != (rules.level != "byte"):
            needed = "never" if rules.level == "byte" else "always"
            raise ValueError(f"vocabulary: level {rules.level} {needed} has an unknown token")

    @classmethod
    def from_counts(cls, level: str, counts: Mapping[Token, int], min_count: int = 1) -> Vocabulary:
        """Vocabulary of the tokens that occur often enough, most frequent first, ties in the order of code points.

        Parameters
        ----------
        level : str
            What a token is. At level byte the vocabulary is always the 256 bytes.
        counts : mapping of token to int
            How often each occurs.
        min_count : int
            Tokens that occur less often are dropped.

        Raises
        ------
        TypeError, ValueError
            If `min_count` is not a whole number of 1 or more, drops every token, or is not 1 at level byte.
        """
        noun = tokenizer(level).noun
        least = check_min_count(min_count, level)
        if level == "byte":
            return cls("byte", _BYTES)
        kept = [token for token, count in counts.items() if count >= least]
        if counts and not kept:
            most = max(counts.values())
            raise ValueError(f"min_count {least} drops every {noun}; the highest min_count that keeps one is {most}")
        kept.sort(key=lambda token: (-counts[token], token))
        return cls(level, tuple(kept), unknown=level != "char" or len(kept) < len(counts))

    @classmethod
    def from_text(cls, text: Chunk, level: str = "char", min_count: int = 1) -> Vocabulary:
        """Vocabulary of a text in memory; for files see `read_corpus`."""
        return cls.from_counts(level, count_tokens(level, [slices(text)]), min_count)

    def __len__(self) -> int:
        return len(self.tokens) + self.unknown

    @property
    def unknown_id(self) -> int | None:
        """Id of the unknown token, which is the last one, or None."""
        return len(self.tokens) if self.unknown else None

    def encode(self, text: Chunk, *, noun: str = "text") -> NDArray[np.int64]:
        """Ids of a text.

        Parameters
        ----------
        text : str (or bytes, at level byte)
            The text.
        noun : str
            Name of the text in error messages, for example "prime text".

        Returns
        -------
        ndarray of int64, shape (n_tokens,)

        Raises
        ------
        ValueError
            If a token is not in the vocabulary and the vocabulary has no unknown token.
        """
        pieces = [ids.astype(np.int64) for ids in self.encode_stream(slices(text), noun=noun)]
        return np.concatenate(pieces) if pieces else np.empty(0, np.int64)

    def encode_stream(self, chunks: Iterable[Chunk], *, noun: str = "text") -> Iterator[Ids]:
        """Ids of a text given in chunks, as by `encode`, each piece with dtype `id_dtype`."""
        dtype = self.id_dtype
        for ids, missing in self._lookup.stream(chunks):
            if missing and not self.unknown:
                raise ValueError(self._not_known(missing, noun))
            yield ids.astype(dtype, copy=False)

    @property
    def id_dtype(self) -> np.dtype[np.unsignedinteger]:
        """Smallest unsigned dtype that holds every id."""
        return np.min_scalar_type(max(len(self) - 1, 0))

    def unknown_in(self, text: Chunk) -> list[Token]:
        """Distinct tokens of a text that are not in the vocabulary, in order of appearance."""
        return list(dict.fromkeys(t for _, missing in self._lookup.stream(slices(text)) for t in missing))

    def decode(self, ids: ArrayLike) -> str:
        """Text of ids; bytes that are not UTF-8, and the unknown token, become U+FFFD.

        Parameters
        ----------
        ids : array_like of int, shape (n_tokens,)

        Raises
        ------
        TypeError
            If `ids` are not integers.
        ValueError
            If an id is out of range, or `ids` does not have exactly one axis.
        """
        ids = np.asarray(ids)
        if ids.ndim != 1:
            raise ValueError(f"decode: ids have shape {ids.shape}; expected one axis")
        if ids.size == 0:
            return ""
        if ids.dtype.kind not in "iu":
            raise TypeError(f"decode: ids have dtype {ids.dtype}; expected integers")
        for bound in (int(ids.min()), int(ids.max())):
            check_id(bound, len(self))
        if self.level == "byte":
            return ids.astype(np.uint8).tobytes().decode("utf-8", "replace")
        if self.level == "char":
            data: bytes = self._code_points[ids].tobytes()
            return data.decode("utf-32-le", "surrogatepass")
        return "".join([self.texts[i] for i in ids.tolist()])

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON types for the metadata of a checkpoint."""
        if self.level == "byte":
            return {"level": self.level}
        record = {"level": self.level, "tokens": list(self.tokens), "unknown": self.unknown}
        return record | ({"word_rules": self.word_rules} if self.level == "word" else {})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Vocabulary:
        """Vocabulary from the result of `to_json`.

        Raises
        ------
        ValueError
            If `data` is anything else.
        """
        if not isinstance(data, Mapping):
            raise ValueError(f"vocabulary: expected a JSON object, not {type(data).__name__}")
        level = tokenizer(data.get("level", "")).level
        keys = {"level"} if level == "byte" else {"level", "tokens", "unknown"}
        if set(data) - ({"word_rules"} if level == "word" else set()) != keys:
            raise ValueError(f"vocabulary: keys are {sorted(map(str, data))}; expected {sorted(keys)}")
        if level == "byte":
            return cls("byte", _BYTES)
        tokens = data["tokens"]
        if not isinstance(tokens, list):
            raise ValueError(f"vocabulary: tokens are {type(tokens).__name__}; expected a list")
        rules = data.get("word_rules", OLD_MODELS) if level == "word" else NEW_MODELS
        return cls(level, tuple(tokens), data["unknown"], rules)

    @cached_property
    def _lookup(self) -> Lookup:
        return lookup(self.level, self.tokens, self.word_rules)

    @cached_property
    def texts(self) -> list[str]:
        """Text of each id; empty at level byte, where one id need not make a character."""
        return [token for token in self.tokens if isinstance(token, str)] + [UNKNOWN] * self.unknown

    @cached_property
    def _code_points(self) -> NDArray[np.uint32]:
        return np.asarray([ord(token) for token in self.texts], np.dtype("<u4"))

    def _not_known(self, missing: Sequence[Token], noun: str) -> str:
        shown = ", ".join(f"{brief(token)} (U+{ord(token):04X})" for token in missing[:_MAX_SHOWN])
        more = len(missing) - _MAX_SHOWN
        tail = "" if more < 1 else f" and {more} other{'s' * (more > 1)}"
        return f"{noun} has {tokenizer(self.level).noun}s that the model has never seen: {shown}{tail}"


def check_id(token_id: int, count: int) -> None:
    """Refuse an id that a vocabulary of `count` tokens does not have."""
    if not 0 <= token_id < count:
        raise ValueError(f"decode: id {token_id} is not in 0..{count - 1}, the ids of this vocabulary")


def _check_tokens(level: str, tokens: tuple[Token, ...]) -> None:
    if level == "byte":
        if tokens != _BYTES:
            raise ValueError("vocabulary: the tokens of level byte must be the 256 bytes in order")
        return
    if not tokens:
        raise ValueError("vocabulary: no tokens")
    for token in tokens:
        if not isinstance(token, str) or not token or (level == "char" and len(token) != 1):
            wanted = "one character" if level == "char" else "a text of at least one character"
            raise ValueError(f"vocabulary: token {brief(token)} at level {level}; expected {wanted}")
    if len(set(tokens)) < len(tokens):
        (repeated, _), *_ = Counter(tokens).most_common(1)
        raise ValueError(f"vocabulary: token {brief(repeated)} occurs more than once")
