"""What every fitted language model can do: sample, evaluate, save."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from portnn.backends import Backend
from portnn.estimators.estimator import Estimator
from portnn.estimators.evaluation import Evaluation, LanguageEvaluator, as_evaluation
from portnn.estimators.sampling import Sampler
from portnn.settings import Settings
from portnn.text import Vocabulary, read_corpus

Source = str | bytes | os.PathLike[str] | Sequence[os.PathLike[str]]
S = TypeVar("S", bound=Settings)


class LanguageModel(Estimator[S]):
    """A network with a vocabulary, once there is one.

    Attributes
    ----------
    vocabulary : Vocabulary or None
    """

    def __init__(self, settings: S, backend: Backend) -> None:
        super().__init__(settings, backend)
        self.vocabulary: Vocabulary | None = None
        self._sampler: Sampler | None = None

    def sample(
        self,
        length: int,
        *,
        prime: str = "",
        temperature: float = 1.0,
        top_k: int | None = None,
        stop: str | None = None,
        seed: int = 0,
    ) -> str:
        """Draw text. The same seed always gives the same text.

        Parameters
        ----------
        length : int
            Tokens to draw.
        prime : str
            Text to continue; the result begins with it.
        temperature : float
            Below 1 favours what is likely, above 1 varies more; 0 always takes the likeliest token.
        top_k : int, optional
            Draw from the k likeliest tokens only.
        stop : str, optional
            Stop before this text.
        seed : int

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If the prime text has characters that the model does not know, or a number is out of range.
        """
        return prime + "".join(
            self.stream(length, prime=prime, temperature=temperature, top_k=top_k, stop=stop, seed=seed)
        )

    def stream(self, length: int, **options: Any) -> Iterator[str]:
        """Like `sample`, but yield the text as it is drawn, without the prime text."""
        model, params, backend = self._fitted()
        if self._sampler is None or self._sampler.model is not model:
            self._sampler = Sampler(model, self._fitted_vocabulary(), backend)
        return self._sampler(params, length, **options)

    def evaluate(self, source: Source, *, encoding: str = "utf-8") -> Evaluation:
        """Mean cross-entropy per token of a text, in nats and bits.

        Parameters
        ----------
        source : str, bytes, path or sequence of paths
            As for `fit`.
        encoding : str

        Returns
        -------
        Evaluation
        """
        model, params, backend = self._fitted()
        corpus = read_corpus(source, encoding=encoding, vocabulary=self._fitted_vocabulary())
        evaluator = LanguageEvaluator(model, backend, corpus.ids, corpus.release)
        return as_evaluation(evaluator(params), evaluator.predicted)

    def _fitted_vocabulary(self) -> Vocabulary:
        self._fitted()
        assert self.vocabulary is not None
        return self.vocabulary

    def _forget(self) -> None:
        self._sampler = None
