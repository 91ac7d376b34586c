"""How well captions are predicted and said: loss per word, exact captions, BLEU."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Array, Backend, tree_map
from portnn.batches import HostTable, lengths_of, padded
from portnn.batches.captions import bounded, rows_of
from portnn.estimators.caption_corpus import CaptionCorpus
from portnn.models import CaptionBatch, Parameters, RecurrentDecoder

Host = np.ndarray[Any, Any]

ENTRIES, CHUNK = 1 << 22, 1 << 13
"""Logits that are computed at a time; and captions that are sorted by length together."""

MULTIPLE = 8
"""A library that compiles gets lengths and numbers of captions that are multiples of this."""


class CaptionEvaluation(NamedTuple):
    """How well images are captioned.

    Attributes
    ----------
    loss : float
        Mean loss in nats per word of the captions given, their ends among the words.
    exact : float
        Fraction of the images of which the caption said is one of those given.
    bleu : float or None
        BLEU-4 of the captions said against all those given, from 0 to 100, as sacrebleu computes it; None without
        sacrebleu.
    captions, images : int
        How many were measured.
    """

    loss: float
    exact: float
    bleu: float | None
    captions: int
    images: int


class CaptionEvaluator:
    """Mean loss of some captions, for any parameters of a model.

    Parameters
    ----------
    model : RecurrentDecoder
    backend : Backend
    features : array (images, ...) or HostTable
    corpus : CaptionCorpus
    chosen : integer array (n,), optional
        Numbers of the captions to measure; by default all.
    """

    def __init__(
        self,
        model: RecurrentDecoder,
        backend: Backend,
        features: Array | HostTable,
        corpus: CaptionCorpus,
        chosen: Host | None = None,
    ) -> None:
        self.model, self.backend, self.features, self.corpus = model, backend, features, corpus
        self.chosen = np.arange(len(corpus.rows)) if chosen is None else chosen
        self.multiple = MULTIPLE if backend.library.compiles else 1

    @functools.cached_property
    def _loss(self) -> Callable[[Parameters, CaptionBatch], Array]:
        model, xp = self.model, self.backend.xp

        def loss(params: Parameters, batch: CaptionBatch) -> Array:
            return model.mean_loss(params, batch, xp=xp)

        return self.backend.compile(loss)

    def __getstate__(self) -> dict[str, Any]:
        # A compiled function cannot be pickled; it is made again when it is needed.
        return {name: value for name, value in vars(self).items() if name != "_loss"}

    def __call__(self, params: Parameters) -> float:
        """Mean loss in nats per word."""
        total = words = 0.0
        texts = self.corpus.texts
        for start in range(0, len(self.chosen), CHUNK):
            numbers = self.chosen[start : start + CHUNK]
            lengths = lengths_of(texts.ends, numbers)
            order = np.argsort(lengths, kind="stable")
            first = 0
            while first < len(order):
                longest = int(lengths[order[-1]]) + 1
                most = max(self.multiple, ENTRIES // (longest * self.model.vocabulary_size))
                loss, count = self._block(params, numbers[order[first : first + most]])
                total, words, first = total + loss * count, words + count, first + most
            texts.release()
        return total / words

    def _block(self, params: Parameters, numbers: Host) -> tuple[float, float]:
        """Mean loss of some captions, and their words."""
        texts, spare = self.corpus.texts, -len(numbers) % self.multiple
        numbers = np.sort(numbers)  # neighbours on disk are read together
        ids, lengths = padded(texts.ids, texts.ends, numbers)
        inputs, targets, weights = bounded(ids, lengths, self.model.boundary, self.multiple)
        rows = np.pad(self.corpus.rows[numbers], (0, spare), mode="edge")
        wide = ((0, 0), (0, spare))
        batch = CaptionBatch(
            rows_of(self.features, rows, self.backend),
            np.pad(inputs, wide, mode="edge"),
            np.pad(targets, wide, mode="edge"),
            np.pad(weights, wide),
        )
        return float(self._loss(params, tree_map(self.backend.asarray, batch))), float(weights.sum())


def exact(said: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> float:
    """Fraction of captions that equal one of their references, word for word."""
    right = [list(words) in [list(each) for each in given] for words, given in zip(said, references, strict=True)]
    return sum(right) / len(right)


def bleu(said: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """BLEU-4 of texts against several references each, from 0 to 100.

    Raises
    ------
    ModuleNotFoundError
        If sacrebleu is not installed.
    """
    try:
        import sacrebleu
    except ModuleNotFoundError:
        raise ModuleNotFoundError('BLEU needs sacrebleu; python -m pip install "portnn[captions]"') from None
    most = max(map(len, references))
    # sacrebleu takes one list for the first references of all texts, one for the second, and so on.
    lists = [[given[k] if k < len(given) else None for given in references] for k in range(most)]
    return float(sacrebleu.corpus_bleu(list(said), lists).score)
