"""What every feed-forward model that has been fitted can do: predict, measure, move, be flattened, be saved."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np

from portnn import ops
from portnn.backends import Array, Backend, is_array, to_host, tree_flatten, tree_map
from portnn.backends import backend as choose_backend
from portnn.estimators.labels import Classes, as_labels, place_labels
from portnn.estimators.scaling import Scaling
from portnn.estimators.table import place_table, place_weights
from portnn.models import FeedForward, Parameters, RowBatch
from portnn.training import pack, save_checkpoint, unpack

BLOCK = 8192
"""Rows are predicted so many at a time, so that the hidden layers of a large table fit into memory."""


class RowEvaluation(NamedTuple):
    """How well a table is predicted.

    Attributes
    ----------
    loss : float
        Mean over rows, without the L2 penalty: nats, or half the squared error.
    score : float
        Accuracy of a classifier, coefficient of determination R^2 of a regression.
    rows : int
    """

    loss: float
    score: float
    rows: int


class RowModel:
    """A network, its parameters on a backend and what its outputs mean, once there are any.

    Attributes
    ----------
    objective : str
    backend : Backend or None
        None until arrays have decided.
    model : FeedForward or None
    params : dict of str to array, or None
    classes : Classes or None
        Of a classifier. None for a regression, and where every output is a yes-or-no question of its own.
    scaling : Scaling or None
        Of the inputs, where they are standardized.
    """

    def __init__(self, objective: str, backend: Backend | None) -> None:
        self.objective, self.backend = objective, backend
        self.model: FeedForward | None = None
        self.params: Parameters | None = None
        self.classes: Classes | None = None
        self.scaling: Scaling | None = None
        self.one_axis = True

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
        blocks = [model.outputs(params, x[start:stop, ...], xp=xp)[0] for start, stop in _blocks(x.shape[0])]
        return self._back(blocks[0] if len(blocks) == 1 else xp.concat(blocks), X)

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
        outputs = self.outputs(X)
        if self.objective == "squared_error":
            return outputs[:, 0] if self.one_axis else outputs
        host = to_host(outputs)
        if self.classes is None:
            found = (host > 0.0).astype(np.int64)
        elif self.objective == "cross_entropy":
            found = self.classes.decode(np.argmax(host, axis=1))
        else:
            found = self.classes.decode((host[:, 0] > 0.0).astype(np.int64))
        return found if isinstance(outputs, np.ndarray) else place_labels(found, self._fitted()[2])

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
        model, params, _ = self._fitted()
        rows = self._rows(X, y, sample_weight)
        loss, outputs = self._measure(model, params, rows)
        weights = None if rows.weights is None else to_host(rows.weights)
        return RowEvaluation(loss, self._score(outputs, to_host(rows.targets), weights), rows.x.shape[0])

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
        vector = where.xp.asarray(where.asarray(vector), copy=True)
        self.params = unpack(vector, model.shapes(), xp=where.xp)

    def to(self, backend: str | Backend, *, device: Any = None) -> Any:
        """Move a fitted model to another library or device, in place, with its dtype.

        Returns
        -------
        Itself.
        """
        _, params, where = self._fitted()
        host = {name: where.to_host(array) for name, array in params.items()}
        target = backend
        if not isinstance(target, Backend):
            target = choose_backend(target, device=device, dtype=where.dtype)
        self.backend, self.params = target, tree_map(target.asarray, host)
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model, without any training state, as a checkpoint that `portnn.load` reads anywhere."""
        _, params, where = self._fitted()
        arrays = {name: where.to_host(array) for name, array in tree_flatten(params, "params")}
        save_checkpoint(path, arrays, self._facts())

    def _facts(self) -> dict[str, Any]:
        """What a checkpoint says of the model, in plain JSON types."""
        model, _, where = self._fitted()
        return {
            "estimator": type(self).__name__,
            "model": {**asdict(model), "sizes": list(model.sizes)},
            "targets": {"classes": self.classes and self.classes.to_json(), "one_axis": self.one_axis},
            "settings": self._settings(),
            "scaling": self.scaling and self.scaling.to_json(),
            "dtype": where.dtype,
        }

    def _settings(self) -> dict[str, Any]:
        """What else the model was made with, in plain JSON types."""
        raise NotImplementedError

    def _place(self, X: Any) -> Array:
        """X on the backend, standardized where the model does that."""
        model, _, where = self._fitted()
        x = place_table(X, where, width=model.sizes[0])
        return x if self.scaling is None else self.scaling(x, where)

    def _back(self, array: Array, X: Any) -> Array:
        """Result where X was: on the host, if X was there."""
        return array if is_array(X) and not isinstance(X, np.ndarray) else to_host(array)

    def _rows(self, X: Any, y: Any, sample_weight: Any) -> RowBatch:
        """Table and targets on the backend, ready for the network."""
        _, _, where = self._fitted()
        x = self._place(X)
        targets = self._targets(y, where)
        if len(targets) != x.shape[0]:
            raise ValueError(f"y has {len(targets)} rows, but X has {x.shape[0]}")
        return RowBatch(x, where.asarray(targets), place_weights(sample_weight, x.shape[0], where))

    def _targets(self, y: Any, where: Backend) -> np.ndarray[Any, Any]:
        """Ids (rows,) or values (rows, n) on the host, as the objective expects them."""
        if self.classes is not None:
            ids = self.classes.encode(as_labels(y))
            return ids if self.objective == "cross_entropy" else ids[:, None].astype(np.float64)
        values = (to_host(y) if is_array(y) else np.asarray(y)).astype(np.float64)
        values = values[:, None] if values.ndim == 1 else values
        n = self._fitted()[0].sizes[-1]
        if values.ndim != 2 or values.shape[1] != n:
            raise ValueError(f"y has shape {values.shape}, expected {n} value{'s' * (n > 1)} a row")
        if not np.all(np.isfinite(values)):
            raise ValueError("y contains NaN or infinity")
        return values

    def _measure(self, model: FeedForward, params: Parameters, rows: RowBatch) -> tuple[float, np.ndarray[Any, Any]]:
        """Mean loss without the penalty, and the outputs on the host, block by block."""
        _, _, where = self._fitted()
        total, weight, outputs = 0.0, 0.0, []
        for start, stop in _blocks(rows.x.shape[0]):
            block = tree_map(lambda array, start=start, stop=stop: array[start:stop, ...], rows)
            out, *_ = model.outputs(params, block.x, xp=where.xp)
            loss, _ = getattr(ops, self.objective)(out, block.targets, block.weights, xp=where.xp)
            share = block.x.shape[0] if block.weights is None else float(where.xp.sum(block.weights))
            total, weight = total + float(loss) * share, weight + share
            outputs.append(where.to_host(out))
        return total / weight, np.concatenate(outputs)

    def _score(self, outputs: Any, targets: Any, weights: Any) -> float:
        """Accuracy, or R^2 averaged over the outputs."""
        if self.objective == "squared_error":
            outputs = outputs.astype(np.float64)
            residual = np.average((targets - outputs) ** 2, axis=0, weights=weights)
            spread = np.average((targets - np.average(targets, axis=0, weights=weights)) ** 2, axis=0, weights=weights)
            return float(np.mean(np.where(spread > 0.0, 1.0 - residual / np.where(spread > 0.0, spread, 1.0),
                                          np.where(residual > 0.0, 0.0, 1.0))))  # fmt: skip
        if self.objective == "cross_entropy":
            right = np.argmax(outputs, axis=1) == targets
        else:
            right = np.all((outputs > 0.0) == (targets > 0.5), axis=1)
        return float(np.average(right, weights=weights))

    def _fitted(self) -> tuple[FeedForward, Parameters, Backend]:
        if self.model is None or self.params is None or self.backend is None:
            raise ValueError(
                f"this {type(self).__name__} has not been fitted yet; call fit, or portnn.load a checkpoint"
            )
        return self.model, self.params, self.backend


def _blocks(rows: int) -> Iterator[tuple[int, int]]:
    """Where each block of rows starts and stops."""
    for start in range(0, rows, BLOCK):
        yield start, min(start + BLOCK, rows)
