"""Class labels: from the user's y to the ids that a network is trained on, and back."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Array, Backend, native, on_host
from portnn.checkpoints import CheckpointError

Host = np.ndarray[Any, Any]


class Classes(NamedTuple):
    """Class labels, sorted, on the host; a class's id is its position."""

    labels: Host

    @classmethod
    def of(cls, y: Host) -> Classes:
        """Classes that occur in y (rows,).

        Raises
        ------
        ValueError
            If there is only one.
        """
        labels = np.unique(y)
        if len(labels) < 2:
            raise ValueError(f"y has only one class, {listed(labels)}; a classifier needs at least two")
        return cls(labels)

    def encode(self, y: Host) -> Host:
        """Ids of labels (rows,).

        Raises
        ------
        ValueError
            If a label is not one of the classes.
        """
        if y.dtype.kind not in "biuf" and self.labels.dtype.kind in "biuf":
            raise ValueError(f"y holds labels such as {y[0].item()!r}, but the classes are {listed(self.labels)}")
        ids = np.searchsorted(self.labels, y)
        ids[ids == len(self.labels)] = 0
        unknown = self.labels[ids] != y
        if np.any(unknown):
            raise ValueError(
                f"y has labels that training never saw: {listed(np.unique(y[unknown]))}; the classes are "
                f"{listed(self.labels)}"
            )
        return ids

    def decode(self, ids: Host) -> Host:
        """Labels for ids (rows,)."""
        return self.labels[ids]

    def confusion(self, y: Host, predicted: Host) -> Host:
        """Number of rows of each class (row) that were predicted as each class (column), for labels (rows,)."""
        counts = np.zeros((len(self.labels), len(self.labels)), dtype=np.int64)
        np.add.at(counts, (self.encode(y), self.encode(predicted)), 1)
        return counts

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, from which `from_json` makes equal classes."""
        return {"labels": self.labels.tolist(), "dtype": self.labels.dtype.str}

    @classmethod
    def from_json(cls, record: Any) -> Classes:
        """Classes from what `to_json` returned.

        Raises
        ------
        CheckpointError
            If they are not sorted labels.
        """
        try:
            dtype = np.dtype(record["dtype"])
            labels = np.asarray(record["labels"], dtype=object if dtype.kind == "O" else dtype)
            if labels.ndim != 1 or len(labels) < 2 or not all(map(operator.lt, labels[:-1], labels[1:])):
                raise ValueError("not sorted")
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"the checkpoint's class labels are damaged: {error}") from error
        return cls(labels)


def as_labels(y: Any) -> Host:
    """Labels (rows,) on the host, none of them missing.

    Raises
    ------
    TypeError
        If they are neither numbers nor strings.
    ValueError
        If y has another shape, NaN or infinity, or labels of several types.
    """
    labels = native(on_host("y", y))
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(f"y has shape {labels.shape}, expected one axis of class labels")
    if labels.dtype.kind == "f" and not np.all(np.isfinite(labels)):
        raise ValueError("y contains NaN or infinity")
    if labels.dtype.kind == "O":
        types = sorted({type(label).__name__ for label in labels.tolist()})
        if len(types) > 1:
            raise ValueError(f"y has labels of several types: {', '.join(types)}")
        labels = np.asarray(labels.tolist())
    if labels.dtype.kind not in "biufU":
        raise TypeError(f"y has dtype {labels.dtype}; class labels must be numbers or strings")
    return labels


def place_labels(labels: Host, backend: Backend) -> Array:
    """Labels on the backend. Strings stay on the host, and so do numbers that the backend's dtypes cannot represent."""
    if backend.library.on_host or labels.dtype.kind == "U":
        return labels
    if labels.dtype.kind == "b":
        return backend.xp.astype(backend.asarray(labels.astype(np.int64)), backend.xp.bool)
    dtype = backend.dtype if labels.dtype.kind == "f" else str(backend.integer_dtype).rpartition(".")[2]
    with np.errstate(over="ignore"):
        representable = np.array_equal(labels.astype(dtype), labels)
    return backend.asarray(labels) if representable else labels


def listed(labels: Host) -> str:
    """The first labels, for a message."""
    some = ", ".join(repr(label) for label in labels[:10].tolist())
    return some + (", ..." if len(labels) > 10 else "")
