"""Files of labelled texts that cannot be read: each ends in one line that names the file and the place."""

from __future__ import annotations

import gzip

import pytest

from portnn.tables import LabelledTexts

pytestmark = pytest.mark.host


@pytest.fixture
def refusal(tmp_path):
    """What is said about a file of this content, after its name."""

    def said(content, name="t.tsv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            list(LabelledTexts(path, **options))
        message = str(caught.value)
        assert "\n" not in message
        assert len(message) < 500
        return message.removeprefix(str(path)).removeprefix(": ").strip()

    return said


@pytest.mark.parametrize("name", ["t.tsv", "t.csv", "t.jsonl", "t"])
def test_an_empty_file(refusal, name) -> None:
    for content in ("", "\n\r\n", "\ufeff", b"\xef\xbb\xbf\n"):
        assert refusal(content, name) == "is empty"
    assert refusal(gzip.compress(b""), f"{name}.gz") == "is empty"


def test_only_a_header(refusal) -> None:
    for name, content in (("t.tsv", "text\tlabel\n"), ("t.csv", "text,label\n"), ("t.csv", "label,text")):
        assert refusal(content, name) == "has a header but no rows"
    assert refusal("a\tb\n", header=True) == "has a header but no rows"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("just text\n", "line 1 has no tab; a line is text, tab, label"),
        ("a\t1\n\nno tab\nb\t0\n", "line 3 has no tab; a line is text, tab, label"),
        ("a\t1\nb\t0\tx\n", "line 2 has three columns where 2 were expected"),
        ("a\tb\t1\nb\t0\n", "has three columns where two were expected: 1, 2, 3; "),
        ("so\tit\tgoes\n1\tb\tx\n2\tb\ty\n", "has three columns where two were expected: 'so', 'it', 'goes'; "),
        ("text\tit\tgoes\n1\tb\tx\n2\tb\ty\n", "has three columns: 'text', 'it', 'goes'; say which holds the labels"),
        ("a\t1\n\t0\nc\t\n", "line 3: the label is missing"),
        ("a\t1\nb\t  \n", "line 2: the label is missing"),
        ("text\tlabel\na\t1\nb\n", "line 3 has no tab"),
    ],
)
def test_lines_of_other_cells(refusal, content, message) -> None:
    assert refusal(content).startswith(message)


def test_a_line_far_below_is_named(refusal) -> None:
    assert refusal("a\t1\n" * 5000 + "b\n").startswith("line 5001 has no tab")
    assert refusal("text,label\n" + "a,1\n" * 5000 + "b\n", "t.csv") == "line 5002 has 1 cell, expected 2"


@pytest.mark.parametrize("rows", [1, 5000, 300_000])
@pytest.mark.parametrize("compressed", [False, True])
def test_bytes_that_are_not_in_the_encoding(refusal, rows, compressed) -> None:
    said = f"line {rows + 1}: byte 0xe9 is not utf-8; if it is text, state its --encoding (such as latin-1)"
    pack, end = (lambda data: gzip.compress(data, 1), ".gz") if compressed else (bytes, "")
    assert refusal(pack(b"aa\t1\n" * rows + b"b\xe9\t0\n"), f"t.tsv{end}") == said
    if rows < 300_000:
        assert refusal(pack(b'{"text":"","label":1}\n' * rows + b'{"text":"\xe9"}'), f"t.jsonl{end}") == said
        assert refusal(pack(b"text,label\n" + b"a,1\n" * (rows - 1) + b"b,\xe9\n"), f"t.csv{end}") == said


