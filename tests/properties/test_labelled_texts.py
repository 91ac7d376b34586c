"""Labelled texts over generated input: what is written is read back, and any bytes end in texts or in one line."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portnn.tables import LabelledTexts, TextLayout

pytestmark = pytest.mark.host

letters = st.characters(exclude_categories=("Cs",), exclude_characters="\0\r\n\t\ufeff")
anything = st.characters(exclude_categories=("Cs",), exclude_characters="\0\r\ufeff")
spaces = st.sampled_from(
    ["a\u2028b", "a\x0bb", "a\x0cb", "a\x1cb", "a\x85b", " a", "a ", "a,b", 'a"b', '"a', "a;b|c", "", " "]
)
lines = st.one_of(st.text(letters, max_size=20), spaces)
labels = st.text(letters, min_size=1, max_size=6).map(str.strip).filter(bool)
rows = st.lists(st.tuples(lines, labels), min_size=1, max_size=8)
packers = st.sampled_from([("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)])
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030"])


def is_wrapped(cell):
    """Whether a cell of a TSV file would be unwrapped."""
    return len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in cell[1:-1].replace('""', "")


def checked(path, expected, **options):
    """Assert that a file holds these texts, twice, with all bytes reported and a layout that reads it again."""
    texts = LabelledTexts(path, **options)
    read = []
    assert [tuple(row) for row in texts.read(read.append)] == expected
    assert sum(read) == texts.size
    layout = TextLayout.from_json(json.loads(json.dumps(texts.layout.to_json())))
    assert layout == texts.layout
    assert [tuple(row) for row in LabelledTexts(path, layout=layout)] == expected


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.getbasetemp()


@given(rows, st.booleans(), st.booleans(), st.sampled_from(["\n", "\r\n"]), st.booleans(), encodings, packers)
def test_plain_lines_are_read_back(folder, pairs, label_first, named, end, closed, encoding, packer) -> None:
    pairs = [(text, label) for text, label in pairs if not is_wrapped(text) and not is_wrapped(label)] or [("a", "b")]
    written = [pair[::-1] for pair in pairs] if label_first else pairs
    head = [("label", "text") if label_first else ("text", "label")] if named else []
    content = end.join("\t".join(pair) for pair in [*head, *written]) + end * closed
    path = folder / f"t.tsv{packer[0]}"
    path.write_bytes(packer[1](content.encode(encoding)))
    stated = {} if named else {"text": 1 + label_first, "label": 2 - label_first, "header": False}
    checked(path, pairs, encoding=encoding, **stated)


@given(
    st.lists(st.tuples(st.text(anything, max_size=20), labels), min_size=1, max_size=8),
    st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    encodings,
    packers,
)
def test_what_the_csv_module_writes_is_read_back(
    folder, pairs, delimiter, quoting, end, other, encoding, packer
) -> None:
    if quoting == csv.QUOTE_MINIMAL:
        pairs = [(text.lstrip(" "), label) for text, label in pairs]
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(["sentiment", *["id"] * other, "review"])
    writer.writerows([label, *[str(number)] * other, text] for number, (text, label) in enumerate(pairs))
    path = folder / f"t.csv{packer[0]}"
    path.write_bytes(packer[1](file.getvalue().encode(encoding)))
    checked(path, pairs, delimiter=delimiter, encoding=encoding)


values = st.one_of(
    labels.map(lambda label: (label, label)),
    st.integers().map(lambda number: (number, str(number))),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda number: (number, repr(number))),
    st.booleans().map(lambda truth: (truth, "true" if truth else "false")),
)


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=("Cs",)), max_size=20), values), min_size=1, max_size=8
    ),
    st.booleans(),
    st.booleans(),
    packers,
)
def test_what_json_writes_is_read_back(folder, found, ascii_only, other, packer) -> None:
    objects = [{"other": [None, {}], "stars": label[0], "body": text} for text, label in found]
    if not other:
        objects = [{"b": each["stars"], "a": each["body"]} for each in objects]
    content = "".join(json.dumps(each, ensure_ascii=ascii_only) + "\n" for each in objects)
    if "\0" in content:
        return
    path = folder / f"t.jsonl{packer[0]}"
    path.write_bytes(packer[1](content.encode()))
    columns = {} if other else {"text": "a", "label": "b"}
    texts = LabelledTexts(path, **columns)
    assert [tuple(row) for row in texts] == [(text, label[1]) for text, label in found]


@given(st.lists(st.tuples(st.text(anything, max_size=8), st.lists(values, max_size=4)), min_size=1, max_size=5))
def test_several_labels_in_json_are_read_back(folder, found) -> None:
    path = folder / "several.jsonl"
    objects = [{"text": text, "labels": [value for value, _ in each]} for text, each in found]
    path.write_text("".join(json.dumps(each) + "\n" for each in objects))
    expected = [(text, tuple(dict.fromkeys(written for _, written in each))) for text, each in found]
    checked(path, expected, multi_label=True)


single = (
    st.text(letters.filter(lambda letter: letter not in ',;|"'), min_size=1, max_size=4).map(str.strip).filter(bool)
)


@given(
    st.lists(st.tuples(lines, st.lists(single, max_size=3, unique=True)), min_size=1, max_size=6),
    st.sampled_from([",", ", ", ";", "|", " | "]),
)
def test_several_labels_in_a_cell_are_read_back(folder, found, between) -> None:
    found = [(text, each) for text, each in found if not is_wrapped(text)] or [("a", ["b"])]
    path = folder / "several.tsv"
    content = "text\tlabels\n" + "".join(f"{text}\t{between.join(each)}\n" for text, each in found)
    path.write_bytes(content.encode())
    checked(path, [(text, tuple(each)) for text, each in found], multi_label=True)


names = st.text(st.sampled_from("abcö 日-_"), min_size=1, max_size=5).map(str.strip).filter(bool)
trees = st.dictionaries(
    names, st.dictionaries(names, st.text(anything, max_size=20), min_size=1, max_size=4), min_size=1, max_size=3
)


@settings(max_examples=50)
@given(trees, encodings)
def test_a_folder_of_classes_is_read_back(tmp_path_factory, tree, encoding) -> None:
    root = tmp_path_factory.mktemp("classes")
    for label, files in tree.items():
        (root / label).mkdir()
        for name, text in files.items():
            (root / label / f"{name}.txt").write_bytes(f"{text}\n".encode(encoding))
    expected = [
        (tree[label][name], label) for label in sorted(tree) for name in sorted(tree[label], key="{}.txt".format)
    ]
    checked(root, expected, encoding=encoding)


pieces = st.sampled_from(
    [
        *'\t\n\r",;|{}[]:1 ',
        "\r\n",
        "text",
        "label",
        "a gem",
        '{"text": "',
        '", "label": ',
        '""',
        "null",
        "日",
        "\0",
        "sep=;",
        "\ufeff",
    ]
)


@given(
    st.one_of(
        st.binary(max_size=60),
        st.lists(pieces, max_size=40).map(lambda found: "".join(found).encode()),
        st.lists(pieces, max_size=40).map(lambda found: "".join(found).encode("utf-16")),
    ),
    st.sampled_from(["t", "t.tsv", "t.csv", "t.jsonl", "t.tsv.gz"]),
    st.fixed_dictionaries(
        {},
        optional={
            "text": st.sampled_from([1, "text"]),
            "label": st.sampled_from([2, "label"]),
            "header": st.booleans(),
            "delimiter": st.sampled_from([",", "tab", "_"]),
            "encoding": st.sampled_from(["utf-8", "latin-1", "utf-16", "gb18030"]),
            "multi_label": st.booleans(),
        },
    ),
)
def test_any_bytes_end_in_texts_or_in_one_line(folder, data, name, options) -> None:
    path = folder / name
    path.write_bytes(data)
    try:
        texts = LabelledTexts(path, **options)
        rows = list(texts)
    except ValueError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 500
        assert str(path) in str(error) or "format" in str(error)
        return
    assert rows
    assert rows == list(texts)
    assert all(isinstance(text, str) and (label or texts.multi_label) for text, label in rows)
    assert str(path) in texts.place(len(rows) - 1)
