"""`RowModel`: a fitted model of rows, which predicts, is measured, packed into a vector and saved."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np

from portnn.backends import Array, Backend, is_array, to_host, tree_map
from portnn.batches import HostTable, blocks
from portnn.checkpoints import Arrays
from portnn.estimators.estimator import Estimator, as_backend
from portnn.estimators.loaded_params import checked_params
from portnn.estimators.row_evaluation import RowEvaluation, RowEvaluator, weighed_blocks
from portnn.models import RowBatch
from portnn.objectives import OBJECTIVES
from portnn.tables import (
    Classes,
    Scaling,
    Targets,
    check_lengths,
    place_labels,
    place_weights,
)
from portnn.training import pack, unpack
from portnn.training.packing import packed_shapes


class RowModel(Estimator[Any]):
    """A network of independent rows, and what its outputs mean, once there are any.

    Attributes
    ----------
    targets : Targets or None
        What y means to the network, and its outputs to people.
    scaling : Scaling or None
        Of the inputs, if they are standardized.
    layout : Layout, ImageLayout or None
        Of the file that held the rows trained on.
    """

    MODEL: ClassVar[Any]
    LAYOUT: ClassVar[Any]
    """Classes of the network and of the layout."""

    def _begin(self, settings: Any) -> None:
        """Initialise an estimator without a network."""
        backend = None
        if settings.backend is not None:
            backend = as_backend(settings.backend, settings.device, settings.dtype or "float32")
        Estimator.__init__(self, settings, backend)
        self.targets: Targets | None = None
        self.scaling: Scaling | None = None
        self.layout: Any = None

    @classmethod
    def from_checkpoint(cls, arrays: Arrays, facts: dict[str, Any], backend: Backend) -> Self:
        """Build the model that a checkpoint holds, on a backend."""
        model = cls.MODEL(**facts["model"])
        made = cls(**cls.SETTINGS.among(facts["settings"]), backend=backend)
        made.targets = Targets.from_json(facts["targets"])
        if facts["scaling"] is not None:
            made.scaling = Scaling.from_json(facts["scaling"])
        if facts.get("layout") is not None:
            made.layout = cls.LAYOUT.from_json(facts["layout"])
        made.model, made.params = model, tree_map(backend.asarray, checked_params(arrays, model))
        return made

    @property
    def objective(self) -> str:
        """Name of what is minimised."""
        return str(self.settings.objective)

    @property
    def classes(self) -> Classes | None:
        """Class labels of a classifier, sorted: ``classes.labels``."""
        return None if self.targets is None else self.targets.classes

    def outputs(self, X: Any) -> Array:
        """Outputs of the last layer (rows, n): logits, log-rates, or the prediction of a regression.

        Parameters
        ----------
        X : array (rows, features)
            Of the model's library, or of NumPy; the result is of the same library. Or a sparse matrix of SciPy, whose
            rows are dense a block at a time.
        """
        model, params, backend = self._fitted()
        x = self._place(X)
        xp = backend.xp
        places = blocks(x, model.rows_at_a_time)
        parts = [model.outputs_of(params, x[start:stop, ...], xp=xp)[0] for start, stop in places]
        outputs, scaling = parts[0] if len(parts) == 1 else xp.concat(parts), self._fitted_targets().scaling
        return self._back(outputs if scaling is None else scaling.undo(outputs, backend), X)

    def predict(self, X: Any) -> Array:
        """Likeliest class of each row, or the prediction of a regression.

        Parameters
        ----------
        X : array (rows, features)

        Returns
        -------
        array (rows,) or (rows, n)
            In X's library; string labels are always NumPy's.
        """
        targets, outputs = self._fitted_targets(), self.outputs(X)
        if isinstance(outputs, np.ndarray) or not OBJECTIVES[self.objective].classifies:
            return targets.predict(outputs)
        return place_labels(targets.predict(to_host(outputs)), self._fitted()[2])

    def predict_proba(self, X: Any) -> Array:
        """Probability of each class (rows, n), or of each yes-or-no question.

        Raises
        ------
        ValueError
            If the model is a regression.
        """
        return self._of_each_class(OBJECTIVES[self.objective].probabilities, X)

    def predict_log_proba(self, X: Any) -> Array:
        """Logarithm of `predict_proba`, computed from logits: finite even if a probability rounds to 0.

        Raises
        ------
        ValueError
            If the model is a regression.
        """
        return self._of_each_class(OBJECTIVES[self.objective].log_probabilities, X)

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
        model, params, backend = self._fitted()
        return RowEvaluator(model, backend, self._rows(X, y, sample_weight))(params)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy of a classifier, or R^2 of a regression."""
        return self.evaluate(X, y, sample_weight).score

    def hidden(self, X: Any) -> tuple[Array, ...]:
        """Output of every hidden layer (rows, units); of a convolution (rows, height, width, channels)."""
        model, params, backend = self._fitted()
        x, xp = self._place(X), backend.xp
        parts = [model.layers_of(params, x[start:stop, ...], xp=xp) for start, stop in blocks(x, model.rows_at_a_time)]
        return tuple(
            self._back(layer[0] if len(layer) == 1 else xp.concat(layer), X) for layer in zip(*parts, strict=True)
        )

    def loss_and_gradient(self, X: Any, y: Any, sample_weight: Any = None) -> tuple[float, Array]:
        """Loss on a table, with the L2 penalty, and its gradient with respect to the vector that `pack` returns.

        Returns
        -------
        loss : float
        gradient : array (n,), on the model's backend
        """
        model, params, backend = self._fitted()
        rows, xp, loss, gradient = self._rows(X, y, sample_weight), backend.xp, 0.0, 0.0
        total = rows.x.shape[0] if rows.weights is None else float(xp.sum(rows.weights))
        for block, weight in weighed_blocks(rows, model.rows_at_a_time, xp):
            of_block, _, cache = model.loss(params, block, xp=xp)
            loss += float(of_block) * (weight / total)
            gradient += pack(model.gradients(cache, xp=xp), packed_shapes(model), xp=xp) * (weight / total)
        return loss, gradient

    def pack(self) -> Array:
        """Copy of all parameters that are trained as one vector (n,), in the order of `model.shapes()`."""
        model, params, backend = self._fitted()
        return backend.xp.asarray(pack(params, packed_shapes(model), xp=backend.xp), copy=True)

    def unpack(self, vector: Any) -> None:
        """Set the parameters from a vector like that of `pack`, on the backend or the host.

        Raises
        ------
        ValueError
            If its length is not the number of parameters.
        """
        model, params, backend = self._fitted()
        shapes = packed_shapes(model)
        entries = sum(map(math.prod, shapes.values()))
        if tuple(vector.shape) != (entries,):
            raise ValueError(f"the vector has shape {tuple(vector.shape)}, but the parameters have {entries} entries")
        vector = backend.xp.astype(backend.asarray(vector), getattr(backend.xp, backend.dtype), copy=True)
        self.params = {**params, **unpack(vector, shapes, xp=backend.xp)}

    def _own_facts(self) -> dict[str, Any]:
        return {
            "targets": self._fitted_targets().to_json(),
            "scaling": self.scaling and self.scaling.to_json(),
            "layout": self.layout and self.layout.to_json(),
        }

    def _of_each_class(self, of_outputs: Callable[[Array], Array] | None, X: Any) -> Array:
        """A function of outputs for each class, even if two classes share an output."""
        if of_outputs is None:
            raise ValueError("a regression predicts no probabilities; predict returns its values")
        outputs = self.outputs(X)
        values = of_outputs(outputs)
        if self.classes is None or values.shape[1] == len(self.classes.labels):
            return values
        xp = np if isinstance(outputs, np.ndarray) else self._fitted()[2].xp
        return xp.concat([of_outputs(-outputs), values], axis=1)  # 1 - p of a tiny p would lose its digits

    def _place(self, X: Any) -> Array | HostTable:
        """X for the model, standardized if the model does so."""
        _, _, backend = self._fitted()
        return self._placed(X, backend, self.scaling)

    def _placed(self, X: Any, backend: Backend, scaling: Scaling | None = None) -> Array | HostTable:
        """X on a backend; once there is a model, of its shape."""
        raise NotImplementedError

    def _back(self, array: Array, X: Any) -> Array:
        """Result where X was: on the host if X was there."""
        return array if is_array(X) and not isinstance(X, np.ndarray) else to_host(array)

    def _rows(self, X: Any, y: Any, sample_weight: Any) -> RowBatch:
        """X, targets and weights on the backend, as the network takes them."""
        _, _, backend = self._fitted()
        x = self._place(X)
        targets = self._fitted_targets().encode(y)
        check_lengths(targets, x)
        return RowBatch(x, backend.asarray(targets), place_weights(sample_weight, x.shape[0], backend))

    def _fitted_targets(self) -> Targets:
        self._fitted()
        assert self.targets is not None
        return self.targets
