"""Class labels: their ids, where they are placed, and how often they are confused."""

from __future__ import annotations

import json

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


@pytest.mark.host
@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, "1"], "y has labels of several types: int, str"),
        (["u", 1.5, None], "y has None in row 2; class labels must not be missing"),
        (np.asarray(["u", 1], object), "y has labels of several types: int, str"),
        (["u", "u\0"], r"the label 'u\\x00' in row 1, which would become 'u': NumPy drops NUL characters at its end"),
        ([2**53 + 1, 0.5], "the label 9007199254740993 in row 0, which would become 9007199254740992.0: floats beside"),
        ([2**63, -1], "y has integers such as 9223372036854775808, beyond 64 bits; give text instead"),
        ([2**64, 2**64 + 1], "y has integers such as 18446744073709551617, beyond 64 bits; give text instead"),
        ([b"u", b"v"], "class labels must be numbers or strings; np.char.decode makes text of bytes"),
        ([float("nan"), 1.0], "y contains NaN or infinity"),
        ([1j, 2j], "y has dtype complex128; class labels must be numbers or strings"),
        (np.asarray(["2020-01-01"], "datetime64[D]"), "y has dtype datetime64"),
    ],
)
def test_labels_that_an_array_would_change_are_refused(y, message):
    with pytest.raises((TypeError, ValueError), match=message):
        as_labels(y)


@pytest.mark.host
@pytest.mark.parametrize(
    "y",
    [
        [2**53, 2**53 + 1],
        [2**63, 2**63 + 1],
        ["u ", " u", "u"],
        np.asarray([3, 4], ">i8"),
        np.asarray(["u", "v"], ">U1"),
        np.asarray(["u", "vv"], object),
        np.asarray(["u", "vv"], np.dtypes.StringDType()),
        np.asarray([[1], [2]]),
        [np.str_("u"), "v"],
        [np.int64(3), 4],
    ],
)
def test_labels_of_many_kinds_are_kept(y):
    labels = as_labels(y)
    assert labels.dtype.isnative
    assert labels.tolist() == np.ravel(np.asarray(y, dtype=object)).tolist()
    again = Classes.from_json(json.loads(json.dumps(Classes.of(labels).to_json())))
    assert again.labels.dtype == labels.dtype
    assert again.labels.tolist() == sorted(labels.tolist())


@pytest.mark.host
def test_labels_of_another_type_are_compared_exactly():
    large = Classes.of(np.asarray([2**53, 2**53 + 1]))
    assert large.encode(np.asarray([2**53 + 1], np.uint64)).tolist() == [1]
    with pytest.raises(ValueError, match="training never saw: 9007199254740994; the classes are"):
        large.encode(np.asarray([2**53 + 2], np.uint64))
    unsigned = Classes.of(np.asarray([5, 2**63, 2**63 + 1], np.uint64))
    assert unsigned.encode(np.asarray([5])).tolist() == [0]
    with pytest.raises(ValueError, match="training never saw: -1"):
        unsigned.encode(np.asarray([5, -1]))
    assert Classes.of(np.asarray([0, 1])).encode(np.asarray([1.0, 0.0])).tolist() == [1, 0]
    with pytest.raises(ValueError, match=r"training never saw: 0\.5; .* the first of these rows is 1"):
        Classes.of(np.asarray([0, 1])).encode(np.asarray([1.0, 0.5]))
