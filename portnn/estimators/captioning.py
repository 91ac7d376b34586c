"""Saying captions: by beam search or drawn at random, for many images at a time."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from portnn.backends import Array, Backend, tree_map
from portnn.estimators.caption_beam import Found, beam_search
from portnn.estimators.captioner_settings import GenerateSettings
from portnn.estimators.sampling import draw
from portnn.models import Parameters, RecurrentDecoder
from portnn.models.recurrent_decoder import Step
from portnn.models.recurrent_stack import States

Host = np.ndarray[Any, Any]

ENTRIES = 1 << 22
"""Log-probabilities that are computed at a time."""

BEGINNINGS = 1 << 12
"""Captions that are followed at a time, so that the first ones come soon."""


class Speaker:
    """Says captions of one block of images, word by word.

    Parameters
    ----------
    model : RecurrentDecoder
    params : dict of str to array
    backend : Backend
    features : array (images, ...), on the backend
    forbidden : int
        An id that is never said: that of unknown words.
    """

    def __init__(
        self, model: RecurrentDecoder, params: Parameters, backend: Backend, features: Array, forbidden: int
    ) -> None:
        self.model, self.params, self.backend, self.forbidden = model, params, backend, forbidden
        self.count = int(features.shape[0])
        self._start = model.start(params, features, xp=backend.xp)

    def beam(self, settings: GenerateSettings) -> Found:
        """Likeliest captions."""
        return beam_search(
            self._advance(settings.beam),
            self.count,
            beam=settings.beam,
            boundary=self.model.boundary,
            max_length=settings.max_length,
            length_penalty=settings.length_penalty,
        )

    def drawn(self, settings: GenerateSettings, rngs: list[np.random.Generator]) -> Found:
        """Captions drawn at random, each by a generator of its own."""
        boundary, count = self.model.boundary, self.count
        ids = np.full((count, settings.max_length), boundary, np.int64)
        uniform = np.stack([rng.random(settings.max_length + 1) for rng in rngs])
        total, running, last = np.zeros(count), np.ones(count, bool), np.full(count, boundary)
        advance = self._advance(1)
        for step in range(settings.max_length + 1):
            log_p = advance(last, None).astype(np.float64)
            said = draw(np.maximum(log_p, LEAST), uniform[:, step], settings.temperature, settings.top_k)
            if step == settings.max_length:  # only the end counts now
                ends = running & (said == boundary)
                total[ends] += log_p[ends, boundary]
                running &= ~ends
                break
            last = np.where(running, said, boundary)
            total += np.where(running, log_p[np.arange(count), last], 0.0)
            ids[:, step] = last
            running &= last != boundary
            if not running.any():
                break
        return Found(ids, total, ~running)

    def _advance(self, beam: int) -> Any:
        backend, xp = self.backend, self.backend.xp
        rows = backend.asarray(np.repeat(np.arange(self.count), beam))
        states, added = tree_map(lambda array: xp.take(array, rows, axis=0), tuple(self._start))
        predict = stepper(self.model, self.params, backend, rows, states)

        def advance(ids: Host, parents: Host | None) -> Host:
            nonlocal states
            if parents is not None:
                places = backend.asarray(parents)
                states = tree_map(lambda array: xp.take(array, places, axis=0), states)
            logits, states = predict(backend.asarray(ids), states, added)
            log_p = log_softmax(backend.to_host(logits))
            log_p[:, self.forbidden] = -np.inf
            return log_p

        return advance


LEAST = -1e30
"""Stands for the logarithm of 0 where a finite number is asked for."""


def images_at_a_time(model: RecurrentDecoder, beam: int) -> int:
    """Images of which captions are said at a time."""
    at_most = max(1, min(BEGINNINGS, ENTRIES // model.vocabulary_size) // beam)
    return at_most if model.encoder is None else min(at_most, model.encoder.rows_at_a_time)


def generators(seed: int, start: int, count: int) -> list[np.random.Generator]:
    """A generator for each image: what is drawn for one depends on the seed and its number alone."""
    return [np.random.default_rng((seed, row, 4)) for row in range(start, start + count)]


def stepper(model: RecurrentDecoder, params: Parameters, backend: Backend, ids: Array, states: States) -> Step:
    """Function that takes one step, compiled where the library compiles."""
    if backend.library.compiles:  # a step that had the parameters in it would be compiled for each of their values
        return functools.partial(_compiled(model, backend), params)
    return backend.compile(model.stepper(params, ids, states, xp=backend.xp))


@functools.lru_cache(maxsize=32)
def _compiled(model: RecurrentDecoder, backend: Backend) -> Any:
    def predict(params: Parameters, ids: Array, states: States, added: Array | None) -> tuple[Array, States]:
        return model.stepper(params, ids, states, xp=backend.xp)(ids, states, added)

    return backend.compile(predict)


def log_softmax(logits: Host) -> Host:
    """Log-probabilities of each row of logits, a new array.

    Raises
    ------
    ValueError
        If they are not finite.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    if not np.isfinite(shifted[:, 0]).all():
        raise ValueError("the model's logits are not finite; are there NaN or infinity in its weights?")
    return np.asarray(shifted)
