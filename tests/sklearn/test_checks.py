"""scikit-learn's own checks of what an estimator must do."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from portnn.sklearn import MLPClassifier, MLPRegressor, SoftmaxClassifier

pytestmark = [
    pytest.mark.host,
    # The checks train for the epochs that are set, converged or not.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@parametrize_with_checks(
    [
        MLPClassifier(max_iter=100),
        MLPRegressor(max_iter=100),
        SoftmaxClassifier(),
        SoftmaxClassifier(solver="nesterov", learning_rate_init=0.01),
    ]
)
def test_of_scikit_learn(estimator, check):
    check(estimator)
