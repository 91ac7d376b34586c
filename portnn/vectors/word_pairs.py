"""Similarities of word pairs beside what people say of them, in the form of the file wordsim353.tsv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from portnn.vectors.question_files import known_words, numbered_lines

if TYPE_CHECKING:
    from portnn.vectors.keyed_vectors import KeyedVectors

Host = np.ndarray[Any, Any]


class PairScores(NamedTuple):
    """How the similarities of word pairs go along with people's.

    Attributes
    ----------
    pearson : float
        Correlation of the values.
    spearman : float
        Correlation of their ranks.
    pairs : int
        Pairs that were compared.
    unknown : int
        Pairs that were left out, since a word of them is not in the vocabulary.
    """

    pearson: float
    spearman: float
    pairs: int
    unknown: int


def evaluate_pairs(
    wv: KeyedVectors, path: Path, restrict_vocab: int | None = None, case_insensitive: bool = True
) -> PairScores:
    """Compare similarities with those in a file.

    Parameters
    ----------
    wv : KeyedVectors
    path : path
        Lines "word, tab, word, tab, score"; those that start with "#" are comments. .gz, .bz2 and .xz are read, too.
    restrict_vocab : int, optional
        Only the first so many words count as known.
    case_insensitive : bool
        Compare words in capitals; of words that differ in case alone the first one counts.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If a line is of another form, or fewer than two pairs are known.
    """
    known = known_words(wv.index_to_key, restrict_vocab, case_insensitive)
    judged, computed, unknown = [], [], 0
    for number, line in numbered_lines(path):
        if line.startswith("#") or not line.strip():
            continue
        fields = line.split("\t")
        if len(fields) != 3:
            raise ValueError(f"{path}, line {number}: {len(fields)} fields between tabs, expected word, word, score")
        try:
            score = float(fields[2])
        except ValueError:
            raise ValueError(f"{path}, line {number}: {fields[2].strip()!r} is no number") from None
        if not np.isfinite(score):
            raise ValueError(f"{path}, line {number}: the score is {score}, expected a finite number")
        rows = [known.get(word.strip().upper() if case_insensitive else word.strip()) for word in fields[:2]]
        if None in rows:
            unknown += 1
            continue
        judged.append(score)
        computed.append(wv.similarity(*rows))
    if len(judged) < 2:
        raise ValueError(
            f"{path}: of {len(judged) + unknown} word pairs, {len(judged)} have both words in the vocabulary; "
            "a correlation needs two"
        )
    return PairScores(
        correlation(judged, computed), correlation(ranks(judged), ranks(computed)), len(judged), unknown
    )  # fmt: skip


def correlation(x: Sequence[float] | Host, y: Sequence[float] | Host) -> float:
    """Pearson's correlation of two series (n,); NaN if one of them is constant.

    Examples
    --------
    >>> round(correlation([1, 2, 3], [2, 4, 7]), 4)
    0.9934
    """
    a, b = (np.asarray(values, dtype=np.float64) for values in (x, y))
    a, b = a - a.mean(), b - b.mean()
    scale = np.linalg.norm(a) * np.linalg.norm(b)
    return float(np.clip(a @ b / scale, -1.0, 1.0)) if scale > 0 else float("nan")


def ranks(values: Sequence[float] | Host) -> Host:
    """Ranks (n,) from 1; equal values share the mean of theirs.

    Examples
    --------
    >>> ranks([10, 30, 20, 10]).tolist()
    [1.5, 4.0, 3.0, 1.5]
    """
    _, places, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[places])
