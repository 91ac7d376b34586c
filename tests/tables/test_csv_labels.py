"""Labels of CSV files: they come back as they were written, and other files are read by them."""

from __future__ import annotations

import numpy as np
import pytest

from portnn.tables import Classes, infer_task, open_csv, read_csv
from portnn.tables.csv_target import labels_as_written

pytestmark = pytest.mark.host

BEYOND = [str(2**63 + n) for n in (0, 1)]


@pytest.fixture
def read(tmp_path):
    """Table of a target whose cells are given, after a column of zeros."""

    def call(cells, delimiter=",", decimal=".", **options):
        path = tmp_path / "t.csv"
        path.write_text("a" + delimiter + "y\n" + "".join(f"0{delimiter}{cell}\n" for cell in cells), encoding="utf-8")
        return read_csv(open_csv(path, delimiter=delimiter, header=True, decimal=decimal), [0], [1], **options)

    return call


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        (["1", "20", "-3", "0"], np.int64),
        (["9007199254740993", "9007199254740992"], np.int64),
        ([str(2**63 - 1), str(-(2**63))], np.int64),
        (["0.5", "1.0", "-2.25", "1e-07", "1e+20"], np.float64),
        (["0.0", "1.0"], np.float64),
        (["001", "01", "1"], np.str_),
        (["+1", "1"], np.str_),
        (["-0", "0"], np.str_),
        (["-0.0", "0.0"], np.str_),
        (["1e3", "2e3"], np.str_),
        (["1.50", "2.50"], np.str_),
        ([".5", "1."], np.str_),
        (["1", "2", "3.5"], np.str_),
        (["True", "False"], np.str_),
        (["1_000", "2"], np.str_),
        (["0x10", "2"], np.str_),
        (["\u0661", "\u0662"], np.str_),
        (BEYOND, np.str_),
        (["9" * 400, "1"], np.str_),
        (["u", "v", "1"], np.str_),
        (["NA", "DE", "None"], np.str_),
    ],
)
def test_labels_come_back_as_they_were_written(read, cells, dtype) -> None:
    for labels in (labels_as_written(cells * 2), read(cells * 2, labels="classes").y):
        assert labels.dtype.type is dtype
        assert [str(label) for label in labels.tolist()] == cells * 2
        assert len(np.unique(labels)) == len(cells)


@pytest.mark.parametrize(
    ("cells", "task"),
    [
        (["001", "002", "003", "104"], "classification"),  # each occurs once, but they are codes
        (["01234", "90210"] * 2, "classification"),
        (["1.00", "2.00"] * 4, "classification"),
        (["1.50", "2.50"] * 4, "regression"),
        (["0.5", "00.75", "3"] * 4, "regression"),
        (["1", "2", "3", "4"], "regression"),
        (["1e3", "2.5e3", "7"], "regression"),
        (BEYOND * 4, "classification"),
        (["NA", "DE", "FR"], "classification"),
    ],
)
def test_what_a_target_asks_for(read, cells, task) -> None:
    y = read(cells).y
    assert infer_task(y).name == task
    if task == "classification":
        assert [str(label) for label in y.tolist()] == cells
    else:
        assert y.tolist() == [float(cell) for cell in cells]


def test_codes_are_numbers_for_a_regression(read) -> None:
    assert read(["001", "010", BEYOND[0]], labels="numbers").y.tolist() == [1.0, 10.0, 2.0**63]


@pytest.mark.parametrize("cells", [["1", "NA"], ["001", "None"], ["0.5", ""], ["", "?"]])
def test_a_word_for_what_is_missing_is_a_label_only_among_words(read, cells) -> None:
    with pytest.raises(ValueError, match="column 'y': the value is missing"):
        read(cells, labels="classes")


def test_a_label_that_ends_in_nul_is_refused(tmp_path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "1,u\n" * 200 + "1,u\0\n")
    with pytest.raises(ValueError, match=r"line 202, column 'y': 'u\\x00' ends in a NUL character"):
        read_csv(open_csv(path), [0], [1])


@pytest.mark.parametrize(
    ("labels", "cells", "found", "note"),
    [
        (["01", "1"], ["1", "01"], ["1", "01"], None),
        ([1, 2], ["2", "1"], [2, 1], None),
        ([1, 2], ["1", "02", "02"], [1, 2, 2], "line 3, column 'y': '02' is taken for the class 2"),
        ([1, 2], ["1.0", "2"], [1, 2], "line 2, column 'y': '1.0' is taken for the class 1"),
        ([0.0, 1.0], ["1", "0"], [1.0, 0.0], "line 2, column 'y': '1' is taken for the class 1.0"),
        ([0.5, 1e20], ["0.50", "1e20"], [0.5, 1e20], "line 2, column 'y': '0.50' is taken for the class 0.5"),
        ([2**53, 2**53 + 1], ["9007199254740993"], [2**53 + 1], None),
        ([0.0, 2.0**53], ["9007199254740993"], [2.0**53], "line 2, column 'y': '9007199254740993' is taken for"),
        ([False, True], ["True", "False"], [True, False], None),
        ([False, True], ["1", "0"], [True, False], "line 2, column 'y': '1' is taken for the class True"),
        (np.asarray([2**63, 2**63 + 1], np.uint64), [BEYOND[1]], [2**63 + 1], None),
    ],
)
def test_labels_of_another_file_are_those_of_the_classes(read, labels, cells, found, note) -> None:
    classes = Classes.of(np.asarray(labels))
    table = read(cells, classes=classes)
    assert table.y.dtype == classes.labels.dtype
    assert table.y.tolist() == found
    assert (table.note is None) if note is None else (note in table.note)


@pytest.mark.parametrize(
    ("labels", "cell", "message"),
    [
        (
            ["01", "02"],
            "1",
            "'y': training never saw the label '1'; the classes are '01', '02'; is it '01'",
        ),
        (["u", "v"], "w", "line 3, column 'y': training never saw the label 'w'; the classes are 'u', 'v'$"),
        ([1, 2], "x", "line 3, column 'y': training never saw the label 'x'; the classes are 1, 2$"),
        ([2**53, 2**53 + 2], "9007199254740993", "never saw the label '9007199254740993'"),
        ([1, 2], "NA", r"line 3, column 'y': the value is missing \('NA'\)$"),
        (["u", "v"], "", "line 3, column 'y': the value is missing$"),
    ],
)
def test_a_label_that_is_no_class_is_named_with_its_line(read, labels, cell, message) -> None:
    with pytest.raises(ValueError, match=message):
        read([str(labels[0]), cell], classes=Classes.of(np.asarray(labels)))


def test_messages_hold_little_of_the_data(read) -> None:
    long = "x" * 10_000
    for labels, cell in ((["u", "v"], long), ([long, "v"], "w")):
        with pytest.raises(ValueError, match="never saw") as caught:
            read([cell], classes=Classes.of(np.asarray(labels)))
        assert len(str(caught.value)) < 1000
    with pytest.raises(ValueError, match="text in a column of numbers") as caught:
        read(["1", "2", long], labels="numbers")
    assert len(str(caught.value)) < 1000
