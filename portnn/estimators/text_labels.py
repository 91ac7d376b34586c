"""`TextLabels`: what the labels of texts mean to a network, whether they are given or read from a file."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from portnn.backends import is_array
from portnn.objectives import OBJECTIVES
from portnn.settings import brief
from portnn.tables import Classes, Targets, as_labels
from portnn.tables.csv_cells import as_number
from portnn.tables.csv_target import labels_as_written
from portnn.tables.labels import listed

Host = np.ndarray[Any, Any]


@dataclass(frozen=True)
class TextLabels:
    """How labels become targets, and outputs become labels.

    Attributes
    ----------
    classes : Classes
        Labels in the order of the outputs.
    several : bool
        A text has any number of labels, not exactly one.
    as_matrix : bool
        Several labels were given as a matrix of 0 and 1 (texts, labels), and are predicted so.
    """

    classes: Classes
    several: bool = False
    as_matrix: bool = False

    @classmethod
    def of(cls, labels: Any, *, several: bool) -> TextLabels:
        """Labels that occur.

        Raises
        ------
        TypeError, ValueError
            If they are missing, of several types, or there is only one.
        """
        if several and is_array(labels) and labels.ndim == 2:
            with calling_them_labels():
                Targets.of_network("binary_cross_entropy", labels.shape[1]).encode(labels)
            return cls(Classes(np.arange(labels.shape[1])), True, True)
        labels = [label for row in _rows(labels) for label in row] if several else _single(labels)
        with calling_them_labels():
            return cls._found(as_labels(labels), several)

    @classmethod
    def written(cls, words: Iterable[str], *, several: bool) -> TextLabels:
        """Labels that occur in a file: numbers, if all of them come back as they were written.

        Raises
        ------
        ValueError
            If there are none, or only one.
        """
        return cls._found(labels_as_written(sorted(words)), several)

    @classmethod
    def _found(cls, labels: Host, several: bool) -> TextLabels:
        if not len(labels):
            raise ValueError("no text has a label")
        classes = Classes.of(labels)
        if len(classes.labels) < 2 and not several:
            raise ValueError(f"there is only one class, {listed(classes.labels)}; a classifier needs at least two")
        return cls(classes, several)

    @property
    def objective(self) -> str:
        """Name of the loss that goes with them."""
        return "binary_cross_entropy" if self.several else "cross_entropy"

    @property
    def names(self) -> list[Any]:
        """Labels as Python values, in the order of the outputs."""
        return self.classes.labels.tolist()  # type: ignore[no-any-return]

    def encode(self, labels: Any) -> Host:
        """Class ids (texts,), or 0 and 1 (texts, labels), of labels in memory.

        Raises
        ------
        TypeError, ValueError
            If a label is missing or none of the classes, or a matrix has another shape.
        """
        with calling_them_labels():
            if not self.several:
                return self.classes.encode(as_labels(_single(labels)))
            if is_array(labels) and labels.ndim == 2:
                return Targets.of_network(self.objective, len(self.names)).encode(labels)
            rows = _rows(labels)
            matrix = np.zeros((len(rows), len(self.names)))
            for number, row in enumerate(rows):
                if row:
                    matrix[number, self.classes.encode(as_labels(row))] = 1.0
            return matrix

    def encode_written(self, label: Any, place: Any) -> int | Host:
        """Target of a text from a file: its class id, or 0 and 1 (labels,).

        Parameters
        ----------
        label : str, or tuple of str
        place : callable
            Returns the place of the text, for a message.

        Raises
        ------
        ValueError
            If it is none of the classes.
        """
        if not self.several:
            return self._id(label, place)
        row = np.zeros(len(self.names))
        for each in label:
            row[self._id(each, place)] = 1.0
        return row

    def _id(self, word: str, place: Any) -> int:
        written, numbers = self._known
        found = written.get(word)
        if found is None and numbers:
            found = numbers.get(as_number(word))
        if found is None:
            raise ValueError(
                f"{place()}: training never saw the label {brief(word)}; the classes are {listed(self.names)}"
            )
        return found

    @functools.cached_property
    def _known(self) -> tuple[dict[str, int], dict[Any, int]]:
        """Ids of labels as they are written and, if they are numbers, by their value."""
        ids = {label: number for number, label in enumerate(self.names)}
        return {str(label): number for label, number in ids.items()}, {} if isinstance(self.names[0], str) else ids

    def decode(self, outputs: Host) -> Any:
        """Labels (texts,) for logits (texts, outputs); with several labels a tuple each, or a matrix of 0 and 1."""
        predicted = OBJECTIVES[self.objective].predict(outputs)
        if not self.several:
            return self.classes.decode(predicted)
        if self.as_matrix:
            return predicted
        names = self.names
        return [tuple(names[number] for number in np.flatnonzero(row)) for row in predicted]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, from which `from_json` makes equal labels."""
        return {"classes": self.classes.to_json(), "several": self.several, "as_matrix": self.as_matrix}

    @classmethod
    def from_json(cls, record: Any) -> TextLabels:
        """Labels from what `to_json` returned.

        Raises
        ------
        CheckpointError
            If the class labels are damaged.
        """
        return cls(Classes.from_json(record["classes"]), bool(record["several"]), bool(record["as_matrix"]))


@contextlib.contextmanager
def calling_them_labels() -> Iterator[None]:
    """Messages about class labels name the argument `labels`, where those of tables have y."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(re.sub("^y ", "labels ", str(error))) from None


def _single(labels: Any) -> Any:
    """Labels, one of each text.

    Raises
    ------
    TypeError
        If a text has several.
    """
    for number, label in enumerate(labels if isinstance(labels, list | tuple) else ()):
        if isinstance(label, list | tuple | set | frozenset):
            raise TypeError(
                f"text {number} has the labels {brief(label)}, expected one; with multi_label it may be several"
            )
    return labels


def _rows(labels: Any) -> list[list[Any]]:
    """Labels of each text.

    Raises
    ------
    TypeError
        If those of a text are not a list, tuple or set.
    """
    rows = []
    for number, row in enumerate(labels):
        if not isinstance(row, list | tuple | set | frozenset):
            raise TypeError(f"with multi_label each text has a list of labels, got {brief(row)} for text {number}")
        rows.append(list(row))
    return rows
