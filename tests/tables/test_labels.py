"""Class labels: their ids, where they are placed, and how often they are confused."""

from __future__ import annotations

import numpy as np
import pytest

from portnn.backends import device, to_host
from portnn.checkpoints import CheckpointError
from portnn.tables import Classes, as_labels, place_labels


@pytest.mark.host
@pytest.mark.parametrize(
    "y", [["b", "a", "c", "a"], [3, -1, 7, -1], [2.5, 0.5, 3.0, 0.5], [True, False, True, False], ["a"]]
)
def test_labels_and_ids(y):
    classes = Classes.of(as_labels(y))
    assert classes.labels.tolist() == sorted(set(y))
    assert classes.decode(classes.encode(as_labels(y))).tolist() == y
    again = Classes.from_json(classes.to_json())
    assert again.labels.tolist() == classes.labels.tolist()
    assert again.labels.dtype == classes.labels.dtype


@pytest.mark.host
def test_confusion():
    classes = Classes.of(np.asarray(["a", "b", "c"]))
    true, predicted = np.asarray(["a", "a", "b", "c", "c"]), np.asarray(["a", "b", "b", "a", "a"])
    assert classes.confusion(true, predicted).tolist() == [[1, 1, 0], [0, 1, 0], [2, 0, 0]]


@pytest.mark.host
@pytest.mark.parametrize(
    "record",
    [{}, {"labels": [1, 0], "dtype": "<i8"}, {"labels": [], "dtype": "<i8"}, {"labels": ["a", "b"], "dtype": "<i8"}],
)
def test_damaged_labels(record):
    with pytest.raises(CheckpointError, match="the checkpoint's class labels are damaged"):
        Classes.from_json(record)


@pytest.mark.parametrize("labels", [[0, 5, 7], [0.5, 2.0], [True, False]])
def test_numbers_are_placed_on_the_backend(backend, labels):
    placed = place_labels(np.asarray(labels), backend)
    assert type(placed) is type(backend.asarray(np.zeros(1)))
    assert backend.device is None or device(placed) == backend.device
    assert to_host(placed).tolist() == labels


@pytest.mark.parametrize("labels", [["a", "b"], [0.1, 0.1 + 1e-12]])
def test_labels_that_a_backend_cannot_represent_stay_on_the_host(backend32, labels):
    placed = place_labels(np.asarray(labels), backend32)
    assert isinstance(placed, np.ndarray)
    assert placed.tolist() == labels
