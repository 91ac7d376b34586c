"""`Fitted`: predictions and attributes of a fitted estimator, which follow X."""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn.base import BaseEstimator
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from portnn.backends import Array, Backend
from portnn.estimators import MLP, ConvNet
from portnn.interop.scikit_learn import SKLEARN_OBJECTIVES
from portnn.sklearn.dispatch import check_same_place, dtypes, entering

Network = MLP | ConvNet

OUT_ACTIVATIONS = {objective: name for name, objective in SKLEARN_OBJECTIVES.items()}
"""scikit-learn's name of the output activation, by portnn's objective."""


class Fitted(BaseEstimator):  # type: ignore[misc]
    """A trained network of portnn behind scikit-learn's interface."""

    TRAINED: ClassVar[str]
    """Name of the attribute that holds it."""

    DTYPES: ClassVar[tuple[str, ...]] = ("float64", "float32")
    """Dtypes of X that the network takes; X of another is converted to the first."""

    def predict(self, X: Any) -> Array:
        """Likeliest class of each row, or the prediction of a regression, where X is.

        Parameters
        ----------
        X : array or sparse matrix (rows, features), or images
            What `fit` takes.

        Returns
        -------
        array (rows,) or (rows, n)
            Class labels that are strings are always NumPy's, and so are predictions for a sparse X.
        """
        table = self._table(X, "predict")
        return self._trained.predict(table)

    def to(self, backend: str | Backend, *, device: Any = None) -> Any:
        """Move the fitted network to another array library or device, in place.

        Parameters
        ----------
        backend : str or Backend
            Name of an array library; see `portnn.backend`.
        device : str, optional

        Returns
        -------
        Itself.
        """
        check_is_fitted(self)
        self._trained.to(backend, device=device)
        return self

    @property
    def n_outputs_(self) -> int:
        """Number of outputs."""
        return int(self._trained.targets.outputs)

    @property
    def out_activation_(self) -> str:
        """Name of the output activation: softmax, logistic or identity."""
        return OUT_ACTIVATIONS[self._trained.objective]

    @property
    def _trained(self) -> Any:
        return getattr(self, self.TRAINED)

    @_trained.setter
    def _trained(self, network: Network) -> None:
        setattr(self, self.TRAINED, network)

    def _table(self, X: Any, method: str) -> Any:
        """X, checked for prediction."""
        check_is_fitted(self)
        check_same_place(X, self._trained.backend, f"{type(self).__name__}.{method}")
        return self._checked(X, reset=False)

    def _checked(self, X: Any, *, reset: bool) -> Any:
        """X, checked, as the network takes it; `reset` says that the network will be new."""
        sparse = "csr" if get_tags(self).input_tags.sparse else False
        return validate_data(self, entering("X", X), accept_sparse=sparse, dtype=dtypes(X, self.DTYPES), reset=reset)
