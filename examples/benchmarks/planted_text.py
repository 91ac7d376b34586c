"""Text with planted meaning: random sentences from known word vectors, which a model should recover.

Each sentence has a topic, a random direction. The more a word's vector agrees with the topic, the likelier the word;
its rank in Zipf's law counts, too, as in the log-linear model of S. Arora, Y. Li, Y. Liang, T. Ma, A. Risteski (A
latent variable model approach to PMI-based word embeddings, TACL 4, 2016). Some vectors are the sum of the vectors of a
stem and an ending, which gives analogies: stem 1 with ending a is to stem 1 with ending b as stem 2 with ending a is to
stem 2 with ending b. Learned vectors are compared with the planted ones.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

STEMS, ENDINGS, OTHERS, SIZE = 400, 10, 1000, 12


class PlantedText(NamedTuple):
    """Sentences as word ids (sentences, words), and the words' vectors (vocabulary, size)."""

    ids: np.ndarray[Any, Any]
    vectors: np.ndarray[Any, Any]


def planted_text(words: int, *, seed: int = 0, length: int = 20) -> PlantedText:
    """Draw sentences of `length` words."""
    rng = np.random.default_rng(seed)
    stems, endings = rng.normal(size=(STEMS, 1, SIZE)), rng.normal(size=(1, ENDINGS, SIZE))
    inflected = (stems + endings).reshape(-1, SIZE) / np.sqrt(2.0)
    vectors = np.concatenate((inflected, 0.5 * rng.normal(size=(OTHERS, SIZE))))
    rank = rng.permutation(len(vectors))
    base = -np.log(rank + 11.0).astype(np.float32)
    directions = (vectors * 2.0 / np.sqrt(SIZE)).astype(np.float32)
    ids = np.empty((words // length, length), np.int32)
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        topics = 1.7 * rng.normal(size=(len(part), SIZE)).astype(np.float32)
        logits = topics @ directions.T + base
        edges = np.cumsum(np.exp(logits - logits.max(axis=1, keepdims=True)), axis=1)
        draws = rng.random((len(part), length), dtype=np.float32) * edges[:, -1:]
        for row in range(len(part)):
            part[row] = np.minimum(np.searchsorted(edges[row], draws[row]), len(vectors) - 1)
    return PlantedText(ids, vectors)


def similarity(learned: np.ndarray[Any, Any], planted: np.ndarray[Any, Any], pairs: int = 20_000) -> float:
    """Spearman correlation of the learned and planted cosines of random word pairs."""
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    one, other = rng.integers(0, len(learned), (2, pairs))
    one, other = one[one != other], other[one != other]
    cosines = [np.sum(units[one] * units[other], axis=1) for units in (normalised(learned), normalised(planted))]
    return float(spearmanr(*cosines)[0])


def analogies(learned: np.ndarray[Any, Any], words: np.ndarray[Any, Any], questions: int = 2000) -> float:
    """Share of analogies of stems and endings that 3CosAdd answers correctly; `words` are the ids of the rows."""
    rng = np.random.default_rng(0)
    units, row = normalised(learned), {int(word): place for place, word in enumerate(words)}
    asked: list[list[int]] = []
    while len(asked) < questions:
        (stem, another), (ending, changed) = rng.integers(0, STEMS, 2), rng.integers(0, ENDINGS, 2)
        four = [s * ENDINGS + e for s in (stem, another) for e in (ending, changed)]
        if stem != another and ending != changed and all(word in row for word in four):
            asked.append([row[word] for word in four])
    a, b, c, right = np.asarray(asked).T
    scores = (units[b] - units[a] + units[c]) @ units.T
    np.put_along_axis(scores, np.stack((a, b, c), axis=1), -np.inf, axis=1)
    return float(np.mean(scores.argmax(axis=1) == right))


def normalised(vectors: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Rows of unit length."""
    units: np.ndarray[Any, Any] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units
