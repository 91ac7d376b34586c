"""Targets: what y means to a network, and what the network's outputs mean to people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from portnn.backends import Array, is_array, on_host, real_numbers
from portnn.checkpoints import CheckpointError
from portnn.objectives import OBJECTIVES
from portnn.tables.labels import Classes, as_labels, listed
from portnn.tables.scaling import Scaling

Host = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Targets:
    """How y becomes targets of a loss, and outputs become predictions.

    Attributes
    ----------
    objective : str
        Name in ``portnn.objectives.OBJECTIVES``.
    outputs : int
        Number of the network's outputs.
    classes : Classes or None
        Of a classifier; None for a regression, and for several yes-or-no questions.
    one_axis : bool
        Whether y (rows,) has one value per row; otherwise it is (rows, outputs).
    scaling : Scaling or None
        Of the values of a regression, if they are standardized.
    """

    objective: str
    outputs: int
    classes: Classes | None = None
    one_axis: bool = True
    scaling: Scaling | None = None

    @classmethod
    def of(cls, objective: str, y: Any, classes: Any = None) -> Targets:
        """Targets that y calls for.

        Parameters
        ----------
        objective : str
        y : array (rows,) or (rows, n)
        classes : array, optional
            All class labels, if y may lack some, or if it is meant to have only one.

        Raises
        ------
        ValueError
            If y has only one class and `classes` does not say so, or more than the objective tells apart.
        """
        if y is None:
            raise ValueError("y is None, but there is nothing to learn without it")
        shape = tuple(y.shape) if is_array(y) else on_host("y", y).shape
        columns = shape[1] if len(shape) > 1 else 1
        class_count = OBJECTIVES[objective].label.class_count
        if class_count(columns) is None:
            return cls(objective, columns, None, len(shape) < 2)
        known = Classes.of(as_labels(y if classes is None else classes))
        count = len(known.labels)
        if count < 2 and classes is None:
            raise ValueError(f"y has only one class, {listed(known.labels)}; a classifier needs at least two")
        outputs = count if class_count(count) == count else 1
        if class_count(outputs) != count:
            raise ValueError(f"{objective} tells {class_count(outputs)} classes apart, but y has {count}")
        return cls(objective, outputs, known)

    @classmethod
    def of_network(cls, objective: str, outputs: int, labels: Any = None) -> Targets:
        """Targets of a network that has been trained elsewhere.

        Parameters
        ----------
        objective : str
        outputs : int
        labels : array (n,), optional
            Class labels in the order of their ids, ascending.

        Raises
        ------
        ValueError
            If the labels are not sorted or their number does not fit, or the objective takes no classes.
        """
        if labels is None:
            return cls(objective, outputs, None, one_axis=outputs == 1)
        record = OBJECTIVES[objective]
        if not record.classifies:
            raise ValueError(f"classes are for classifiers, not for {objective}")
        known = Classes.of(as_labels(labels))
        if not np.array_equal(known.labels, as_labels(labels)):
            raise ValueError(
                f"classes must be in ascending order, one for each output, got {listed(as_labels(labels))}"
            )
        if record.label.class_count(outputs) != len(known.labels):
            raise ValueError(f"{objective}: {len(known.labels)} class labels, but the network has {outputs} outputs")
        return cls(objective, outputs, known)

    def encode(self, y: Any) -> Host:
        """Targets of the loss: class ids (rows,) if each class has an output, else float64 values (rows, outputs).

        Raises
        ------
        TypeError
            If y is not of real numbers, for a regression.
        ValueError
            If y has another shape, unknown labels, NaN or infinity, or values for which the loss is not defined.
        """
        if self.classes is not None:
            ids = self.classes.encode(as_labels(y))
            return ids if self.outputs == len(self.classes.labels) else ids[:, None].astype(np.float64)
        values = real_numbers("y", y).astype(np.float64)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or values.shape[1] != self.outputs:
            raise ValueError(
                f"y has shape {values.shape}, expected {self.outputs} value{'s' * (self.outputs > 1)} a row"
            )
        if not np.all(np.isfinite(values)):
            raise ValueError("y contains NaN or infinity")
        check = OBJECTIVES[self.objective].check_values
        if check is not None:
            check(values)
        return values if self.scaling is None else (values - self.scaling.mean) / self.scaling.deviation

    def class_ids(self, encoded: Host) -> Host:
        """Class ids (rows,) of what `encode` returned."""
        return encoded.reshape(-1).astype(np.int64)

    def predict(self, outputs: Array) -> Array:
        """Labels (rows,), or answers or values of the shape that y had, from outputs (rows, n).

        Outputs of a classifier must be NumPy's; those of a regression stay in their library.
        """
        predicted = OBJECTIVES[self.objective].predict(outputs)
        if self.classes is not None:
            return self.classes.decode(predicted.reshape(-1))
        return predicted[:, 0] if predicted.ndim > 1 and self.one_axis else predicted

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, from which `from_json` makes equal targets."""
        return {
            "objective": self.objective,
            "outputs": self.outputs,
            "classes": self.classes and self.classes.to_json(),
            "one_axis": self.one_axis,
            "scaling": self.scaling and self.scaling.to_json(),
        }

    @classmethod
    def from_json(cls, record: Any) -> Targets:
        """Targets from what `to_json` returned.

        Raises
        ------
        CheckpointError
            If the class labels are damaged or do not fit the outputs.
        KeyError
            If something is missing.
        """
        classes = record["classes"] and Classes.from_json(record["classes"])
        scaling = record.get("scaling") and Scaling.from_json(record["scaling"])
        targets = cls(record["objective"], record["outputs"], classes, record["one_axis"], scaling)
        if classes and OBJECTIVES[targets.objective].label.class_count(targets.outputs) != len(classes.labels):
            raise CheckpointError("the checkpoint's class labels do not fit its outputs")
        return targets
