"""Regressions: feed-forward models without a hidden layer, each with its loss."""

from __future__ import annotations

from typing import Any, ClassVar

from portnn.estimators.mlp import MLP


class LinearModel(MLP):
    """What the three regressions share: one affine map, trained on all rows at once."""

    BATCH_SIZE: ClassVar[int | None] = None
    LEARNING_RATE: ClassVar[float] = 0.1
    EPOCHS: ClassVar[int] = 1000
    OBJECTIVE: ClassVar[str]

    def __init__(self, **options: Any) -> None:
        for name in ("hidden_layer_sizes", "activation", "objective", "dropout"):
            if name in options:
                raise TypeError(f"{type(self).__name__} has no hidden layer and one objective, so no {name}")
        super().__init__((), "identity", self.OBJECTIVE, **options)


class LinearRegression(LinearModel):
    """Linear regression: ``X W + b``, with half the squared error.

    Parameters
    ----------
    **options
        `l2`, `standardize`, `init_scale`, `seed`, `backend`, `device` and `dtype` of `portnn.MLP`.

    Examples
    --------
    >>> import numpy as np, portnn
    >>> X = np.linspace(-1.0, 1.0, 20)[:, None]
    >>> model = portnn.LinearRegression().fit(X, 3.0 * X[:, 0] - 1.0, progress=False)
    >>> [round(float(value), 3) for value in model.pack()]
    [3.0, -1.0]
    """

    OBJECTIVE: ClassVar[str] = "squared_error"


class LogisticRegression(LinearModel):
    """Logistic regression: two classes, or several yes-or-no questions a row, with binary cross-entropy.

    Parameters
    ----------
    **options
        `l2`, `class_weight`, `standardize`, `init_scale`, `seed`, `backend`, `device` and `dtype` of `portnn.MLP`.

    Examples
    --------
    >>> import numpy as np, portnn
    >>> X = np.asarray([[0.0], [1.0], [2.0], [3.0]])
    >>> portnn.LogisticRegression().fit(X, ["low", "low", "high", "high"], progress=False).predict(X).tolist()
    ['low', 'low', 'high', 'high']
    """

    OBJECTIVE: ClassVar[str] = "binary_cross_entropy"


class SoftmaxRegression(LinearModel):
    """Softmax regression: any number of classes, with cross-entropy.

    Parameters
    ----------
    **options
        `l2`, `class_weight`, `standardize`, `init_scale`, `seed`, `backend`, `device` and `dtype` of `portnn.MLP`.

    Examples
    --------
    >>> import numpy as np, portnn
    >>> X = np.asarray([[0.0], [1.0], [4.0], [5.0], [9.0], [10.0]])
    >>> portnn.SoftmaxRegression(standardize=True).fit(X, [0, 0, 1, 1, 2, 2], progress=False).predict(X).tolist()
    [0, 0, 1, 1, 2, 2]
    """

    OBJECTIVE: ClassVar[str] = "cross_entropy"
