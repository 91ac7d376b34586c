"""Held-out loss of a language model."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Backend, tree_map
from portnn.batches import check_integers, check_range
from portnn.models import LanguageBatch, Parameters, RecurrentLM

STREAMS, CHUNK = 8, 128
"""Maximum number of parallel streams in which a text is measured, and ids of each at a time."""

RELEASE_EVERY = 1000
"""Pages of a memory-mapped text are released after this many chunks."""


class Evaluation(NamedTuple):
    """How well a text is predicted.

    Attributes
    ----------
    nats, bits : float
        Mean cross-entropy per token (a character, at level char).
    tokens : int
        Number of tokens predicted.
    """

    nats: float
    bits: float
    tokens: int


class LanguageEvaluator:
    """Mean loss over a text, every id after the first counted once.

    The text is read as parallel streams, each from a zero state, so the first ids of a stream are predicted from little
    context: few streams are slow but exact, many slightly pessimistic.

    Parameters
    ----------
    model : RecurrentLM
    backend : Backend
    ids : integer array (n,), may be memory-mapped
    release : callable, optional
        Called now and then to release what has been read (`portnn.text.Corpus.release`).

    Raises
    ------
    TypeError
        If ids are not integers.
    ValueError
        If there are fewer than two ids or, found only while reading, one that the model does not have.
    """

    def __init__(
        self,
        model: RecurrentLM,
        backend: Backend,
        ids: np.ndarray[Any, Any],
        release: Callable[[], object] | None = None,
    ) -> None:
        check_integers(ids)
        if len(ids) < 2:
            raise ValueError(f"evaluation needs at least two tokens, got {len(ids)}")
        self.model, self.backend, self.ids, self.release = model, backend, ids, release
        self.predicted = len(ids) - 1
        self.streams = max(1, min(STREAMS, self.predicted // CHUNK))
        self.length = math.ceil(self.predicted / self.streams)

    @functools.cached_property
    def _loss(self) -> Callable[[Parameters, LanguageBatch, Any], tuple[Any, Any]]:
        model, xp = self.model, self.backend.xp

        def loss(params: Parameters, batch: LanguageBatch, carry: Any) -> tuple[Any, Any]:
            return model.loss(params, batch, carry, xp=xp)[:2]

        return self.backend.compile(loss)

    def __getstate__(self) -> dict[str, Any]:
        # A compiled function cannot be pickled; it is made again when it is needed.
        return {name: value for name, value in vars(self).items() if name != "_loss"}

    def __call__(self, params: Parameters) -> float:
        """Mean loss in nats per token."""
        carry = tree_map(self.backend.asarray, self.model.initial_carry(self.streams))
        total = 0.0
        for number, start in enumerate(range(0, self.length, CHUNK)):
            batch, count = self._batch(start)
            loss, carry = self._loss(params, tree_map(self.backend.asarray, batch), carry)
            total += float(loss) * count
            if self.release is not None and number % RELEASE_EVERY == 0:
                self.release()
        return total / self.predicted

    def _batch(self, start: int) -> tuple[LanguageBatch, float]:
        """Chunk of all streams from `start`; what lies past a stream's end is id 0 with weight 0."""
        chunk = np.zeros((CHUNK + 1, self.streams), dtype=np.int64)
        weights = np.zeros((CHUNK, self.streams))
        for stream in range(self.streams):
            begin = stream * self.length
            stop = min(begin + self.length, self.predicted)
            some = np.asarray(self.ids[begin + start : min(begin + start + CHUNK, stop) + 1])
            chunk[: len(some), stream] = some
            weights[: max(0, len(some) - 1), stream] = 1.0
        check_range(chunk, self.model.vocabulary_size)
        return LanguageBatch(chunk[:-1], chunk[1:], (), weights), float(weights.sum())


def as_evaluation(nats: float, tokens: int) -> Evaluation:
    """Mean loss in both units.

    Raises
    ------
    ValueError
        If the loss is not finite.
    """
    if not math.isfinite(nats):
        raise ValueError(f"the loss is {nats}; are there NaN or infinity in the model's weights?")
    return Evaluation(nats, nats / math.log(2.0), tokens)
