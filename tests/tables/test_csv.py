"""CSV files: delimiter, header, numbers, labels, and messages about faults."""

from __future__ import annotations

import math

import numpy as np
import pytest

from portnn.tables import csv_table, open_csv, read_csv

pytestmark = pytest.mark.host


@pytest.fixture
def sheet(tmp_path):
    def written(content, **options):
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return open_csv(path, **options)

    return written


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
def test_the_delimiter_is_guessed(sheet, delimiter) -> None:
    opened = sheet(delimiter.join("abc") + "\n" + 3 * (delimiter.join(("1.5", "2", "-3e1")) + "\n"))
    assert (opened.delimiter, opened.names, opened.width) == (delimiter, ("a", "b", "c"), 3)
    assert read_csv(opened, range(3)).x.tolist() == [[1.5, 2.0, -30.0]] * 3


def test_the_delimiter_can_be_stated(sheet) -> None:
    assert sheet("1\t2\n", delimiter="tab").width == 2
    assert sheet("1_2\n", delimiter="_").width == 2
    with pytest.raises(ValueError, match="delimiter must be one character or tab, got '::'"):
        sheet("1::2\n", delimiter="::")


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("a,b\n1,2\n", ("a", "b")),
        (" a ,b\n1,2\n", ("a", "b")),
        ('"a, b",c\n1,2\n', ("a, b", "c")),
        (",b,kind\n0,2,oak\n", ("", "b", "kind")),
        ("1,2\n3,4\n", None),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", None),  # text above text decides nothing
        ("5.1,,setosa\n4.9,3.0,setosa\n", None),
        ("2019,2020,kind\n1,2,oak\n", None),
        ("a,b\n", ("a", "b")),
        ("a;b\n1,5;2,5\n", ("a", "b")),
    ],
)
def test_the_header_is_detected(sheet, content, names) -> None:
    assert sheet(content).names == names


def test_the_header_can_be_stated(sheet) -> None:
    opened = sheet("2019,2020,kind\n1,2,oak\n", header=True)
    assert opened.names == ("2019", "2020", "kind")
    assert len(read_csv(opened, [0, 1], [2]).x) == 1
    assert sheet("a,b\n1,2\n", header=False).names is None


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_marks_line_ends_blank_lines_and_quotes(sheet, mark, end) -> None:
    text = 'a,"kind ""of"" tree",b\n\n1, oak ,2\n3,"elm, or so",4\n\n'.replace("\n", end)
    opened = sheet(mark + text.encode())
    table = read_csv(opened, [0, 2], [1])
    assert table.x.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert table.y.tolist() == ["oak", "elm, or so"]
    assert (table.feature_names, table.target_names) == (("a", "b"), ('kind "of" tree',))
    assert table.x.flags.c_contiguous
    assert table.x.dtype == np.float64


def test_both_parsers_agree(sheet, monkeypatch, rng) -> None:
    values = rng.normal(size=(50, 3))
    rows = "".join(f"{a!r},{b!r},k{i % 3},{c!r}\n" for i, (a, b, c) in enumerate(values.tolist()))
    opened = sheet("a,b,kind,c\n" + rows)
    fast = read_csv(opened, [0, 1, 3], [2])
    monkeypatch.setattr(csv_table, "parse", lambda *_: None)
    slow = read_csv(opened, [0, 1, 3], [2])
    assert np.array_equal(fast.x, values)
    assert np.array_equal(slow.x, values)
    assert fast.y.tolist() == slow.y.tolist()


@pytest.mark.parametrize(
    ("content", "labels"),
    [
        ('1, "yes"\n2, no\n', ["yes", "no"]),
        ('1,   "ye""s"\n2," no"\n', ['ye"s', "no"]),
        ('1,  ye"s"\n2,\t"no"\n', ['ye"s"', '"no"']),
        ('1, "yes, or so"\n2, "no"\n', ["yes, or so", "no"]),
    ],
)
def test_spaces_before_a_quote_are_not_part_of_a_label(sheet, monkeypatch, content, labels) -> None:
    opened = sheet(content, delimiter=",", header=False)
    assert read_csv(opened, [0], [1]).y.tolist() == labels
    monkeypatch.setattr(csv_table, "parse", lambda *_: None)
    assert read_csv(opened, [0], [1]).y.tolist() == labels


def test_spaces_before_a_quote_in_a_column_that_is_not_asked_for(sheet) -> None:
    assert read_csv(sheet('1, "a\n2, b"\n3, c\n', delimiter=",", header=False), [0]).x.tolist() == [[1.0], [3.0]]


def test_a_quoted_line_break_counts_as_a_line(sheet) -> None:
    opened = sheet('a,kind,b\n1,"oak\ntree",2\n3,elm,x\n')
    with pytest.raises(ValueError, match="line 4, column 'b': 'x' is text"):
        read_csv(opened, [0, 2], [1])


def test_columns_that_are_not_asked_for_may_hold_anything(sheet) -> None:
    assert read_csv(sheet("id,a\nx,1\n,2\n"), [1]).x.tolist() == [[1.0], [2.0]]


