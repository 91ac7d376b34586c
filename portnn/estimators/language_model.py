"""What every fitted language model can do: sample, evaluate, save."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from portnn.backends import Backend
from portnn.estimators.estimator import Estimator
from portnn.estimators.evaluation import Evaluation, LanguageEvaluator, as_evaluation
from portnn.estimators.sampling import SampleSettings, StreamSettings, sampled, streamed
from portnn.settings import Settings, settings_call
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

    @settings_call(SampleSettings)
    def sample(self, settings: SampleSettings) -> str | Any:
        """Draw text, or several texts at once.

        Parameters
        ----------
        {settings}

        Returns
        -------
        str, or list of str if `count` is given
            Begins with the prime text. The first of several texts is the one that is drawn without `count`.

        Raises
        ------
        TypeError, ValueError
            If a setting is of the wrong kind or out of range, or the prime text has characters that the model does not
            know.
        """
        model, params, backend = self._fitted()
        texts = sampled(model, params, self._fitted_vocabulary(), backend, settings)
        texts = [settings.prime + text for text in texts]
        return texts[0] if settings.count is None else texts

    @settings_call(StreamSettings)
    def stream(self, settings: StreamSettings) -> Iterator[str]:
        """Draw text like `sample`, but yield it as it is drawn, without the prime text.

        Parameters
        ----------
        {settings}

        Returns
        -------
        iterator of str
        """
        model, params, backend = self._fitted()
        return streamed(model, params, self._fitted_vocabulary(), backend, settings)

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
