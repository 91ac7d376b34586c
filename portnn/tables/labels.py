"""Class labels: what people give as y, the ids that a network is trained on, and the way back."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Array, Backend, is_array, to_host
from portnn.checkpoints import CheckpointError

Host = np.ndarray[Any, Any]


class Classes(NamedTuple):
    """Class labels in the order of their ids, sorted; on the host.

    With the objective "cross_entropy" every class has an output. With "binary_cross_entropy" two classes share one.
    """

    labels: Host

    @classmethod
    def of(cls, y: Host) -> Classes:
        """Classes that occur in y (rows,).

        Raises
        ------
        ValueError
            If it is but one.
        """
        labels = np.unique(y)
        if len(labels) < 2:
            raise ValueError(f"y has only one class, {_shown(labels)}; a classifier needs at least two")
        return cls(labels)

    def encode(self, y: Host) -> Host:
        """Ids of labels (rows,).

        Raises
        ------
        ValueError
            If there is a label that training never saw.
        """
        if y.dtype.kind not in "biuf" and self.labels.dtype.kind in "biuf":
            raise ValueError(f"y holds labels such as {y[0].item()!r}, but the classes are {_shown(self.labels)}")
        ids = np.searchsorted(self.labels, y)
        ids[ids == len(self.labels)] = 0
        unknown = self.labels[ids] != y
        if np.any(unknown):
            raise ValueError(
                f"y has labels that training never saw: {_shown(np.unique(y[unknown]))}; the classes are "
                f"{_shown(self.labels)}"
            )
        return ids

    def decode(self, ids: Host) -> Host:
        """Labels of ids (rows,)."""
        return self.labels[ids]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` makes equal classes of them."""
        return {"labels": self.labels.tolist(), "dtype": self.labels.dtype.str}

    @classmethod
    def from_json(cls, record: Any) -> Classes:
        """Classes out of what `to_json` made.

        Raises
        ------
        CheckpointError
            If they are no sorted labels.
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
    """Labels on the host, one axis, none missing.

    Raises
    ------
    ValueError
        If y has another shape, NaN or infinity, or labels of several kinds.
    """
    labels = to_host(y) if is_array(y) else np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(f"y has shape {labels.shape}, expected one axis of class labels")
    if labels.dtype.kind == "f" and not np.all(np.isfinite(labels)):
        raise ValueError("y contains NaN or infinity")
    if labels.dtype.kind == "O":
        kinds = sorted({type(label).__name__ for label in labels.tolist()})
        if len(kinds) > 1:
            raise ValueError(f"y has labels of several kinds: {', '.join(kinds)}")
        labels = np.asarray(labels.tolist())
    if labels.dtype.kind not in "biufU":
        raise ValueError(f"y has dtype {labels.dtype}; class labels are numbers or strings")
    return labels


def place_labels(labels: Host, where: Backend) -> Array:
    """Labels on the backend; strings stay on the host, and so do numbers that the backend's dtypes cannot hold."""
    if where.library.on_host or labels.dtype.kind == "U":
        return labels
    if labels.dtype.kind == "b":
        return where.xp.astype(where.asarray(labels.astype(np.int64)), where.xp.bool)
    with np.errstate(over="ignore"):
        kept = labels.astype(where.dtype if labels.dtype.kind == "f" else str(where.integer_dtype).rpartition(".")[2])
    return where.asarray(labels) if np.array_equal(kept, labels) else labels


def _shown(labels: Host) -> str:
    some = ", ".join(repr(label) for label in labels[:10].tolist())
    return some + (", ..." if len(labels) > 10 else "")
