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
                numbers = rows[chunk[places]]
                found[chunk[places[np.argsort(numbers, kind="stable")]]] = self._batch(params, texts, numbers)
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
        ids, lengths, _ = padded(texts.ids, texts.ends, rows, self.multiple)
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
    targets : array (texts,) or (texts, outputs)
    weights : array (texts,), optional
    rows : integer array (n,), optional
        Numbers of the texts to measure; by default all.
    """

    def __init__(
        self,
        predictor: SequencePredictor,
        texts: EncodedTexts,
        targets: Host,
        weights: Host | None = None,
        rows: Host | None = None,
    ) -> None:
        self.predictor, self.texts = predictor, texts
        self.rows = np.arange(len(texts)) if rows is None else rows
        chosen = targets[self.rows]
        self.targets = chosen.astype(np.float64 if chosen.dtype.kind == "f" else np.int64)
        self.weights = None if weights is None else weights[self.rows]

    def __call__(self, params: Parameters) -> RowEvaluation:
        """Evaluate the model with these parameters."""
        objective = OBJECTIVES[self.predictor.model.objective]
        outputs = self.predictor(params, self.texts, self.rows).astype(np.float64)
        loss, _ = objective.forward(outputs, self.targets, self.weights, xp=np)
        return RowEvaluation(float(loss), objective.score(outputs, self.targets, self.weights), len(self.rows))
