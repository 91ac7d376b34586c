"""`TextClassifier`: a recurrent classifier of texts."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from portnn import estimators
from portnn.batches import is_sparse
from portnn.estimators.given_texts import GivenTexts
from portnn.estimators.text_classifier_settings import TextClassifierRun, TextClassifierSettings
from portnn.settings import documented
from portnn.sklearn.descent import excuse, hold_out
from portnn.sklearn.labels import check_classes, checked_y, weights_by_class
from portnn.sklearn.learner import HOST
from portnn.sklearn.parameters import taking
from portnn.sklearn.text_parameters import TextParameters
from portnn.tables import place_weights
from portnn.training import Interrupted

Host = np.ndarray[Any, Any]


@documented(TextParameters)
class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Recurrent classifier of texts, which takes them as they are: no vectorizer comes before it.

    Training lasts `max_iter` epochs, or with early stopping until the accuracy on held-out texts no longer rises.

    Parameters
    ----------
    {settings}

    Attributes
    ----------
    classes_ : array (n,)
        Class labels, sorted; if y has several columns, their numbers.
    vocabulary_ : dict of str to int
        Row of each word in the table of vectors, the most frequent first.
    text_classifier_ : portnn.TextClassifier
        The network, which can be saved, and explains its answers.
    loss_, best_loss_ : float
        Mean training loss of the last epoch, and the lowest of all; with early stopping `best_loss_` is None.
    loss_curve_ : list of float
        Loss of every epoch.
    validation_scores_, best_validation_score_ : list of float, float
        Accuracy on the held-out texts after every epoch; None without early stopping.
    n_iter_ : int
        Epochs.

    Examples
    --------
    >>> from portnn.sklearn import TextClassifier
    >>> texts, labels = ["good", "not good", "bad", "not bad"] * 8, ["+", "-", "-", "+"] * 8
    >>> model = TextClassifier(hidden_size=16, embedding_size=8, learning_rate_init=0.02, max_iter=30, random_state=0)
    >>> model.fit(texts, labels).predict(["not bad", "good"]).tolist()
    ['+', '+']
    """

    text_classifier_: estimators.TextClassifier

    __init__ = taking(TextParameters)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train, from new weights.

        Parameters
        ----------
        X : list, array or Series of str (texts,)
        y : array (texts,) or (texts, n)
            Classes, or in several columns 0 and 1: the answers to n questions. A sparse one is made dense.
        sample_weight : array (texts,), optional
            How much each text counts in the mean loss.

        Returns
        -------
        Itself.

        Raises
        ------
        TypeError
            If a text is no str.
        ValueError
            If X, y or sample_weight cannot be trained on, or a parameter is out of range.
        DivergenceError
            If the loss is not finite.
        """
        chosen = TextParameters(**self.get_params(deep=False))
        texts, labels = texts_of(X), checked_y(y, self)
        check_consistent_length(texts, labels)
        check_classes(labels)
        given = place_weights(sample_weight, len(labels), HOST)
        weights = weights_by_class(self.class_weight, labels, given)
        seed = chosen.draw_seed()

        def taken(rows: Host) -> tuple[list[str], Host, Host | None]:
            return [texts[row] for row in rows], labels[rows], None if weights is None else weights[rows]

        train, held = np.arange(len(labels)), None
        if chosen.early_stopping:
            train, held = hold_out(labels, chosen.validation_fraction, seed=seed, stratify=labels.ndim == 1)
        settings = chosen.shared_with(TextClassifierSettings)
        settings |= {"seed": seed, "multi_label": labels.ndim == 2, "class_weight": None}
        network = estimators.TextClassifier(**settings)
        epoch = -(-len(train) // chosen.batch_size)
        try:
            network.fit(
                *taken(train),
                **chosen.shared_with(TextClassifierRun),
                optimizer=chosen.solver,
                learning_rate=chosen.learning_rate_init,
                epochs=chosen.max_iter,
                held_out=0.0 if held is None else taken(held),
                monitor="score",
                patience=None if held is None else chosen.patience,
                tolerance=chosen.tol,
                divergence_factor=np.inf,
                workers=chosen.workers,
                log_every=epoch,
                evaluate_every=epoch,
                progress=bool(chosen.verbose),
            )
        except Interrupted as stop:
            excuse(stop)
        self.text_classifier_ = network
        self._record(network, epoch)
        return self

    @property
    def classes_(self) -> Host:
        """Class labels (n,), sorted; if y has several columns, their numbers."""
        assert self.text_classifier_.labels is not None
        return self.text_classifier_.labels.classes.labels

    @property
    def vocabulary_(self) -> dict[str, int]:
        """Row of each word in the table of vectors, the most frequent first."""
        assert self.text_classifier_.vocabulary is not None
        return dict(self.text_classifier_.vocabulary.index)

    def predict(self, X: Any) -> Host:
        """Likeliest class of each text (texts,), or for several columns 0 and 1 (texts, n).

        Parameters
        ----------
        X : list, array or Series of str (texts,)
            Unknown words, and a text without any word, are read as the unknown word.
        """
        check_is_fitted(self)
        predicted: Host = self.text_classifier_.predict(texts_of(X))
        return predicted

    def predict_proba(self, X: Any) -> Host:
        """Probability of each class (texts, n), or of yes to each of several questions."""
        check_is_fitted(self)
        return self.text_classifier_.predict_proba(texts_of(X))

    def predict_log_proba(self, X: Any) -> Host:
        """Logarithm of `predict_proba`, computed from logits: finite even if a probability rounds to 0."""
        check_is_fitted(self)
        return self.text_classifier_.predict_log_proba(texts_of(X))

    def decision_function(self, X: Any) -> Host:
        """Logits (texts, n); of two classes, by how much the second's exceeds the first's (texts,)."""
        check_is_fitted(self)
        logits = self.text_classifier_.outputs(texts_of(X))
        two = logits.shape[1] == 2 and not self.text_classifier_.settings.multi_label
        return logits[:, 1] - logits[:, 0] if two else logits

    def __sklearn_tags__(self) -> Any:
        """Tags that tell scikit-learn what this estimator supports."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.input_tags.string = tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags

    def _record(self, network: estimators.TextClassifier, epoch: int) -> None:
        """Keep what was measured after every epoch; an interrupted one does not count."""
        lines = [line for line in network.metrics if line["step"] % epoch == 0]
        self.loss_curve_: list[float] = [line["loss"] for line in lines]
        scores = [1.0 - line["held_out_loss"] for line in lines if line["held_out_loss"] is not None]
        self.n_iter_ = len(lines)
        self.loss_ = self.loss_curve_[-1] if lines else np.inf
        self.best_loss_ = None if self.early_stopping else min(self.loss_curve_, default=np.inf)
        self.validation_scores_ = scores if self.early_stopping else None
        self.best_validation_score_ = max(scores, default=-np.inf) if self.early_stopping else None


def texts_of(X: Any) -> list[str]:
    """Texts as a list.

    Raises
    ------
    TypeError
        If X is sparse, a single text or a path, or one of the texts is no str.
    ValueError
        If there are none, or X has columns.
    """
    if is_sparse(X):
        raise TypeError("X is sparse, expected texts as they are: no vectorizer comes before a TextClassifier")
    if isinstance(X, str | bytes | os.PathLike):
        raise TypeError(f"X is a {type(X).__name__}, expected several texts: a list, array or Series of str")
    shape = getattr(X, "shape", ())
    if len(shape) > 1:
        raise ValueError(f"X has shape {tuple(shape)}, expected one axis of texts; take one column of a table")
    return GivenTexts(X).texts
