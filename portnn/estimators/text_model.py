"""`TextModel`: a fitted classifier of texts, which predicts, is measured, explains its answers, and is saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from portnn.backends import Backend
from portnn.checkpoints import Arrays
from portnn.estimators.estimator import Estimator
from portnn.estimators.explanation import Explanation, contributions
from portnn.estimators.given_texts import GivenTexts, as_source
from portnn.estimators.row_evaluation import RowEvaluation
from portnn.estimators.sequence_evaluation import SequenceEvaluator, SequencePredictor
from portnn.estimators.text_classifier_settings import TextClassifierSettings
from portnn.estimators.text_corpus import Learned, TextCorpus, TextReader
from portnn.estimators.text_labels import TextLabels
from portnn.models import Parameters
from portnn.objectives import OBJECTIVES
from portnn.settings import brief
from portnn.tables import TextLayout, place_weights
from portnn.tables.labels import listed
from portnn.text import EncodedTexts, WordVocabulary
from portnn.text.words import NEW_MODELS
from portnn.vectors import vocabulary_arrays

Host = np.ndarray[Any, Any]

EXPLAINED = 1000
"""Words of a text that can be explained: the work grows with the square of their number."""


class TextModel(Estimator[TextClassifierSettings]):
    """A network with its words and labels, once there are any.

    Attributes
    ----------
    vocabulary : WordVocabulary or None
    labels : TextLabels or None
    layout : TextLayout or None
        Layout of the file that it was trained on, if any.
    evaluators : dict of str to callable
    steps_per_epoch : int
    word_rules : str
        Rules by which texts are cut into words.
    """

    def __init__(self, settings: TextClassifierSettings, backend: Backend) -> None:
        super().__init__(settings, backend)
        self.vocabulary: WordVocabulary | None = None
        self.labels: TextLabels | None = None
        self.layout: TextLayout | None = None
        self.evaluators: dict[str, Callable[[Parameters], RowEvaluation]] = {}
        self.steps_per_epoch = 0
        self.word_rules = NEW_MODELS
        self._predictor: SequencePredictor | None = None
        self._reads: TextReader | None = None

    def predict(self, texts: Sequence[str]) -> Any:
        """Likeliest label of each text.

        Parameters
        ----------
        texts : list of str
            A text without words is read as one unknown word.

        Returns
        -------
        NumPy array (texts,)
            With `multi_label` a list with a tuple of labels for each text, or an array (texts, labels) of 0 and 1 if
            training was given one.
        """
        return self._fitted_labels().decode(self.outputs(texts))

    def predict_proba(self, texts: Sequence[str]) -> Host:
        """Probability of each label, a NumPy array (texts, labels), in the order of ``labels.names``."""
        return self._of_outputs(OBJECTIVES[self._fitted()[0].objective].probabilities, texts)

    def predict_log_proba(self, texts: Sequence[str]) -> Host:
        """Logarithm of `predict_proba`, computed from logits: finite even if a probability rounds to 0."""
        return self._of_outputs(OBJECTIVES[self._fitted()[0].objective].log_probabilities, texts)

    def outputs(self, texts: Sequence[str]) -> Host:
        """Logits, a NumPy array (texts, labels)."""
        _, params, _ = self._fitted()
        return self._predict(params, self._encoded(GivenTexts(texts)))

    def evaluate(self, texts: Any, labels: Any = None, sample_weight: Any = None) -> RowEvaluation:
        """Mean loss in nats, and score: the share of texts whose labels are all right.

        Parameters
        ----------
        texts, labels, sample_weight
            As for `fit`.

        Raises
        ------
        ValueError
            If a label is one that training never saw.
        """
        _, params, _ = self._fitted()
        corpus, weights = self._measured((texts, labels, sample_weight))
        return SequenceEvaluator(self._predict, corpus.texts, corpus.targets, weights)(params)

    def score(self, texts: Any, labels: Any = None, sample_weight: Any = None) -> float:
        """Accuracy."""
        return self.evaluate(texts, labels, sample_weight).score

    def confusion(self, texts: Any, labels: Any = None) -> Host:
        """How often texts of each label were given each label.

        Parameters
        ----------
        texts, labels
            As for `fit`.

        Returns
        -------
        NumPy array of int64
            (labels, labels): entry (i, j) counts texts of label i that were given label j. With `multi_label`
            (labels, 2, 2): for each label, texts without it (row 0) and with it (row 1) that were not given it (column
            0) and were (column 1).

        Raises
        ------
        ValueError
            If a label is one that training never saw.
        """
        model, params, _ = self._fitted()
        corpus, _ = self._measured((texts, labels))
        predicted = OBJECTIVES[model.objective].predict(self._predict(params, corpus.texts)).astype(np.int64)
        true, count = corpus.targets.astype(np.int64), model.outputs
        several = self._fitted_labels().several
        counts = np.zeros((count, 2, 2) if several else (count, count), np.int64)
        np.add.at(counts, (np.arange(count), true, predicted) if several else (true, predicted), 1)
        return counts

    def explain(self, text: str, label: Any = None) -> Explanation:
        """How the answer comes about: probabilities after each word, and each word's part in the logit of a label.

        Parameters
        ----------
        text : str
        label : object, optional
            By default the likeliest one.

        Raises
        ------
        TypeError
            If the text is no str.
        ValueError
            If training never saw the label.
        """
        model, params, backend = self._fitted()
        known, vocabulary = self._fitted_labels(), self._fitted_vocabulary()
        if not isinstance(text, str):
            raise TypeError(f"text is {type(text).__name__} {brief(text)}, expected a str")
        tokens = self._reader.read(text) or [""]
        ids = np.asarray([vocabulary.index.get(token, len(vocabulary)) for token in tokens])
        if len(tokens) > EXPLAINED:
            raise ValueError(
                f"text has {len(tokens):,} words, but at most {EXPLAINED:,} can be explained: every beginning of it is "
                "read as a text of its own"
            )
        stops = np.arange(1, len(ids) + 1)
        beginnings = np.concatenate([ids[:stop] for stop in stops])
        logits = self._predict(params, EncodedTexts(beginnings, np.cumsum(stops), 0, 0, 0, ""))
        probabilities = OBJECTIVES[model.objective].probabilities
        assert probabilities is not None
        number = int(np.argmax(logits[-1]))
        if label is not None:
            if label not in known.names:
                raise ValueError(f"training never saw the label {brief(label)}; the classes are {listed(known.names)}")
            number = known.names.index(label)
        return Explanation(
            tuple(tokens),
            tuple((ids < len(vocabulary)).tolist()),
            known.names[number],
            contributions(model, params, ids, number, backend),
            known.names,
            np.asarray(probabilities(logits)),
        )

    def tokens(self, text: str) -> list[str]:
        """Words of a text as the model reads them, those beyond `max_length` included."""
        return self._reader.tokens(text)

    def unknown_words(self, texts: Sequence[str]) -> list[str]:
        """Distinct words that the model reads in some texts and does not know, in order of appearance."""
        index, read, given = self._fitted_vocabulary().index, self._reader.read, GivenTexts(texts).texts
        return list(dict.fromkeys(word for text in given for word in read(text) if word not in index))

    def _measured(
        self, given: Any, learned: Learned | None = None, layout: TextLayout | None = None, encoding: str = "utf-8"
    ) -> tuple[TextCorpus, Host | None]:
        """Texts to measure, from a path or (texts, labels, sample_weight), and how much each counts."""
        assert self.backend is not None
        texts, labels, weight = (*given, None)[:3] if isinstance(given, tuple) else (given, None, None)
        if learned is None:
            learned, layout = Learned(self._fitted_vocabulary(), self._fitted_labels()), self.layout
        source = as_source(texts, labels, encoding=encoding, multi_label=self.settings.multi_label, layout=layout)
        corpus = self._reader.encode(source, labels, learned)
        placed = place_weights(weight, len(corpus.texts), self.backend)
        return corpus, None if placed is None else np.asarray(self.backend.to_host(placed))

    def _encoded(self, source: GivenTexts) -> Any:
        return self._reader.ids((text for text, _ in source.read()), self._fitted_vocabulary())

    def _of_outputs(self, function: Any, texts: Sequence[str]) -> Host:
        return np.asarray(function(self.outputs(texts)))

    @property
    def _reader(self) -> TextReader:
        if self._reads is None:
            self._reads = TextReader(self.settings, self.word_rules)
        return self._reads

    @property
    def _predict(self) -> SequencePredictor:
        if self._predictor is None:
            model, _, backend = self._fitted()
            self._predictor = SequencePredictor(model, backend)
        return self._predictor

    def _own_facts(self) -> dict[str, Any]:
        return {
            "labels": self._fitted_labels().to_json(),
            "word_rules": self.word_rules,
            "layout": self.layout and self.layout.to_json(),
        }

    def _constants(self) -> Arrays:
        vocabulary = self._fitted_vocabulary()
        return vocabulary_arrays(vocabulary.words, vocabulary.counts)

    def _forget(self) -> None:
        self._predictor, self._reads = None, None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "evaluators": {}}

    def _fitted_vocabulary(self) -> WordVocabulary:
        self._fitted()
        assert self.vocabulary is not None
        return self.vocabulary

    def _fitted_labels(self) -> TextLabels:
        self._fitted()
        assert self.labels is not None
        return self.labels