def test_what_a_target_holds(sheet) -> None:
    assert read_csv(sheet("a,y\n1,2\n2,3\n"), [0], [1]).y.tolist() == [2.0, 3.0]
    assert read_csv(sheet("a,y\n1,2\n2,3\n"), [0], [1], labels="text").y.tolist() == ["2", "3"]
    assert read_csv(sheet("a,y\n1,2\n2,b\n3,c\n"), [0], [1]).y.tolist() == ["2", "b", "c"]
    assert read_csv(sheet("a,y,z\n1,2,3\n2,3,4\n"), [0], [1, 2]).y.tolist() == [[2.0, 3.0], [3.0, 4.0]]
    assert read_csv(sheet("a,y\n1,2\n2,3\n"), [0, 1]).y is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a;b\n0;1,5\n1;2,5\n", "line 2, column 'b': '1,5' is text in a column of numbers; numbers need a decimal"),
        ('a,b\n0,1\n1,"1,234"\n2,"2,5"\n', "line 3, column 'b': '1,234' is text in a column of numbers; numbers need"),
        ("a;b\n0;1,5\n1;NA\n2;1,5\n", "line 2, column 'b': '1,5' is text in a column of numbers; numbers need"),
    ],
)
def test_a_target_with_decimal_commas_is_not_text(sheet, content, message) -> None:
    opened = sheet(content)
    with pytest.raises(ValueError, match=message):
        read_csv(opened, [0], [1])
    assert read_csv(opened, [0], [1], labels="text").y.dtype.kind == "U"
    assert read_csv(opened, [0], [1], labels="classes").y.dtype.kind == "U"


def test_class_labels_are_numbers_only_if_all_of_them_are(sheet) -> None:
    def read(*cells):
        opened = sheet("a,y\n" + "".join(f"0,{cell}\n" for cell in cells))
        return read_csv(opened, [0], [1], labels="classes").y.tolist()

    assert read(1, 2, 3) == [1, 2, 3]
    assert read(1, 2, "3.5") == ["1", "2", "3.5"]
    assert read(1, 2, 3, "x") == ["1", "2", "3", "x"]
    assert read(1, "x", "y") == ["1", "x", "y"]
    with pytest.raises(ValueError, match=r"line 4, column 'y': the value is missing \('NA'\)"):
        read(1, 2, "NA")
    with pytest.raises(ValueError, match="line 3, column 'y': the value is missing"):
        read(1, "", 3, "x")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b,y\n1,2,u\n\nfoo,3,v\n", "line 4, column 'a': 'foo' is text in a column of numbers$"),
        ("1,2,u\n1_000,3,v\n", "line 2, column 1: '1_000' is text in a column of numbers$"),
        ("a,b,y\n1,2,u\n2,,v\n", "line 3, column 'b': the value is missing$"),
        ("a,b,y\n1,2,u\n2,NA,v\n", r"line 3, column 'b': the value is missing \('NA'\)$"),
        ("a,b,y\n1,2,u\n2,nan,v\n", "line 3, column 'b': the value is missing"),
        ("a,b,y\n1,2,u\n2,-inf,v\n", "line 3, column 'b': -inf is not finite$"),
        ("a,b,y\n1,2,u\n2,1e999,v\n", "line 3, column 'b': 1e999 is not finite$"),
        ("a,b,y\n1,2,u\n2,3, \n", "line 3, column 'y': the value is missing$"),
        ("a,b,y\n1,2,3.5\n2,3,4\n\n2,3,?\n", r"line 5, column 'y': the value is missing \('\?'\)$"),
        ("a,b,y\n1,2,u\n2,3\n", "line 3 has 2 cells, expected 3$"),
        ("a,b,y\n1,2,u\n2,3,v,\n", "line 3 has 4 cells, expected 3$"),
        ("a;b;y\n1,5;2;u\n", "line 2, column 'a': '1,5' is text in a column of numbers; numbers need a decimal point"),
        ("a,b,y\n", "has a header but no rows$"),
    ],
)
def test_a_fault_is_named_with_its_line_and_column(sheet, content, message) -> None:
    with pytest.raises(ValueError, match=message):
        read_csv(sheet(content), [0, 1], [2])


def test_a_cell_with_another_delimiter_asks_for_it(sheet) -> None:
    opened = sheet("a,b;c\n1,2;3\n", delimiter=",", header=True)
    with pytest.raises(ValueError, match=r"'2;3' is text in a column of numbers; is the --delimiter ','\?"):
        read_csv(opened, [0, 1])


def test_a_late_byte_that_is_not_in_the_encoding(sheet) -> None:
    opened = sheet(b"a,y\n" + b"1,u\n" * 5000 + b"2,\xe9\n")
    with pytest.raises(ValueError, match="line 5002: byte 0xe9 is not utf-8; if it is text, state its --encoding"):
        read_csv(opened, [0], [1])
    assert read_csv(sheet(b"a,y\n1,u\n2,\xe9\n", encoding="latin-1"), [0], [1]).y.tolist() == ["u", "é"]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, "t.csv is empty"),
        ("\n \n", {}, "t.csv is empty"),
        ("a,a,b\n1,2,3\n", {}, "two columns are named 'a'"),
        ("a,b\n", {"encoding": "klingon"}, "unknown encoding 'klingon'"),
        (b"\xffa", {}, "line 1: byte 0xff is not utf-8"),
    ],
)
def test_files_that_cannot_be_opened(sheet, content, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        sheet(content, **options)


def test_values_survive_as_they_were_written(sheet) -> None:
    wanted = [math.pi, -1e-300, 1e300, 0.1]
    assert read_csv(sheet("\n".join(f"{value!r},0" for value in wanted) + "\n"), [0]).x[:, 0].tolist() == wanted
