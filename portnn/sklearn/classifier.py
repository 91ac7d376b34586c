"""`Classifier`: labels, probabilities and accuracy, which all classifiers share."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.metaestimators import available_if

from portnn.backends import Array
from portnn.sklearn.dispatch import host
from portnn.sklearn.labels import check_classes, weights_by_class
from portnn.sklearn.learner import Host, Learner, has_mini_batches
from portnn.tables import place_labels


class Classifier(ClassifierMixin, Learner):  # type: ignore[misc]
    """Network that tells classes apart; see `MLPClassifier` for parameters and attributes."""

    @property
    def classes_(self) -> Array:
        """Class labels (n,), sorted, where X is (strings on the host); for several questions, their numbers."""
        known = self._trained.classes
        labels = np.arange(self.n_outputs_) if known is None else known.labels
        return place_labels(labels, self._trained.backend)

    @available_if(has_mini_batches)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        """Train for one epoch; the optimizer continues from the last call.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array (n,), optional
            All class labels that will ever occur; required at the first call.

        Returns
        -------
        Itself.

        Raises
        ------
        ValueError
            If `classes` is missing at the first call or differs at a later one, or y has other labels.
        """
        if classes is None and not hasattr(self, "_trained"):
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is not None:
            classes = np.unique(host(classes))
            if hasattr(self, "_trained") and not np.array_equal(classes, host(self.classes_)):
                raise ValueError(
                    f"classes={classes.tolist()} is not the same as on last call to partial_fit, "
                    f"was: {host(self.classes_).tolist()}"
                )
        return self._fit_epoch(X, y, sample_weight, classes)

    def predict_proba(self, X: Any) -> Array:
        """Probability of each class (rows, n), or of yes to each of several questions, where X is."""
        table = self._table(X, "predict_proba")
        return self._trained.predict_proba(table)

    def predict_log_proba(self, X: Any) -> Array:
        """Logarithm of `predict_proba`, computed from logits: finite even if a probability rounds to 0."""
        table = self._table(X, "predict_log_proba")
        return self._trained.predict_log_proba(table)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy: share of rows whose class, or whose every answer, is right. Labels never seen count as wrong.

        Parameters
        ----------
        X : array (rows, features)
        y : array (rows,) or (rows, n)
        sample_weight : array (rows,), optional
        """
        weights = None if sample_weight is None else host(sample_weight)
        return float(accuracy_score(host(y), host(self.predict(X)), sample_weight=weights))

    def __sklearn_tags__(self) -> Any:
        """Tags that tell scikit-learn what this estimator supports."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _targets(self, y: Host, again: bool) -> Host:
        check_classes(y)
        if again and self.warm_start and self._trained.classes is not None:
            labels, known = np.unique(y), self._trained.classes.labels
            if set(labels.tolist()) != set(known.tolist()):
                raise ValueError(f"warm_start needs the classes of the last fit, {known}, but y has {labels}")
        return y

    def _known_classes(self, y: Host) -> Host | None:
        return np.unique(y) if y.ndim == 1 else None

    def _out_activation(self, y: Host, classes: Any) -> str:
        return "logistic" if y.ndim > 1 or len(classes) == 2 else "softmax"

    def _stratifies(self, y: Host) -> bool:
        return y.ndim == 1

    def _row_weights(self, weights: Host | None, y: Host) -> Host | None:
        return weights_by_class(self.class_weight, y, weights)
