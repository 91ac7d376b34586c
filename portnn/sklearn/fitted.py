"""`Fitted`: predictions and attributes of a fitted estimator, which follow X."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from portnn.backends import Array, Backend
from portnn.interop.scikit_learn import SKLEARN_OBJECTIVES
from portnn.models import layer_parameters
from portnn.sklearn.dispatch import check_same_place, dtypes, entering

OUT_ACTIVATIONS = {objective: name for name, objective in SKLEARN_OBJECTIVES.items()}
"""scikit-learn's name of the output activation, by portnn's objective."""


class Fitted(BaseEstimator):  # type: ignore[misc]
    """A trained portnn.MLP behind scikit-learn's interface."""

    mlp_: Any

    def predict(self, X: Any) -> Array:
        """Likeliest class of each row, or the prediction of a regression, where X is.

        Parameters
        ----------
        X : array or sparse matrix (rows, features)

        Returns
        -------
        array (rows,) or (rows, n)
            Class labels that are strings are always NumPy's, and so are predictions for a sparse X.
        """
        table = self._table(X, "predict")
        return self.mlp_.predict(table)

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
        self.mlp_.to(backend, device=device)
        return self

    @property
    def coefs_(self) -> list[Array]:
        """Weights of every layer (n_in, n_out), in the library and on the device of X."""
        return [layer_parameters(self.mlp_.params, layer)[0] for layer in range(self.mlp_.model.depth)]

    @property
    def intercepts_(self) -> list[Array]:
        """Biases of every layer (n_out,), in the library and on the device of X."""
        return [layer_parameters(self.mlp_.params, layer)[1] for layer in range(self.mlp_.model.depth)]

    @property
    def n_layers_(self) -> int:
        """Number of layers, including the inputs."""
        return len(self.mlp_.model.sizes)

    @property
    def n_outputs_(self) -> int:
        """Number of outputs."""
        return int(self.mlp_.model.sizes[-1])

    @property
    def out_activation_(self) -> str:
        """Name of the output activation: softmax, logistic or identity."""
        return OUT_ACTIVATIONS[self.mlp_.objective]

    def _table(self, X: Any, method: str) -> Any:
        """X, checked for prediction."""
        check_is_fitted(self)
        check_same_place(X, self.mlp_.backend, f"{type(self).__name__}.{method}")
        return validate_data(self, entering("X", X), accept_sparse="csr", dtype=dtypes(X), reset=False)
