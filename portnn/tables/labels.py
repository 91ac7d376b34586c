"""Class labels: from the user's y to the ids that a network is trained on, and back."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Array, Backend, native, on_host
from portnn.checkpoints import CheckpointError
from portnn.settings import brief, brief_fields

Host = np.ndarray[Any, Any]


class Classes(NamedTuple):
    """Class labels, sorted, on the host; a class's id is its position."""

    labels: Host

    def __repr__(self) -> str:
        return brief_fields(self)

    @classmethod
    def of(cls, y: Host) -> Classes:
        """Classes that occur in y (rows,)."""
        return cls(np.unique(y))

    def encode(self, y: Host) -> Host:
        """Ids of labels (rows,).

        Raises
        ------
        ValueError
            If a label is not one of the classes.
        """
        if y.dtype == self.labels.dtype:
            ids = np.searchsorted(self.labels, y)
            ids[ids == len(self.labels)] = 0
            unknown = self.labels[ids] != y
        else:  # NumPy would compare large integers of different types as floats, where Python is exact
            id_of = {label: number for number, label in enumerate(self.labels.tolist())}
            values, places = np.unique(y, return_inverse=True)
            ids = np.asarray([id_of.get(value, -1) for value in values.tolist()], dtype=np.int64)[places]
            unknown = ids < 0
        if np.any(unknown):
            raise ValueError(
                f"y has labels that training never saw: {listed(np.unique(y[unknown]))}; the classes are "
                f"{listed(self.labels)}; the first of these rows is {np.argmax(unknown)}"
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
            if labels.ndim != 1 or not len(labels) or not all(map(operator.lt, labels[:-1], labels[1:])):
                raise ValueError("not sorted")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise CheckpointError(f"the checkpoint's class labels are damaged: {error}") from error
        return cls(labels)


def as_labels(y: Any) -> Host:
    """Labels (rows,) on the host, none of them missing or changed by NumPy.

    Raises
    ------
    TypeError
        If they are neither numbers nor strings.
    ValueError
        If y has another shape, NaN or infinity, labels of several types, or labels that NumPy cannot hold exactly.
    """
    labels = native(on_host("y", y))
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(f"y has shape {labels.shape}, expected one axis of class labels")
    given = y if isinstance(y, list | tuple) else None
    if labels.dtype.kind in "OT":
        given = labels.tolist()
        check_types(given)
        labels = np.asarray(given)
    if labels.dtype.kind == "f" and not np.all(np.isfinite(labels)):
        raise ValueError("y contains NaN or infinity")
    if given and labels.dtype.kind in "Of" and all(type(label) is int for label in given):
        largest = brief(max(given, key=abs))
        raise ValueError(f"y has integers such as {largest}, beyond 64 bits; give text instead")
    if labels.dtype.kind not in "biufU":
        hint = "; np.char.decode makes text of bytes" if labels.dtype.kind == "S" else ""
        raise TypeError(f"y has dtype {labels.dtype}; class labels must be numbers or strings{hint}")
    if given is not None and labels.dtype.kind in "fU":
        check_kept(labels, given)
    return labels


def check_types(labels: list[Any]) -> None:
    """Raise ValueError if labels are missing or of several types."""
    missing = next((row for row, label in enumerate(labels) if label is None), None)
    if missing is not None:
        raise ValueError(f"y has None in row {missing}; class labels must not be missing")
    types = sorted({type(label.item() if isinstance(label, np.generic) else label).__name__ for label in labels})
    if len(types) > 1:
        raise ValueError(f"y has labels of several types: {', '.join(types)}")


def check_kept(labels: Host, given: Sequence[Any]) -> None:
    """Raise ValueError if an array holds other labels than the list that it was made of."""
    for row, (label, was) in enumerate(zip(labels.tolist(), given, strict=True)):
        was = was[0] if isinstance(was, list | tuple) else was
        if label != was:
            if isinstance(label, str) != isinstance(was, str):
                check_types(list(given))
            why = "NumPy drops NUL characters at its end" if isinstance(was, str) else "floats beside it cannot hold it"
            raise ValueError(f"y has the label {brief(was)} in row {row}, which would become {brief(label)}: {why}")


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


def listed(labels: Iterable[Any]) -> str:
    """The first labels, for a message."""
    some = [brief(label) for label in islice(iter(labels.tolist() if isinstance(labels, np.ndarray) else labels), 11)]
    return ", ".join([*some[:10], *(["..."] if len(some) > 10 else [])])
