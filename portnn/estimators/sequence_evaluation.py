"""Outputs, loss and score of a classifier of sequences."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from portnn.backends import Array, Backend, tree_map
from portnn.batches import lengths_of, padded
from portnn.estimators.row_evaluation import RowEvaluation
from portnn.models import Parameters, SequenceBatch, SequenceClassifier
from portnn.objectives import OBJECTIVES
from portnn.text import EncodedTexts

Host = np.ndarray[Any, Any]

TOKENS, CHUNK = 1 << 14, 1 << 13
"""Ids, padding included, that are computed at a time; and texts that are sorted by length together."""

PIECE = 1 << 16
"""Texts that are evaluated at a time."""

MULTIPLE = 8
"""A library that compiles gets lengths and numbers of sequences that are multiples of this."""


class SequencePredictor:
    """Outputs of a classifier for any number of texts.

    Parameters
    ----------
    model : SequenceClassifier
    backend : Backend
    """

    def __init__(self, model: SequenceClassifier, backend: Backend) -> None:
        self.model, self.backend = model, backend
        self.multiple = MULTIPLE if backend.library.compiles else 1

    @functools.cached_property
    def _outputs(self) -> Callable[[Parameters, SequenceBatch], Array]:
        model, xp = self.model, self.backend.xp

        def outputs(params: Parameters, batch: SequenceBatch) -> Array:
            return model.outputs_of(params, batch, xp=xp)[0]

        return self.backend.compile(outputs)

    def __getstate__(self) -> dict[str, Any]:
        # A compiled function cannot be pickled; it is made again when it is needed.
        return {name: value for name, value in vars(self).items() if name != "_outputs"}

    def __call__(self, params: Parameters, texts: EncodedTexts, rows: Host | None = None) -> Host:
        """Logits (texts, outputs) on the host, of all texts or those with some numbers."""
        rows = np.arange(len(texts)) if rows is None else rows
        found = np.empty((len(rows), self.model.outputs), self.backend.dtype)
        for start in range(0, len(rows), CHUNK):
            chunk = np.arange(start, min(start + CHUNK, len(rows)))
            lengths = lengths_of(texts.ends, rows[chunk])
            order = np.argsort(lengths, kind="stable")
            for places in self._cut(order, lengths):
                places = places[np.argsort(rows[chunk[places]], kind="stable")]  # neighbours on disk are read together
                found[chunk[places]] = self._batch(params, texts, rows[chunk[places]])
            texts.release()
        return found

    def _cut(self, order: Host, lengths: Host) -> list[Host]:
        """Places in the order of length, as many at a time as make some number of ids with the longest of them."""
        pieces = []
        stop = len(order)
        while stop:
            most = max(self.multiple, TOKENS // max(int(lengths[order[stop - 1]]), self.multiple))
            pieces.append(order[max(0, stop - most) : stop])
            stop = max(0, stop - most)
        return pieces

    def _batch(self, params: Parameters, texts: EncodedTexts, rows: Host) -> Host:
        ids, lengths = padded(texts.ids, texts.ends, rows, self.multiple)
        spare = -len(rows) % self.multiple
        if spare:
            ids = np.pad(ids, ((0, 0), (0, spare)), mode="edge")
            lengths = np.pad(lengths, (0, spare), mode="edge")
        whole = self.multiple == 1 and lengths.min() == len(ids)
        batch = SequenceBatch(ids, None if whole else lengths, np.zeros(0, np.int64))
        outputs = self._outputs(params, tree_map(self.backend.asarray, batch))
        return np.asarray(self.backend.to_host(outputs))[: len(rows)]


class SequenceEvaluator:
    """Loss and score on some texts, for any parameters of a model.

    Parameters
    ----------
    predictor : SequencePredictor
    texts : EncodedTexts
    targets : array (texts,) or (texts, outputs), may be memory-mapped
    weights : array (texts,), optional
    chosen : callable, optional
        Places (n,) among the texts to measure -> their numbers (n,) among all; without it, all are measured.
    count : int, optional
        How many are measured; by default all.
    """

    def __init__(
        self,
        predictor: SequencePredictor,
        texts: EncodedTexts,
        targets: Host,
        weights: Host | None = None,
        chosen: Callable[[Host], Host] | None = None,
        count: int | None = None,
    ) -> None:
        self.predictor, self.texts, self.targets, self.weights, self.chosen = predictor, texts, targets, weights, chosen
        self.count = len(texts) if count is None else count

    def __call__(self, params: Parameters) -> RowEvaluation:
        """Evaluate the model with these parameters, a piece of the texts at a time, so that memory does not grow.

        Raises
        ------
        ValueError
            If no text counts.
        """
        objective = OBJECTIVES[self.predictor.model.objective]
        loss = score = total = 0.0
        for start in range(0, self.count, PIECE):
            rows = np.arange(start, min(start + PIECE, self.count))
            rows = rows if self.chosen is None else np.sort(self.chosen(rows))  # neighbours on disk are read together
            weights = None if self.weights is None else self.weights[rows]
            share = float(len(rows) if weights is None else weights.sum())
            if not share:
                continue
            targets = self.targets[rows]
            targets = targets.astype(np.float64 if targets.dtype.kind == "f" else np.int64)
            outputs = self.predictor(params, self.texts, rows).astype(np.float64)
            loss += share * float(objective.forward(outputs, targets, weights, xp=np)[0])
            score += share * objective.score(outputs, targets, weights)
            total += share
        if not total:
            raise ValueError("none of the texts to measure counts: their sample_weight is 0")
        return RowEvaluation(loss / total, score / total, self.count)
