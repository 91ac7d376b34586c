"""Sampling text from a language model, one token at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from portnn.backends import Backend, generator, tree_map
from portnn.models import LanguageBatch, Parameters, RecurrentLM
from portnn.text import StreamDecoder, Vocabulary


class Sampler:
    """Draws text from a model, whatever its parameters are at the time.

    Parameters
    ----------
    model : RecurrentLM
    vocabulary : Vocabulary
    backend : Backend
    """

    def __init__(self, model: RecurrentLM, vocabulary: Vocabulary, backend: Backend) -> None:
        self.model, self.vocabulary, self.backend = model, vocabulary, backend
        xp = backend.xp

        def forward(params: Parameters, batch: LanguageBatch, carry: Any) -> tuple[Any, Any]:
            return model.logits(params, batch, carry, xp=xp)[:2]

        self._forward = backend.compile(forward)

    def __call__(
        self,
        params: Parameters,
        length: int,
        *,
        prime: str = "",
        temperature: float = 1.0,
        top_k: int | None = None,
        stop: str | None = None,
        seed: int = 0,
    ) -> Iterator[str]:
        """Yield text piece by piece; see `CharRNN.sample` for the parameters. All of them are checked immediately."""
        if isinstance(length, bool) or not isinstance(length, int) or length < 0:
            raise ValueError(f"length must be a whole number, 0 or more, got {length!r}")
        if not (math.isfinite(temperature) and temperature >= 0.0):
            raise ValueError(f"temperature must be 0 or more, got {temperature}")
        if top_k is not None and (isinstance(top_k, bool) or not isinstance(top_k, int) or top_k < 1):
            raise ValueError(f"top_k must be a positive whole number, got {top_k!r}")
        if stop == "":
            raise ValueError("stop must not be empty")
        rng = generator(seed)
        ids = self.vocabulary.encode(prime, noun="prime text")
        first = ids if len(ids) else self._start()
        return self._text(self._tokens(params, first, length, temperature, top_k, rng), stop)

    def _start(self) -> np.ndarray[Any, Any]:
        """First input without a prime text: a new line, or the most frequent token."""
        newline = "\n"
        return np.zeros(1, np.int64) if self.vocabulary.unknown_in(newline) else self.vocabulary.encode(newline)

    def _tokens(
        self,
        params: Parameters,
        first: np.ndarray[Any, Any],
        length: int,
        temperature: float,
        top_k: int | None,
        rng: np.random.Generator,
    ) -> Iterator[int]:
        if length == 0:
            return
        carry = tree_map(self.backend.asarray, self.model.initial_carry(1))
        for token in first[:-1]:
            _, carry = self._feed(params, int(token), carry)
        token = int(first[-1])
        for _ in range(length):
            logits, carry = self._feed(params, token, carry)
            token = draw(self.backend.to_host(logits)[0, 0].astype(np.float64), temperature, top_k, rng)
            yield token

    def _feed(self, params: Parameters, token: int, carry: Any) -> tuple[Any, Any]:
        one = self.backend.asarray(np.asarray([[token]]))
        return self._forward(params, LanguageBatch(one, one), carry)

    def _text(self, tokens: Iterator[int], stop: str | None) -> Iterator[str]:
        """Text of tokens, up to `stop`; what may be the beginning of `stop` is held back."""
        decoder = StreamDecoder(self.vocabulary)
        held = ""
        for token in tokens:
            held += decoder.feed(token)
            if stop is not None:
                at = held.find(stop)
                if at >= 0:
                    yield held[:at]
                    return
            ready = len(held) if stop is None else max(0, len(held) - len(stop) + 1)
            if ready:
                yield held[:ready]
                held = held[ready:]
        held += decoder.finish()
        yield held if stop is None else held.partition(stop)[0]


def draw(logits: np.ndarray[Any, Any], temperature: float, top_k: int | None, rng: np.random.Generator) -> int:
    """Draw an id from logits (n,) in float64.

    Temperature 0 takes the largest logit, the first of ties. `top_k` keeps the k largest (and ties).
    """
    if not np.all(np.isfinite(logits)):
        raise ValueError("the model's logits are not finite; are there NaN or infinity in its weights?")
    if temperature == 0.0:
        return int(np.argmax(logits))
    with np.errstate(over="ignore"):  # near temperature 0 the unlikely go to minus infinity, as they should
        scaled = (logits - np.max(logits)) / temperature
    if top_k is not None and top_k < len(scaled):
        scaled[scaled < np.partition(scaled, -top_k)[-top_k]] = -np.inf
    cumulative = np.cumsum(np.exp(scaled))
    return int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
