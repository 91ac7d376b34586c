"""Regressions: feed-forward models without a hidden layer, each with its loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from portnn.estimators.estimator import Recipe
from portnn.estimators.mlp import MLP
from portnn.estimators.mlp_settings import LinearPartial, LinearRun, LinearSettings
from portnn.estimators.run_settings import RunSettings
from portnn.settings import Settings, documented, settings_call, table_call


class LinearModel(MLP):
    """What the three regressions share: one affine map, trained on all rows at once."""

    RUN: ClassVar[type[RunSettings]] = LinearRun
    RECIPES: ClassVar[dict[str, Recipe]] = {}

    @table_call(LinearRun)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, settings: LinearRun) -> Self:
        """Train. A model that has been fitted is trained further, from its weights; see `portnn.MLP.fit`.

        Parameters
        ----------
        X : array or sparse matrix (rows, features)
            A sparse one is dense as a whole unless `batch_size` says how many rows are dense at a time.
        y : array (rows,) or (rows, n)
        sample_weight : array (rows,), optional
        {settings}

        Returns
        -------
        Itself.
        """
        return self._train(X, y, sample_weight, settings)

    @table_call(LinearPartial)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, *, settings: LinearPartial) -> Self:
        """Train for one epoch on some rows; see `portnn.MLP.partial_fit`.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        {settings}

        Returns
        -------
        Itself.
        """
        return self._train_epoch(X, y, sample_weight, settings)


@dataclass(frozen=True)
class LinearRegressionSettings(LinearSettings):
    """Settings of `LinearRegression`."""

    objective: ClassVar[str] = "squared_error"


@documented(LinearRegressionSettings)
class LinearRegression(LinearModel):
    """Linear regression: ``X W + b``, with half the squared error.

    Parameters
    ----------
    {settings}

    Examples
    --------
    >>> import numpy as np, portnn
    >>> X = np.linspace(-1.0, 1.0, 20)[:, None]
    >>> model = portnn.LinearRegression().fit(X, 3.0 * X[:, 0] - 1.0, progress=False)
    >>> [round(float(value), 3) for value in model.pack()]
    [3.0, -1.0]
    """

    SETTINGS: ClassVar[type[Settings]] = LinearRegressionSettings

    @settings_call(LinearRegressionSettings)
    def __init__(self, settings: LinearRegressionSettings) -> None:
        self._begin(settings)


@dataclass(frozen=True)
class LogisticRegressionSettings(LinearSettings):
    """Settings of `LogisticRegression`."""

    objective: ClassVar[str] = "binary_cross_entropy"


@documented(LogisticRegressionSettings)
class LogisticRegression(LinearModel):
    """Logistic regression: two classes, or several yes-or-no questions per row, with binary cross-entropy.

    Parameters
    ----------
    {settings}

    Examples
    --------
    >>> import numpy as np, portnn
    >>> X = np.asarray([[0.0], [1.0], [2.0], [3.0]])
    >>> portnn.LogisticRegression().fit(X, ["low", "low", "high", "high"], progress=False).predict(X).tolist()
    ['low', 'low', 'high', 'high']
    """

    SETTINGS: ClassVar[type[Settings]] = LogisticRegressionSettings

    @settings_call(LogisticRegressionSettings)
    def __init__(self, settings: LogisticRegressionSettings) -> None:
        self._begin(settings)


@dataclass(frozen=True)
class SoftmaxRegressionSettings(LinearSettings):
    """Settings of `SoftmaxRegression`."""

    objective: ClassVar[str] = "cross_entropy"


@documented(SoftmaxRegressionSettings)
class SoftmaxRegression(LinearModel):
    """Softmax regression: any number of classes, with cross-entropy.

    Parameters
    ----------
    {settings}

    Examples
    --------
    >>> import numpy as np, portnn
    >>> X = np.asarray([[0.0], [1.0], [4.0], [5.0], [9.0], [10.0]])
    >>> portnn.SoftmaxRegression(standardize=True).fit(X, [0, 0, 1, 1, 2, 2], progress=False).predict(X).tolist()
    [0, 0, 1, 1, 2, 2]
    """

    SETTINGS: ClassVar[type[Settings]] = SoftmaxRegressionSettings

    @settings_call(SoftmaxRegressionSettings)
    def __init__(self, settings: SoftmaxRegressionSettings) -> None:
        self._begin(settings)
