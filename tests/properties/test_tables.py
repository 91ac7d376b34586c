"""Tables over generated input: what the csv module writes is read back, labels come back, any bytes end in one line."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import portnn
from portnn.tables import Classes, as_labels, csv_table, infer_task, open_csv, read_csv, read_table, task_named
from portnn.tables.csv_cells import is_missing
from portnn.tables.csv_target import labels_as_written

pytestmark = pytest.mark.host

letters = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
text = st.text(letters, max_size=12).map(str.strip).filter(lambda word: word and not is_missing(word))
spelled = st.from_regex(r"[+-]?(0{0,3}[0-9]{1,3}|[0-9]{15,20})(\.[0-9]{0,3})?(e[+-]?[0-9]{1,2})?", fullmatch=True)
spelled = spelled.map(lambda cell: "".join(letter for letter in cell if letter.isascii()))
labels = st.one_of(
    text,
    spelled,
    st.integers(-(2**65), 2**65).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["True", "False", "1", "01", "+1", "1.0", "9007199254740992", "9007199254740993"]),
)
numbers = st.floats(allow_nan=False, allow_infinity=False)


def source(data, name="t.csv"):
    """An open file of these bytes."""
    file = io.BytesIO(data)
    file.name = name
    return file


def outcome(call):
    """Result of a call, or the message of its error."""
    try:
        return call(), None
    except (TypeError, ValueError) as error:
        return None, str(error)


@st.composite
def sheets(draw):
    """Rows of numbers and a label, names or none, and how the csv module shall write them."""
    width = draw(st.integers(1, 3))
    rows = draw(st.lists(st.tuples(st.lists(numbers, min_size=width, max_size=width), labels), min_size=1, max_size=6))
    names = draw(st.none() | st.lists(text, min_size=width + 1, max_size=width + 1, unique=True))
    dialect = {
        "delimiter": draw(st.sampled_from(",;\t|^:")),
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])),
        "lineterminator": draw(st.sampled_from(["\n", "\r\n"])),
    }
    return rows, names, dialect, draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030"]))


@given(sheets())
def test_what_the_csv_module_writes_is_read_back(sheet) -> None:
    rows, names, dialect, encoding = sheet
    if any("\r" in cell for cell in [*(names or ()), *(label for _, label in rows)]):
        dialect |= {"quoting": csv.QUOTE_ALL}  # some versions of the csv module leave such a cell unquoted
    file = io.StringIO(newline="")
    writer = csv.writer(file, **dialect)
    writer.writerows([*([names] if names else []), *([*map(repr, x), y] for x, y in rows)])
    assume(not file.getvalue().lower().startswith(("sep=", '"sep=')))
    opened = open_csv(
        source(file.getvalue().encode(encoding)),
        delimiter=dialect["delimiter"],
        header=names is not None,
        encoding=encoding,
    )
    width = len(rows[0][0])
    assert opened.names == (None if names is None else tuple(names))
    table = read_csv(opened, range(width), [width], labels="text")
    assert table.x.tolist() == [x for x, _ in rows]
    assert table.y.tolist() == [y for _, y in rows]


@given(st.lists(numbers, min_size=2, max_size=8), st.sampled_from(";\t|"), st.booleans(), st.booleans())
def test_spreadsheets_in_another_country(values, delimiter, excel, trailing) -> None:
    lines = [repr(value).replace(".", ",") + f"{delimiter}u" + delimiter * trailing for value in values]
    head = [f"sep={delimiter}"] if excel else []
    content = "\r\n".join([*head, f"a{delimiter}b" + delimiter * trailing, *lines, ""])
    options = {"decimal": ","} if excel else {"decimal": ",", "delimiter": delimiter}
    table, _ = read_table(source(content.encode("utf-16")), options=options)
    assert table.x[:, 0].tolist() == values
    assert table.y.tolist() == ["u"] * len(values)


@given(st.lists(labels, min_size=1, max_size=6))
@example(["-0.0", "0.0"])
@example(["001", "01", "1"])
def test_labels_are_told_apart_by_how_they_are_written(cells) -> None:
    read = labels_as_written(cells)
    assert [str(label) for label in read.tolist()] == cells
    assert len(np.unique(read)) == len(set(cells))


@settings(max_examples=25)
@given(st.lists(labels, min_size=2, max_size=4, unique=True))
@example(["9223372036854775807", "9223372036854775806"])
@example(["0.1", "0.2"])
def test_labels_come_back_through_training_saving_and_loading(tmp_path_factory, cells) -> None:
    rows = [(n, cell) for n, cell in enumerate(cells)] * 3
    file = io.StringIO(newline="")
    csv.writer(file).writerows([("a", "b"), *rows])
    content = file.getvalue().encode()
    options = {"delimiter": ",", "header": True}
    table, layout = read_table(source(content), task=task_named("classification"), options=options)
    model = portnn.MLP((), seed=1, standardize=True)
    model.fit(table.x, table.y, steps=1, progress=False)
    path = tmp_path_factory.getbasetemp() / "labels.safetensors"
    model.save(path)
    loaded = portnn.load(path)
    assert loaded.classes.labels.dtype == model.classes.labels.dtype
    assert sorted(map(str, loaded.classes.labels.tolist())) == sorted(cells)
    assert {str(label) for label in loaded.predict(table.x).tolist()} <= set(cells)
    again, _ = read_table(source(content), layout=layout, classes=loaded.classes)
    assert again.note is None
    assert loaded.evaluate(table.x, again.y) == model.evaluate(table.x, table.y)


@given(
    st.lists(
        st.one_of(
            st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=4), st.booleans(), st.none(), st.binary()
        ),
        min_size=2,
        max_size=5,
    )
)
def test_labels_in_a_list_are_kept_or_refused(given_labels) -> None:
    found, refusal = outcome(lambda: as_labels(given_labels))
    if refusal:
        assert len(refusal) < 1000
        return
    assert found.tolist() == given_labels
    if len(set(given_labels)) > 1:
        classes = Classes.of(found)
        assert classes.decode(classes.encode(found)).tolist() == given_labels
        again = Classes.from_json(classes.to_json())
        assert again.labels.tolist() == classes.labels.tolist()
        assert again.labels.dtype == classes.labels.dtype


pieces = st.sampled_from(
    [
        *",;\t|\n\r\"' .+-e_",
        "\r\n",
        '""',
        "1",
        "2",
        "0.5",
        "1,5",
        "1e999",
        "nan",
        "NA",
        "u",
        "日",
        "\0",
        "sep=;",
        "\ufeff",
    ]
)


@given(
    st.one_of(
        st.binary(max_size=80),
        st.lists(pieces, max_size=40).map(lambda found: "".join(found).encode()),
        st.lists(pieces, max_size=40).map(lambda found: "".join(found).encode("utf-16")),
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "decimal": st.sampled_from(".,"),
            "header": st.booleans(),
            "delimiter": st.sampled_from([",", ";", "tab", "_"]),
            "encoding": st.sampled_from(["utf-8", "latin-1", "utf-16", "gb18030"]),
        },
    ),
)
def test_any_bytes_end_in_a_table_or_in_one_line(data, options) -> None:
    read, refusal = outcome(lambda: read_table(source(data), options=options))
    if refusal:
        assert "\n" not in refusal
        assert len(refusal) < 1000
        return
    table, layout = read
    assert table.x.shape == (len(table.y), len(layout.features))
    assert np.all(np.isfinite(table.x))
    assert infer_task(table.y).targets(table.y).shape == table.y.shape


cells = st.sampled_from(
    [
        "1",
        "2.5",
        " 3",
        "4 ",
        '"5"',
        ' "6"',
        "u",
        " u",
        "u ",
        '"u, v"',
        '"u""v"',
        '"u"v',
        'u"v',
        "",
        '"a\nb"',
        "1\xa0",
        "a\rb",
        "1e5",
        "0x1p3",
        "1_0",
        "\u0661",
        "\t1",
        "1\x0b",
        "1,5",
        "+1",
        "-.5",
        "5.",
        "1d5",
        "#1",
        "'1'",
        "日",
    ]
)


@given(
    st.lists(st.lists(cells, min_size=2, max_size=3), min_size=1, max_size=4),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(",;\t "),
    st.sampled_from(".,"),
)
@example([["1", "2", "3"], ["4", "", "6"]], "\n", " ", ".")
def test_both_parsers_agree(rows, end, delimiter, decimal) -> None:
    content = "".join(delimiter.join(row) + end for row in rows).encode()
    sheet, refusal = outcome(lambda: open_csv(source(content), delimiter=delimiter, header=False, decimal=decimal))
    if refusal or sheet.width < 2:
        return
    fast = csv_table.parse(sheet, [0], 1)
    if fast is not None:
        values, words = csv_table.parse_by_row(sheet, [0], 1)
        assert fast[0].tolist() == values.tolist()
        assert [*map(str.strip, fast[1])] == [*map(str.strip, words)]
