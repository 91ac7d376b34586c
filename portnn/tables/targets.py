"""Targets: what y means to a network, and what the network's outputs mean to people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from portnn.backends import is_array, to_host
from portnn.checkpoints import CheckpointError
from portnn.tables.labels import Classes, as_labels
from portnn.tables.scaling import Scaling

Host = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Targets:
    """How y becomes targets and outputs become predictions; all on the host.

    Attributes
    ----------
    objective : {"cross_entropy", "binary_cross_entropy", "squared_error"}
    outputs : int
        Number of the network's outputs.
    classes : Classes or None
        Of a classifier; None for a regression, and where every output is a yes-or-no question of its own.
    one_axis : bool
        Whether y (rows,) is one value a row, or y (rows, outputs) several.
    scaling : Scaling or None
        Of the values of a regression, where they are standardized.
    """

    objective: str
    outputs: int
    classes: Classes | None = None
    one_axis: bool = True
    scaling: Scaling | None = None

    @classmethod
    def of(cls, objective: str, y: Any, classes: Any = None) -> Targets:
        """Targets that y (rows,) or (rows, n) calls for.

        Parameters
        ----------
        objective : str
        y : array (rows,) or (rows, n)
        classes : array, optional
            All class labels, where y may lack some.

        Raises
        ------
        ValueError
            If there is but one class, or more than two for "binary_cross_entropy".
        """
        if y is None:
            raise ValueError("y is None, but there is nothing to learn without it")
        shape = tuple(y.shape) if is_array(y) else np.shape(y)
        columns = shape[1] if len(shape) > 1 else 1
        if objective == "squared_error" or (objective == "binary_cross_entropy" and columns > 1):
            return cls(objective, columns, None, len(shape) < 2)
        known = Classes.of(as_labels(y if classes is None else classes))
        if objective == "cross_entropy":
            return cls(objective, len(known.labels), known)
        if len(known.labels) > 2:
            raise ValueError(f"binary_cross_entropy tells two classes apart, but y has {len(known.labels)}")
        return cls(objective, 1, known)

    def encode(self, y: Any) -> Host:
        """Integer ids (rows,) for "cross_entropy", else float64 values (rows, outputs).

        Raises
        ------
        ValueError
            If y has another shape, labels that are unknown, or NaN or infinity.
        """
        if self.classes is not None:
            ids = self.classes.encode(as_labels(y))
            return ids if self.objective == "cross_entropy" else ids[:, None].astype(np.float64)
        try:
            values = (to_host(y) if is_array(y) else np.asarray(y)).astype(np.float64)
        except ValueError as error:
            raise ValueError(f"y must hold numbers: {error}") from error
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or values.shape[1] != self.outputs:
            raise ValueError(
                f"y has shape {values.shape}, expected {self.outputs} value{'s' * (self.outputs > 1)} a row"
            )
        if not np.all(np.isfinite(values)):
            raise ValueError("y contains NaN or infinity")
        if self.objective == "binary_cross_entropy" and not np.all((values >= 0.0) & (values <= 1.0)):
            raise ValueError("y with several columns must hold probabilities or 0 and 1 for binary_cross_entropy")
        return values if self.scaling is None else (values - self.scaling.mean) / self.scaling.deviation

    def class_ids(self, encoded: Host) -> Host:
        """Class ids (rows,) of what `encode` gave."""
        return encoded if encoded.ndim == 1 else encoded[:, 0].astype(np.int64)

    def predict(self, outputs: Host) -> Host:
        """Labels (rows,), or values of the shape that y had, out of a network's outputs (rows, outputs)."""
        if self.objective == "squared_error":
            return outputs[:, 0] if self.one_axis else outputs
        if self.objective == "cross_entropy":
            ids = np.argmax(outputs, axis=1)
        else:
            ids = (outputs > 0.0).astype(np.int64)
            ids = ids if self.classes is None else ids[:, 0]
        return ids if self.classes is None else self.classes.decode(ids)

    def score(self, outputs: Host, encoded: Host, weights: Host | None = None) -> float:
        """Accuracy, or the coefficient of determination R^2 averaged over the outputs."""
        if self.objective == "squared_error":
            return _r2(outputs.astype(np.float64), encoded, weights)
        if self.objective == "cross_entropy":
            right = np.argmax(outputs, axis=1) == encoded
        else:
            right = np.all((outputs > 0.0) == (encoded > 0.5), axis=1)
        return float(np.average(right, weights=weights))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` makes equal targets of them."""
        return {
            "objective": self.objective,
            "outputs": self.outputs,
            "classes": self.classes and self.classes.to_json(),
            "one_axis": self.one_axis,
            "scaling": self.scaling and self.scaling.to_json(),
        }

    @classmethod
    def from_json(cls, record: Any) -> Targets:
        """Targets out of what `to_json` made.

        Raises
        ------
        CheckpointError
            If something is missing or does not fit.
        """
        classes = record["classes"] and Classes.from_json(record["classes"])
        scaling = record.get("scaling") and Scaling.from_json(record["scaling"])
        found = cls(record["objective"], record["outputs"], classes, record["one_axis"], scaling)
        if classes and found.outputs != (len(classes.labels) if found.objective == "cross_entropy" else 1):
            raise CheckpointError("the checkpoint's class labels do not fit its outputs")
        return found


def _r2(prediction: Host, values: Host, weights: Host | None) -> float:
    mean = np.average(values, axis=0, weights=weights)
    residual = np.average((values - prediction) ** 2, axis=0, weights=weights)
    spread = np.average((values - mean) ** 2, axis=0, weights=weights)
    # Where the values never change, a prediction is either right or worth nothing.
    constant = np.where(residual > 0.0, 0.0, 1.0)
    return float(np.mean(np.where(spread > 0.0, 1.0 - residual / np.where(spread > 0.0, spread, 1.0), constant)))
