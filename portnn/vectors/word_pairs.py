"""Correlation of word similarities with human ratings, in the format of wordsim353.tsv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from portnn.vectors.queries import searched
from portnn.vectors.question_files import BLANKS, known_words, numbered_lines
from portnn.vectors.word_table import Host, WordTable
from portnn.vectors.written_numbers import written_number


class PairScores(NamedTuple):
    """Agreement of the similarities of word pairs with human ratings.

    Attributes
    ----------
    pearson : float
        Correlation of the values.
    spearman : float
        Correlation of their ranks.
    pairs : int
        Pairs compared.
    unknown : int
        Pairs skipped because a word is not in the vocabulary.
    """

    pearson: float
    spearman: float
    pairs: int
    unknown: int


def evaluate_pairs(
    table: WordTable, path: Path, restrict_vocab: int | None = None, case_insensitive: bool = True
) -> PairScores:
    """Compare similarities with the ratings in a file.

    Parameters
    ----------
    table : KeyedVectors
    path : path
        Lines "word, tab, word, tab, score"; lines that start with "#" are comments. .gz, .bz2 and .xz are
        decompressed.
    restrict_vocab : int, optional
        Use only this many words from the start of the vocabulary.
    case_insensitive : bool
        Compare words in uppercase; of words that differ only in case, the first one counts.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If a line is malformed, or fewer than two pairs are known.
    """
    restrict_vocab = searched(restrict_vocab)
    known = known_words(table.index_to_key, restrict_vocab, case_insensitive)
    ratings, similarities, unknown = [], [], 0
    for number, line in numbered_lines(path):
        if line.startswith("#") or not line.strip(BLANKS):
            continue
        fields = line.split("\t")
        if len(fields) != 3:
            raise ValueError(f"{path}, line {number}: {len(fields)} fields between tabs, expected word, word, score")
        try:
            score = written_number(fields[2].strip(BLANKS).encode())
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
        if not np.isfinite(score):
            raise ValueError(f"{path}, line {number}: the score is {score}, expected a finite number")
        words = [word.strip(BLANKS) for word in fields[:2]]
        rows = [known.get(word.upper() if case_insensitive else word) for word in words]
        if None in rows:
            unknown += 1
            continue
        ratings.append(score)
        similarities.append(table.similarity(*rows))
    if len(ratings) < 2:
        raise ValueError(
            f"{path}: of {len(ratings) + unknown} word pairs, {len(ratings)} have both words in the vocabulary; "
            "a correlation needs two"
        )
    pearson = correlation(ratings, similarities)
    spearman = correlation(ranks(ratings), ranks(similarities))
    return PairScores(pearson, spearman, len(ratings), unknown)


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
    """Ranks (n,) from 1; equal values share the mean of their ranks.

    Examples
    --------
    >>> ranks([10, 30, 20, 10]).tolist()
    [1.5, 4.0, 3.0, 1.5]
    """
    _, indices, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[indices])
