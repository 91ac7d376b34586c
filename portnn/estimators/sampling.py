"""Sampling text from a language model: one token of each text at a time, for one text or several at once."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any

import numpy as np

from portnn.backends import Array, Backend, generator, seed_of, tree_map
from portnn.models import Parameters, RecurrentLM
from portnn.models.recurrent_stack import States, Stepper
from portnn.settings import By, Settings, Shown, not_negative, positive
from portnn.text import StreamDecoder, Vocabulary

Host = np.ndarray[Any, Any]

BLOCK = 256
"""Random numbers are drawn for this many tokens at a time."""


@dataclass(frozen=True)
class StreamSettings(Settings):
    """Settings of `CharRNN.stream`."""

    length: Annotated[int, not_negative, "Tokens to draw."]
    _: KW_ONLY
    prime: Annotated[str, "Text to continue."] = ""
    temperature: Annotated[
        float,
        not_negative,
        "Below 1 favours what is likely, above 1 varies more; 0 always takes the likeliest token.",
    ] = 1.0
    top_k: Annotated[int | None, positive, "Draw from this many of the likeliest tokens only."] = None
    stop: Annotated[str | None, "Stop before this text."] = None
    seed: Annotated[
        int | None,
        By(seed_of, settles_none=True),
        not_negative,
        "Seed of the random numbers. The same seed always gives the same text; None gives another each time.",
    ] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stop == "":
            raise ValueError("stop must not be empty")


@dataclass(frozen=True)
class SampleSettings(StreamSettings):
    """Settings of `CharRNN.sample`."""

    _: KW_ONLY
    count: Annotated[
        int | None, positive, Shown("one text, not in a list"), "Number of texts to draw at once, all different."
    ] = None


def sampled(
    model: RecurrentLM, params: Parameters, vocabulary: Vocabulary, backend: Backend, settings: SampleSettings
) -> list[str]:
    """Draw several texts at once, each without the prime text."""
    count = settings.count or 1
    texts = [StoppedText(vocabulary, settings.stop) for _ in range(count)]
    pieces: list[list[str]] = [[] for _ in texts]
    for tokens in _tokens(model, params, _first_ids(vocabulary, settings.prime), backend, settings, count):
        for text, token, so_far in zip(texts, tokens, pieces, strict=True):
            so_far.append(text.feed(token))
        if all(text.stopped for text in texts):
            break
    return ["".join(so_far) + text.finish() for text, so_far in zip(texts, pieces, strict=True)]


def streamed(
    model: RecurrentLM, params: Parameters, vocabulary: Vocabulary, backend: Backend, settings: StreamSettings
) -> Iterator[str]:
    """Draw one text and yield it piece by piece, without the prime text, which is checked immediately."""
    tokens = _tokens(model, params, _first_ids(vocabulary, settings.prime), backend, settings, 1)

    def pieces() -> Iterator[str]:
        text = StoppedText(vocabulary, settings.stop)
        for (token,) in tokens:
            if piece := text.feed(token):
                yield piece
            if text.stopped:
                return
        yield text.finish()

    return pieces()


def _first_ids(vocabulary: Vocabulary, prime: str) -> Host:
    """Ids of the prime text; without one, a new line, or the most frequent token."""
    if prime:
        ids = vocabulary.encode(prime, noun="prime text")
        if len(ids):
            return ids
    newline = "\n"
    return np.zeros(1, np.int64) if vocabulary.unknown_in(newline) else vocabulary.encode(newline)


def _tokens(
    model: RecurrentLM, params: Parameters, first: Host, backend: Backend, settings: StreamSettings, count: int
) -> Iterator[list[int]]:
    """Draw the next id of each of `count` texts, `settings.length` times."""
    carry = tree_map(backend.asarray, model.initial_carry(count))
    rng = generator(settings.seed)
    rngs = [rng, *rng.spawn(count - 1)]  # the first text is the one that a single text would be
    ids = np.full(count, first[0])
    predict = _stepper(model, params, backend, backend.asarray(ids), carry)
    for following in first[1:]:
        _, carry = predict(backend.asarray(ids), carry)
        ids = np.full(count, following)
    for number in range(settings.length):
        if number % BLOCK == 0:
            uniform = np.stack([each.random(BLOCK) for each in rngs])
        logits, carry = predict(backend.asarray(ids), carry)
        host = backend.to_host(logits).astype(np.float64)
        ids = draw(host, uniform[:, number % BLOCK], settings.temperature, settings.top_k)
        yield ids.tolist()


def _stepper(model: RecurrentLM, params: Parameters, backend: Backend, ids: Array, carry: States) -> Stepper:
    if backend.library.compiles:  # a step that had the parameters in it would be compiled for each of their values
        return functools.partial(_compiled(model, backend), params)
    return backend.compile(model.stepper(params, ids, carry, xp=backend.xp))


@functools.lru_cache(maxsize=32)
def _compiled(model: RecurrentLM, backend: Backend) -> Any:
    def predict(params: Parameters, ids: Array, carry: States) -> tuple[Array, States]:
        return model.stepper(params, ids, carry, xp=backend.xp)(ids, carry)

    return backend.compile(predict)


def draw(logits: Host, uniform: Host, temperature: float, top_k: int | None = None) -> Host:
    """Draw an id from each row of logits.

    Parameters
    ----------
    logits : array (n, vocabulary_size), float64
    uniform : array (n,)
        A random number in [0, 1) for each row.
    temperature : float
        0 takes the largest logit, the first of ties.
    top_k : int, optional
        Keep the k largest (and ties).

    Returns
    -------
    integer array (n,)

    Raises
    ------
    ValueError
        If a logit is not finite.
    """
    if not np.isfinite(logits).all():
        raise ValueError("the model's logits are not finite; are there NaN or infinity in its weights?")
    if temperature == 0.0:
        return logits.argmax(axis=1)  # type: ignore[no-any-return]
    scaled = logits - logits.max(axis=1, keepdims=True)
    with np.errstate(over="ignore"):  # near temperature 0 the unlikely go to minus infinity, as they should
        scaled /= temperature
    if top_k is not None and top_k < scaled.shape[1]:
        scaled[scaled < np.partition(scaled, -top_k, axis=1)[:, -top_k, None]] = -np.inf
    cumulative = np.exp(scaled).cumsum(axis=1)
    return (cumulative > uniform[:, None] * cumulative[:, -1:]).argmax(axis=1)  # type: ignore[no-any-return]


class StoppedText:
    """Text from ids that arrive one by one, up to a stop text.

    Parameters
    ----------
    vocabulary : Vocabulary
    stop : str, optional

    Attributes
    ----------
    stopped : bool
        Whether the stop text has come; nothing follows it.
    """

    def __init__(self, vocabulary: Vocabulary, stop: str | None) -> None:
        self.stopped = False
        self._decoder, self._stop, self._held = StreamDecoder(vocabulary), stop, ""

    def feed(self, token: int) -> str:
        """Text that one more id completes; what may be the beginning of the stop text is held back."""
        if self.stopped:
            return ""
        piece = self._decoder.feed(token)
        if self._stop is None:
            return piece
        before, found, _ = (self._held + piece).partition(self._stop)
        self.stopped = bool(found)
        ready = len(before) if found else max(0, len(before) - len(self._stop) + 1)
        self._held = before[ready:]
        return before[:ready]

    def finish(self) -> str:
        """Text held back at the end."""
        if self.stopped:
            return ""
        last = self._held + self._decoder.finish()
        return last if self._stop is None else last.partition(self._stop)[0]
