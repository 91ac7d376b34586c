"""Vectors that words start with: those given, and random ones for the words that have none."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from portnn.models import SequenceClassifier
from portnn.models.sequence_classifier import TABLE
from portnn.text import WordVocabulary
from portnn.training import say
from portnn.vectors import KeyedVectors

Host = np.ndarray[Any, Any]


def given_vectors(given: Any, size: int | None) -> KeyedVectors:
    """Vectors on the host.

    Parameters
    ----------
    given : KeyedVectors, Word2Vec, or path of a file of word vectors
    size : int or None
        Entries that each must have.

    Raises
    ------
    TypeError
        If they are neither vectors nor the path of any.
    ValueError
        If they are of another width.
    """
    wv = KeyedVectors.load(given) if isinstance(given, str | os.PathLike) else getattr(given, "wv", given)
    if not isinstance(wv, KeyedVectors):
        raise TypeError(f"vectors is {type(given).__name__}, expected KeyedVectors, a Word2Vec, or a path")
    if wv.vector_size != size:
        raise ValueError(f"the vectors have {wv.vector_size} entries, but embedding_size is {size}")
    return wv.to("numpy")


def first_params(
    model: SequenceClassifier,
    rng: np.random.Generator,
    scale: float | None,
    vocabulary: WordVocabulary,
    wv: KeyedVectors | None,
    *,
    quiet: bool,
) -> dict[str, Host]:
    """Draw the parameters to start from, on the host; words without a vector get random ones of the same size.

    Raises
    ------
    ValueError
        If there are vectors, but no word has one.
    """
    drawn = model.init(rng, scale)
    if wv is not None:
        there = [number for number, word in enumerate(vocabulary.words) if word in wv]
        if not there:
            raise ValueError(f"none of the {len(vocabulary):,} words has a vector; is it the same language?")
        vectors = np.asarray(wv[[vocabulary.words[number] for number in there]], np.float64)
        drawn[TABLE] *= float(vectors.std()) / float(drawn[TABLE].std())
        drawn[TABLE][there] = vectors
        if not quiet:
            say(f"vectors: {len(there):,} of {len(vocabulary):,} words start with one")
    return drawn
