"""scikit-learn's checks of what an estimator must do, for one whose input is texts."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import estimator_checks_generator

from portnn.sklearn import TextClassifier

pytestmark = pytest.mark.host


class OfRows(TextClassifier):
    """Reads each row of a table as a text of a word per column: the checks have nothing but tables to give."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False
        return tags

    def fit(self, X, y, sample_weight=None):
        return super().fit(as_texts(X), y, sample_weight)

    def predict(self, X):
        return super().predict(as_texts(X))

    def predict_proba(self, X):
        return super().predict_proba(as_texts(X))

    def predict_log_proba(self, X):
        return super().predict_log_proba(as_texts(X))

    def decision_function(self, X):
        return super().decision_function(as_texts(X))


def as_texts(X):
    """Texts of the rows; what is no table remains as it is."""
    table = np.asarray(X)
    if table.ndim != 2:
        return X
    return [" ".join(f"{column}:{entry:.0e}" for column, entry in enumerate(row)) for row in table.tolist()]


CANNOT_APPLY = {
    "check_classifiers_train": (
        "the number of features in predict is different",
        "texts have any number of words; this is the last thing that it checks",
    ),
    "check_estimators_empty_data_messages": (r"0 feature\\\(s\\\)", "texts have no features"),
    "check_estimators_nan_inf": ("doesn't check for NaN and inf in fit", "texts hold no numbers"),
    "check_fit1d": ("each text must be a str, got float", "one axis is what it takes"),
    "check_fit2d_predict1d": ("each text must be a str, got float", "one axis is what it takes"),
    "check_n_features_in": (None, "texts have no features"),
    "check_n_features_in_after_fitting": ("does not set the `n_features_in_` attribute", "texts have no features"),
    "check_sample_weight_equivalence_on_dense_data": (
        "with `sample_weight` is not equivalent",
        "texts that count twice, or not at all, are drawn in other batches than those that are there twice, or not",
    ),
}
"""By the name of a check, how it fails and why it must."""

WITH = {
    # The steps of Adam are as large whatever the gradients: in its thousand epochs it learns every text by heart.
    "check_class_weight_classifiers": {"solver": "sgd"},
}
"""Parameters that a check needs."""

EXAMPLE = OfRows(
    "rnn",
    hidden_size=8,
    embedding_size=8,
    pooling="mean",
    level="space",
    dtype="float64",
    batch_size=200,
    learning_rate_init=0.03,
    max_iter=20,
)


def name_of(check):
    return getattr(check, "func", check).__name__


def checks(estimator):
    return [check for _, check in estimator_checks_generator(estimator, mark=None)]


@pytest.mark.parametrize("check", checks(EXAMPLE), ids=name_of)
def test_of_scikit_learn(check):
    name = name_of(check)
    estimator = clone(EXAMPLE).set_params(**WITH.get(name, {}))
    if name not in CANNOT_APPLY:
        check(estimator)
        return
    message, _ = CANNOT_APPLY[name]
    with pytest.raises((AssertionError, TypeError), match=message):
        check(estimator)


def test_every_exception_is_one_of_the_checks():
    assert set(CANNOT_APPLY) | set(WITH) <= {name_of(check) for check in checks(EXAMPLE)}


def test_scikit_learn_itself_knows_that_it_cannot_test_an_estimator_of_texts():
    with pytest.warns(SkipTestWarning, match=re.escape("Can't test estimator TextClassifier which requires input")):
        found = checks(TextClassifier())
    assert [name_of(check) for check in found] == ["check_estimator_cloneable"]
    found[0](TextClassifier())
