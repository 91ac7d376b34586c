"""Tables from files: the reader that a file takes, its columns, and other files like it."""

from __future__ import annotations

import numpy as np
import pytest

from portnn.tables import TASKS, read_table, read_table_like

pytestmark = pytest.mark.host


@pytest.fixture
def csv_file(tmp_path):
    def write(content, name="t.csv"):
        (tmp_path / name).write_text(content)
        return tmp_path / name

    return write


def test_the_last_column_is_the_target(csv_file):
    table, layout = read_table(csv_file("a,b,kind\n1,2,oak\n3,4,elm\n"))
    assert (table.x.tolist(), table.y.tolist()) == ([[1.0, 2.0], [3.0, 4.0]], ["oak", "elm"])
    assert (layout.features, layout.targets, layout.options) == ((0, 1), (2,), {})


@pytest.mark.parametrize(
    ("target", "targets"), [("a", (0,)), ("1", (0,)), ("c, a", (2, 0)), ("2,3", (1, 2)), ("c,a", (2, 0))]
)
def test_targets_are_named(csv_file, target, targets):
    table, layout = read_table(csv_file("a,b,c\n1,2,3\n4,5,6\n7,8,9.5\n"), target)
    assert layout.targets == targets
    columns = np.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.5]])
    assert np.array_equal(table.y, columns[:, targets[0]] if len(targets) == 1 else columns[:, targets])


def test_a_name_with_a_comma(csv_file):
    _, layout = read_table(csv_file('"a, b",c,a\n1,2,3\n4,5,6\n'), "a, b")
    assert layout.targets == (0,)


def test_the_task_decides_whether_a_target_may_be_text(csv_file):
    path = csv_file("a,y\n1,2\n2,3\n3,x\n")
    assert read_table(path, task=TASKS["classification"])[0].y.tolist() == ["2", "3", "x"]
    with pytest.raises(ValueError, match="line 4, column 'y': 'x' is text in a column of numbers"):
        read_table(path, task=TASKS["regression"])


def test_an_npz_file(tmp_path):
    np.savez(tmp_path / "t.NPZ.npz", points=np.eye(3), values=np.ones((3, 2)))
    (tmp_path / "t.NPZ.npz").rename(tmp_path / "t.NPZ")
    table, layout = read_table(tmp_path / "t.NPZ", options={"x_name": "points", "y_name": "values"})
    assert (layout.features, layout.targets) == ((0, 1, 2), (3, 4))
    again = read_table_like(layout, tmp_path / "t.NPZ", targets=True)
    assert np.array_equal(again.x, table.x)
    assert np.array_equal(again.y, table.y)


def test_another_file_is_read_with_the_same_columns_and_options(csv_file):
    table, layout = read_table(csv_file("a_b_y\n1_2_u\n3_4_v\n"), options={"delimiter": "_"})
    assert layout.options == {"delimiter": "_"}
    other = csv_file("y_b_a\nu_2_1\nv_4_3\n", "other.csv")
    assert np.array_equal(read_table_like(layout, other, targets=False).x, table.x)
    assert read_table_like(layout, other, targets=False).y is None
    assert read_table_like(layout, other, targets=True).y.tolist() == ["u", "v"]
    resumed, again = read_table(other, layout=layout)
    assert np.array_equal(resumed.x, table.x)
    assert (again.features, again.targets) == ((2, 1), (0,))
    comma = csv_file("y,b,a\nu,2,1\n", "comma.csv")
    assert read_table_like(layout, comma, targets=False, options={"delimiter": ","}).x.tolist() == [[1.0, 2.0]]


def test_a_single_column_means_a_wrong_delimiter(csv_file):
    path = csv_file("a:b:y\n1:2:u\n")
    message = "t.csv has only one column with the delimiter ','; say which it is with --delimiter"
    with pytest.raises(ValueError, match=message):
        read_table(path)
    _, layout = read_table(path, options={"delimiter": ":"})
    with pytest.raises(ValueError, match=message):
        read_table_like(layout, path, targets=False, options={"delimiter": ","})
    _, single = read_table(csv_file("a,y\n1,2\n2,3\n", "single.csv"))
    assert read_table_like(single, csv_file("a\n5\n6\n", "new.csv"), targets=False).x.tolist() == [[5.0], [6.0]]