def test_files_that_are_no_text(refusal) -> None:
    assert refusal(b"PK\x03\x04\x14\0\xff\xfe") == "is a zip archive, not text"
    assert refusal(b"%PDF-1.4 \xe2\xe3\n").endswith("is a PDF, not text")
    for content in ("a\t1\n".encode("utf-16-le"), b"\0\1\2\t\0\n", b"a\tb\0\n"):
        assert refusal(content).startswith("has NUL characters, so it is no text in utf-8; UTF-16 needs --encoding")
    for name in ("t.csv", "t.jsonl", "t"):
        assert refusal('{"text": "a"}'.encode("utf-16-be"), name).startswith("has NUL characters")
    assert "byte 0x89 is not utf-8" in refusal(b"\x89PNG\r\n\x1a\n\0")
    assert refusal("a\t1\n".encode("utf-16-le"), encoding="utf-16").startswith("has no byte order mark")
    assert "unknown encoding 'so'" in refusal("a\t1\n", encoding="so")


@pytest.mark.parametrize("name", ["t.tsv.gz", "t.csv.gz", "t.jsonl.gz"])
def test_damaged_compressed_files(refusal, name) -> None:
    line = {"t.tsv.gz": b"%d\tx\n", "t.csv.gz": b"%d,x\n", "t.jsonl.gz": b'{"text": "%d", "label": "x"}\n'}[name]
    packed = gzip.compress(b"".join(line % n for n in range(40_000)), 1)
    assert "damaged .gz file" in refusal(packed[:-1000], name)
    assert "damaged .gz file" in refusal(packed[:5], name)
    assert "damaged .gz file" in refusal(b"no gzip", name)


def test_columns_that_are_not_there(refusal) -> None:
    named = "sentence\tlabel\na\tb\n"
    assert (
        refusal(named, text="foo") == "has no column 'foo'; its columns are 'sentence', 'label', numbered from 1 to 2"
    )
    assert refusal(named, label=3).startswith("has no column '3'; its columns are 'sentence', 'label', numbered from 1")
    assert refusal("a\tb\n", text=0) == "has no column '0'; it has no header; its columns are numbered from 1 to 2"
    assert refusal("text,label\na,b\n", "t.csv", label="so").startswith("has no column 'so'; its columns are 'text'")
    lines = '{"text": "a", "label": 1}'
    assert refusal(lines, "t.jsonl", text="so").startswith("has no column 'so'; its columns are 'text', 'label'")
    same = "column 'label' cannot hold both the texts and the labels; see --text and --label"
    assert refusal(named, text=2, label="label") == same
    assert refusal("a\tb\n", text=1, label=1).startswith("column 1 cannot hold both")


def test_columns_that_cannot_be_told(refusal) -> None:
    named = "text,so,it\na,b,c\n"
    assert (
        refusal(named, "t.csv", header=True)
        == "has three columns: 'text', 'so', 'it'; say which holds the labels with --label"
    )
    lines = '{"so": "a", "label": 1, "it": 2}'
    assert refusal(lines, "t.jsonl") == "has three columns: 'so', 'label', 'it'; say which holds the texts with --text"
    assert refusal("x,y\n", "t.csv", delimiter=";").startswith("has only one column with the delimiter ';'")
    assert refusal("a sentence\nanother\n", "t.csv").startswith("has only one column with the delimiter ','")


def test_csv_quotes_that_are_never_closed(refusal) -> None:
    content = 'text,label\na,1\n"b,0\nc,1\n'
    assert refusal(content, "t.csv") == "line 3: a quote is opened and never closed"
    assert "line 3: field larger than field limit" in refusal(content + "d,0\n" * (1 << 22), "t.csv")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "a", "label": null}', "line 2: 'label' is null"),
        ('{"text": null, "label": 1}', "line 2: 'text' is null"),
        ('{"text": "a"}', "line 2: no field 'label'; it has 'text'"),
        ("{}", "line 2: no field 'text'"),
        ('{"text": 7, "label": 1}', "line 2: 'text' is a number, not text"),
        ('{"text": ["a"], "label": 1}', "line 2: 'text' is an array, not text"),
        ('{"text": "a", "label": [1]}', "line 2: several labels, which need --multi-label"),
        ('{"text": "a", "label": {"b": 1}}', "line 2: 'label' holds an object, not labels"),
        ('{"text": "a", "label": ""}', "line 2: the label is missing"),
        (
            '{"text": "a", "label": NaN}',
            "line 2 is not JSON (NaN is no number of JSON); each line must hold one object",
        ),
        ('{"text": "a", ', "line 2 is not JSON (Expecting property name"),
        ("not JSON", "line 2 is not JSON (Expecting value at character 1); each line must hold one object"),
        ('["a", 1]', "line 2 is an array, not an object with a text and a label"),
        ("[" * 100_000, "line 2 is not JSON ("),
        ("null", "line 2 is null, not an object"),
    ],
)
def test_lines_of_json(refusal, line, message) -> None:
    first = '{"text": "a", "label": 1}\n'
    assert refusal(first + line, "t.jsonl").startswith(message)
    far = refusal(first * 1000 + line, "t.jsonl")
    assert far.startswith(message.replace("line 2", "line 1001"))


