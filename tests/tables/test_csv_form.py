"""CSV files as spreadsheets write them: delimiters at line ends, a line for Excel, decimal commas, byte order marks."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import sys

import numpy as np
import pytest

from portnn.tables import TASKS, open_csv, read_csv, read_table, read_table_like

pytestmark = pytest.mark.host


@pytest.fixture
def sheet(tmp_path):
    def written(content, **options):
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return open_csv(path, **options)

    return written


@pytest.mark.parametrize("end", [",", ",,,", " , "])
@pytest.mark.parametrize("header", ["a,b,y", "a,b,y{end}", None])
def test_a_comma_at_the_end_of_every_line_makes_no_column(sheet, header, end) -> None:
    lines = [*([header.format(end=end)] if header else []), f"1,2,u{end}", f"3,4,v{end}", ""]
    opened = sheet("\n".join(lines), delimiter=",")
    assert (opened.width, opened.names) == (3, ("a", "b", "y") if header else None)
    table = read_csv(opened, [0, 1], [2])
    assert (table.x.tolist(), table.y.tolist()) == ([[1.0, 2.0], [3.0, 4.0]], ["u", "v"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b,y\n1,2,u,\n3,4,v\n", "line 2 has 4 cells, expected 3"),
        ("a,b,y,\n1,2,u,\n3,4,v\n", "line 3 has 3 cells, expected 4"),
        ("a,b,y\n1,2,u,\n3,4,v,w\n", "line 2 has 4 cells, expected 3"),
        ("a,b,y\n1,2,\n3,4,\n", "line 2, column 'y': the value is missing"),
    ],
)
def test_a_comma_at_the_end_of_some_lines_is_a_fault(sheet, content, message) -> None:
    with pytest.raises(ValueError, match=message):
        read_csv(sheet(content), [0, 1], [2])


def test_a_column_at_the_end_that_is_not_empty_stays(sheet) -> None:
    opened = sheet("a,b,,\n1,2,,\n3,4,5,\n")
    assert (opened.names, opened.width) == (("a", "b", ""), 3)
    assert sheet("1,2,\n3,4,5\n").width == 3


def test_lines_that_end_in_spaces_between_which_there_are_spaces(sheet) -> None:
    assert read_csv(sheet("1 2 3 \n4 5 6 \n"), [0, 1, 2]).x.tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def test_columns_apart_by_several_spaces(sheet) -> None:
    opened = sheet("1 u  v\n 2  w x\n", delimiter=" ", header=False)
    assert read_csv(opened, [0], [1]).y.tolist() == ["u", "w"]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "sep=;\r"])
@pytest.mark.parametrize("head", ["a;b;y\n", ""])
def test_the_first_line_that_tells_excel_the_delimiter(sheet, first, head) -> None:
    opened = sheet(f"{first}\n{head}1;2,0;u\n3;4,5;v\n", decimal=",")
    assert (opened.delimiter, opened.names) == (";", ("a", "b", "y") if head else None)
    table = read_csv(opened, [0, 1], [2])
    assert (table.x.tolist(), table.y.tolist()) == ([[1.0, 2.0], [3.0, 4.5]], ["u", "v"])
    line = 3 if head else 2
    with pytest.raises(ValueError, match=f"line {line}, column"):
        read_csv(sheet(f"{first}\n{head}x;2,0;u\n", decimal=",", header=bool(head)), [0, 1], [2])


def test_a_quote_that_is_never_closed_swallows_no_rows(sheet) -> None:
    opened = sheet('a,y\n1,"u\nv"\n2,"v\n3,w\n')
    with pytest.raises(ValueError, match=r"t.csv: line 4: a quote is opened and never closed"):
        read_csv(opened, [0], [1])
    assert read_csv(sheet('a,y\n1,"u\nv"\n2,v\n'), [0], [1]).y.tolist() == ["u\nv", "v"]


def test_a_table_that_changes_between_two_readings(tmp_path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,y\n1,u\n")
    opened = open_csv(path)
    path.write_text("a,y\n1,u\n2,v\n")
    with pytest.raises(OSError, match=r"t.csv changed since it was opened; read it again"):
        read_csv(opened, [0], [1])


def test_the_first_line_for_excel_takes_any_delimiter(sheet) -> None:
    assert sheet("sep=\t\n1\t2\n").delimiter == "\t"
    assert sheet("sep=^\n1^2\n").width == 2
    assert sheet("sep=;\n1|2\n", delimiter="|").width == 2
    for rows in ("", '"', '""\n'):
        with pytest.raises(ValueError, match="is empty"):
            sheet(f"sep=;\n{rows}")


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " "])
def test_decimal_commas(sheet, delimiter) -> None:
    rows = [["1,5", "-2", "3,25e1"], ["0,5", ",25", "7"]]
    opened = sheet("\n".join(delimiter.join(row) for row in rows) + "\n", decimal=",")
    assert opened.delimiter == delimiter
    assert read_csv(opened, [0, 1, 2]).x.tolist() == [[1.5, -2.0, 32.5], [0.5, 0.25, 7.0]]
    assert read_csv(opened, [0], [1, 2]).y.tolist() == [[-2.0, 32.5], [0.25, 7.0]]
    assert read_csv(opened, [0], [2], labels="numbers").y.tolist() == [32.5, 7.0]
    assert read_csv(opened, [1], [0], labels="classes").y.tolist() == ["1,5", "0,5"]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("a;b\n1,5;2\n", {}, "line 2, column 'a': '1,5' is text in a column of numbers; .*, or say --decimal ,"),
        ("a;b\n1.5;2\n", {"decimal": ","}, "'1.5' is text in a column of numbers; .* or say --decimal [.]"),
        ('a,b\n"1,234.5",2\n', {}, "'1,234.5' is text in a column of numbers; .* no thousands separators$"),
        ("a;b\n1.234,5;2\n", {"decimal": ","}, "'1.234,5' is text in a column of numbers; .*thousands separators"),
        ("a;b\n1'234;2\n", {}, "no thousands separators$"),
        ("a;b\n1\u00a0234;2\n", {}, "no thousands separators$"),
        ('a,b\n"1,234",2\n', {}, "no thousands separators, or --decimal , if the comma is one"),
        ("a;b\n1,5;inf\n", {"decimal": ","}, "line 2, column 'b': inf is not finite"),
    ],
)
def test_a_number_that_is_written_otherwise_is_no_number(sheet, content, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        read_csv(sheet(content, **options), [0, 1])


def test_decimal_marks_that_make_no_sense(sheet) -> None:
    with pytest.raises(ValueError, match=r"decimal must be \. or ,, got 'x'"):
        sheet("1;2\n", decimal="x")
    with pytest.raises(ValueError, match="delimiter and decimal are both ','"):
        sheet("1,2\n", delimiter=",", decimal=",")


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-be with mark", "utf-16-le with mark", "utf-32-be with mark"]
)
@pytest.mark.parametrize("stated", ["utf-8", "latin-1"])
def test_a_byte_order_mark_says_the_encoding(sheet, encoding, stated) -> None:
    name, _, mark = encoding.partition(" with ")
    content = ("\ufeff" if mark else "") + "größe\tart\r\n1\t日本\r\n2\tñ\r\n"
    opened = sheet(content.encode(name), encoding=stated)
    assert (opened.names, opened.delimiter) == (("größe", "art"), "\t")
    assert read_csv(opened, [0], [1]).y.tolist() == ["日本", "ñ"]
    headless = sheet(content.replace("größe\tart\r\n", "").encode(name), encoding=stated)
    assert read_csv(headless, [0], [1]).x.tolist() == [[1.0], [2.0]]


def test_utf_16_without_a_mark(sheet) -> None:
    content = "a,y\n1,u\n".encode("utf-16-le")
    with pytest.raises(ValueError, match="has NUL characters, so it is no text in utf-8; UTF-16 needs --encoding"):
        sheet(content)
    with pytest.raises(ValueError, match="no byte order mark; state --encoding utf-16-le or utf-16-be"):
        sheet(content, encoding="utf-16")
    assert sheet(content, encoding="utf-16-le").names == ("a", "y")


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_compressed_tables(tmp_path, suffix) -> None:
    compress = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}[suffix]
    packed = compress(codecs.BOM_UTF8 + "a,y\n1,ö\n2,v\n".encode())
    for name in (f"t.csv{suffix}", "t.csv"):
        (tmp_path / name).write_bytes(packed)
        assert read_csv(open_csv(tmp_path / name), [0], [1]).y.tolist() == ["ö", "v"]
    (tmp_path / f"t.csv{suffix}").write_bytes(packed[:-9])
    with pytest.raises(ValueError, match=f"damaged {suffix} file"):
        open_csv(tmp_path / f"t.csv{suffix}")


@pytest.fixture
def piped(monkeypatch):
    """Put bytes on standard input."""

    def put(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


def test_a_hyphen_is_standard_input(piped) -> None:
    piped(b"a,y\n1,u\n2,v\n")
    table, layout = read_table("-", task=TASKS["classification"])
    assert (table.x.tolist(), table.y.tolist(), table.name) == ([[1.0], [2.0]], ["u", "v"], "standard input")
    piped(gzip.compress(b"y,a\nw,3\n"))
    assert read_table_like(layout, "-", targets=False).x.tolist() == [[3.0]]
    content = io.BytesIO()
    np.savez(content, X=np.eye(2), y=["u", "v"])
    piped(content.getvalue())
    assert read_table("-")[0].y.tolist() == ["u", "v"]
    piped(b"a,y\n1,u\n2,\n")
    with pytest.raises(ValueError, match="standard input: line 3, column 'y': the value is missing"):
        read_table("-")
    piped(b"")
    with pytest.raises(ValueError, match="standard input is empty"):
        read_table("-")


def test_an_open_file_is_read_like_its_path(tmp_path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a;y\n1,5;u\n2,5;v\n")
    with path.open("rb") as file:
        table, layout = read_table(file, options={"decimal": ","})
    assert (table.x.tolist(), table.name, layout.options) == ([[1.5], [2.5]], str(path), {"decimal": ","})
    assert read_table_like(layout, path, targets=False).x.tolist() == [[1.5], [2.5]]
