"""What every language model that has been fitted can do: sample, evaluate, save."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from portnn.backends import Backend, tree_flatten
from portnn.checkpoints import save_checkpoint
from portnn.estimators.evaluation import Evaluation, LanguageEvaluator, as_evaluation
from portnn.estimators.sampling import Sampler
from portnn.models import Parameters, RecurrentLM
from portnn.text import Vocabulary, read_corpus

Source = str | bytes | os.PathLike[str] | Sequence[os.PathLike[str]]


class LanguageModel:
    """A network, its parameters on a backend and its vocabulary, once there are any.

    Attributes
    ----------
    backend : Backend
    model : RecurrentLM or None
    params : dict of str to array, or None
    vocabulary : Vocabulary or None
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.model: RecurrentLM | None = None
        self.params: Parameters | None = None
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
        """Draw text. One seed gives the same text run after run.

        Parameters
        ----------
        length : int
            Tokens to draw.
        prime : str
            Text to go on from; it stands at the beginning of the result.
        temperature : float
            Below 1 bolder in what is likely, above 1 more varied; 0 always takes the likeliest.
        top_k : int, optional
            Draw among the k likeliest tokens only.
        stop : str, optional
            End before this text.
        seed : int

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If the prime text has characters the model does not know, or a number is out of range.
        """
        return prime + "".join(
            self.stream(length, prime=prime, temperature=temperature, top_k=top_k, stop=stop, seed=seed)
        )

    def stream(self, length: int, **options: Any) -> Iterator[str]:
        """Like `sample`, without the prime text and piece by piece as it is drawn."""
        model, params, vocabulary = self._fitted()
        if self._sampler is None or self._sampler.model is not model:
            self._sampler = Sampler(model, vocabulary, self.backend)
        return self._sampler(params, length, **options)

    def evaluate(self, source: Source, *, encoding: str = "utf-8") -> Evaluation:
        """Mean cross-entropy per token of a text, in nats and bits.

        Parameters
        ----------
        source : str, bytes, path or sequence of paths
        encoding : str

        Returns
        -------
        Evaluation
        """
        model, params, vocabulary = self._fitted()
        corpus = read_corpus(source, encoding=encoding, vocabulary=vocabulary)
        evaluator = LanguageEvaluator(model, self.backend, corpus.ids, corpus.release)
        return as_evaluation(evaluator(params), evaluator.predicted)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model, without any training state, as a checkpoint that `portnn.load` reads anywhere."""
        _, params, _ = self._fitted()
        arrays = {name: self.backend.to_host(array) for name, array in tree_flatten(params, "params")}
        save_checkpoint(path, arrays, self._facts())

    def _facts(self) -> dict[str, Any]:
        """What a checkpoint says of the model, in plain JSON types."""
        raise NotImplementedError

    def _fitted(self) -> tuple[RecurrentLM, Parameters, Vocabulary]:
        if self.model is None or self.params is None or self.vocabulary is None:
            raise ValueError(
                f"this {type(self).__name__} has not been fitted yet; call fit, or portnn.load a checkpoint"
            )
        return self.model, self.params, self.vocabulary
