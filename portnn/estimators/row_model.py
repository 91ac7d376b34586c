"""What every feed-forward model that has been fitted can do: predict, measure, move, be flattened, be saved."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from portnn import ops
from portnn.backends import Array, Backend, is_array, to_host
from portnn.estimators.estimator import Estimator
from portnn.estimators.row_evaluation import RowEvaluation, RowEvaluator, blocks
from portnn.models import RowBatch
from portnn.tables import Layout
from portnn.tables.labels import Classes, place_labels
from portnn.tables.placing import check_lengths, place_table, place_weights
from portnn.tables.scaling import Scaling
from portnn.tables.targets import Targets
from portnn.training import pack, unpack


class RowModel(Estimator[Any]):
    """A feed-forward network and what its outputs mean, once there are any.

    Attributes
    ----------
    targets : Targets or None
        What y means to the network, and its outputs to people.
    scaling : Scaling or None
        Of the inputs, where they are standardized.
    layout : Layout or None
        How the table that was trained on stood in its file.
    """

    def __init__(self, settings: Any, backend: Backend | None) -> None:
        super().__init__(settings, backend)
        self.targets: Targets | None = None
        self.scaling: Scaling | None = None
        self.layout: Layout | None = None

    @property
    def objective(self) -> str:
        """Name of what is minimised."""
        return str(self.settings.objective)

    @property
    def classes(self) -> Classes | None:
        """Class labels of a classifier, sorted: ``classes.labels``."""
        return None if self.targets is None else self.targets.classes

    def outputs(self, X: Any) -> Array:
        """Outputs of the last layer (rows, n): logits, or the prediction of a regression.

        Parameters
        ----------
        X : array (rows, features)
            Of the model's library, or of NumPy: the result is of the same.
        """
        model, params, where = self._fitted()
        x = self._place(X)
        xp = where.xp
        found = [model.outputs(params, x[start:stop, ...], xp=xp)[0] for start, stop in blocks(x.shape[0])]
        joined, scaling = found[0] if len(found) == 1 else xp.concat(found), self._fitted_targets().scaling
        return self._back(joined if scaling is None else scaling.undo(joined, where), X)

    def predict(self, X: Any) -> Array:
        """Likeliest class of each row, or the prediction of a regression.

        Parameters
        ----------
        X : array (rows, features)

        Returns
        -------
        array (rows,) or (rows, n)
            In X's library; class labels that are strings in NumPy's.
        """
        where = self._fitted()[2]
        outputs = self.outputs(X)
        if isinstance(outputs, np.ndarray):
            return self._fitted_targets().predict(outputs)
        if self.objective == "squared_error":
            return outputs[:, 0] if self._fitted_targets().one_axis else outputs
        return place_labels(self._fitted_targets().predict(to_host(outputs)), where)

    def predict_proba(self, X: Any) -> Array:
        """Probability of each class (rows, n), or of each yes-or-no question.

        Raises
        ------
        ValueError
            If the model is a regression.
        """
        if self.objective == "squared_error":
            raise ValueError("a regression predicts no probabilities; predict gives its values")
        outputs = self.outputs(X)
        if self.objective == "cross_entropy":
            return ops.softmax(outputs)[0]
        positive = ops.sigmoid(outputs)[0]
        if self.classes is None:
            return positive
        # 1 - p of a tiny p would lose its digits.
        negative = ops.sigmoid(-outputs)[0]
        host = isinstance(outputs, np.ndarray)
        return (np if host else self._fitted()[2].xp).concat([negative, positive], axis=1)

    def evaluate(self, X: Any, y: Any, sample_weight: Any = None) -> RowEvaluation:
        """Mean loss and score on a table.

        Parameters
        ----------
        X : array (rows, features)
        y : array (rows,) or (rows, n)
        sample_weight : array (rows,), optional

        Returns
        -------
        RowEvaluation
        """
        model, params, where = self._fitted()
        return RowEvaluator(model, where, self._rows(X, y, sample_weight), self._fitted_targets())(params)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy of a classifier, R^2 of a regression."""
        return self.evaluate(X, y, sample_weight).score

    def hidden(self, X: Any) -> tuple[Array, ...]:
        """Output of every hidden layer (rows, units)."""
        model, params, where = self._fitted()
        return tuple(self._back(layer, X) for layer in model.hidden(params, self._place(X), xp=where.xp))

    def loss_and_gradient(self, X: Any, y: Any, sample_weight: Any = None) -> tuple[float, Array]:
        """Loss with its L2 penalty on a table, and its gradient for `pack`'s vector.

        Returns
        -------
        loss : float
        gradient : array (n,), on the model's backend
        """
        model, params, where = self._fitted()
        rows = self._rows(X, y, sample_weight)
        loss, _, cache = model.loss(params, rows, xp=where.xp)
        return float(loss), pack(model.gradients(cache, xp=where.xp), model.shapes(), xp=where.xp)

    def pack(self) -> Array:
        """All parameters as one vector (n,): a copy, in the order of `model.shapes()`."""
        model, params, where = self._fitted()
        return where.xp.asarray(pack(params, model.shapes(), xp=where.xp), copy=True)

    def unpack(self, vector: Any) -> None:
        """Take parameters from a vector such as `pack` gives, on the backend or the host.

        Raises
        ------
        ValueError
            If it has another length.
        """
        model, _, where = self._fitted()
        entries = sum(math.prod(shape) for shape in model.shapes().values())
        if tuple(vector.shape) != (entries,):
            raise ValueError(f"the vector has shape {tuple(vector.shape)}, but the parameters have {entries} entries")
        vector = where.xp.astype(where.asarray(vector), getattr(where.xp, where.dtype), copy=True)
        self.params = unpack(vector, model.shapes(), xp=where.xp)

    def _own_facts(self) -> dict[str, Any]:
        return {
            "targets": self._fitted_targets().to_json(),
            "scaling": self.scaling and self.scaling.to_json(),
            "layout": self.layout and self.layout.to_json(),
        }

    def _place(self, X: Any) -> Array:
        """X on the backend, standardized where the model does that."""
        model, _, where = self._fitted()
        return place_table(X, where, width=model.sizes[0], scaling=self.scaling)

    def _back(self, array: Array, X: Any) -> Array:
        """Result where X was: on the host, if X was there."""
        return array if is_array(X) and not isinstance(X, np.ndarray) else to_host(array)

    def _rows(self, X: Any, y: Any, sample_weight: Any) -> RowBatch:
        """Table and targets on the backend, ready for the network."""
        _, _, where = self._fitted()
        x = self._place(X)
        targets = self._fitted_targets().encode(y)
        check_lengths(targets, x)
        return RowBatch(x, where.asarray(targets), place_weights(sample_weight, x.shape[0], where))

    def _fitted_targets(self) -> Targets:
        self._fitted()
        assert self.targets is not None
        return self.targets