def test_several_labels_in_json_hold_labels(refusal) -> None:
    for value, kind in (("[1, null]", "null"), ("[[1]]", "an array"), ('[{"a": 1}]', "an object")):
        said = refusal(f'{{"text": "a", "label": {value}}}', "t.jsonl", multi_label=True)
        assert said == f"line 1: 'label' holds {kind}, not labels"


def test_a_pretty_json_file(refusal) -> None:
    assert refusal('[\n  {"text": "a", "label": 1}\n]\n', "t.json").startswith("line 1 is not JSON (")
    assert refusal('[{"text": "a", "label": 1}]', "t.json").startswith("line 1 is an array, not an object")


def test_folders_that_hold_no_classes(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"is a folder without subfolders; expected one for each class, such as pos/"):
        LabelledTexts(tmp_path)
    (tmp_path / "pos").mkdir()
    (tmp_path / "pos" / "1.txt").write_text("a gem")
    (tmp_path / "neg").mkdir()
    (tmp_path / "neg" / ".DS_Store").write_text("")
    with pytest.raises(ValueError, match=r"neg has no files; expected the texts of class 'neg'"):
        LabelledTexts(tmp_path)
    (tmp_path / "neg" / "1.txt").write_bytes(b"ok\nno\xff")
    with pytest.raises(ValueError, match=r"1.txt: line 2: byte 0xff is not utf-8; if it is text"):
        list(LabelledTexts(tmp_path))
    (tmp_path / "neg" / "1.txt").write_bytes(b"\0")
    with pytest.raises(ValueError, match=r"1.txt has NUL characters"):
        list(LabelledTexts(tmp_path))
    with pytest.raises(ValueError, match=r"is a folder of classes, which has no columns for --text and --label"):
        LabelledTexts(tmp_path, text=1)


def test_sources_that_are_none(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing.tsv"):
        LabelledTexts(tmp_path / "nothing.tsv")
    for source, message in ((7, "source is int; expected a path"), ([7], "source has 7 in it"), (None, "NoneType")):
        with pytest.raises(TypeError, match=message):
            LabelledTexts(source)
    with pytest.raises(ValueError, match="empty list"):
        LabelledTexts([])
    with pytest.raises(ValueError, match="standard input, can be read only once"):
        LabelledTexts(["-", "-"])
    path = tmp_path / "t.tsv"
    path.write_text("a\tb\n")
    with pytest.raises(ValueError, match="format is 'so'; expected one of jsonl, tsv, csv, folder"):
        LabelledTexts(path, format="so")
    with pytest.raises(ValueError, match="format tsv has tabs between its cells, got the delimiter ';'"):
        LabelledTexts(path, format="tsv", delimiter=";")
    with pytest.raises(NotADirectoryError, match="is a file, but format folder expects a folder of classes"):
        LabelledTexts(path, format="folder")
    with pytest.raises(IndexError, match="has no row 1"):
        LabelledTexts(path).place(1)


def test_a_file_that_changes_between_two_readings(tmp_path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text("a\tb\n")
    texts = LabelledTexts(path)
    path.write_text("a\tb\nc\td\n")
    with pytest.raises(OSError, match="changed since it was opened; read it again"):
        list(texts)
