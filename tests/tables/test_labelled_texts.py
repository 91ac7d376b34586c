"""Texts with labels: which format a file has, and which of its columns are which."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import sys
import tracemalloc

import pytest

from portnn.tables import LabelledTexts, TextLayout

pytestmark = pytest.mark.host


@pytest.fixture
def texts(tmp_path):
    """Labelled texts in a file of this content."""

    def written(content, name="t.tsv", **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return LabelledTexts(path, **options)

    return written


def pairs(texts):
    """Texts and labels as plain tuples."""
    return [tuple(row) for row in texts.read()]


def test_a_line_is_text_tab_label(texts) -> None:
    opened = texts("a gem\t1\nso dull\t0\n")
    assert pairs(opened) == [("a gem", "1"), ("so dull", "0")]
    assert [row.text for row in opened] == ["a gem", "so dull"]
    assert opened.read() is not opened.read()
    assert pairs(opened) == pairs(opened)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("sentence\tlabel\na gem\t1\n", ("a gem", "1")),
        ("Label\tReview\n1\ta gem\n", ("a gem", "1")),
        ('id\tsentiment\treview\n"5814_8"\t1\t"a ""gem"""\n', ('a "gem"', "1")),
        ("PhraseId\tSentenceId\tPhrase\tSentiment\n1\t1\ta gem\t4\n", ("a gem", "4")),
        ("stars\tid\ttext\n5\t7\ta gem\n", ("a gem", "5")),
        ("text\trating\tcategory\na gem\t5\tfilm\n", ("a gem", "film")),
        ("text\tkind\na gem\tfilm\n", ("text", "kind")),
        ("utterance\tkind\na gem\t1\n", ("a gem", "1")),
    ],
)
def test_a_header_names_the_columns(texts, content, expected) -> None:
    assert pairs(texts(content))[0] == expected


def test_a_header_of_unknown_names_stands_above_labels_that_come_again(texts) -> None:
    rows = "".join(f"ham,go until {n},,\nspam,win {n},,\n" for n in range(10))
    opened = texts(f"v1,v2,,\n{rows}", "spam.csv")
    assert opened.layout.columns == (("v1", "v2"), 2, 1, 0)
    assert len(pairs(opened)) == 20
    assert len(pairs(texts(rows, "spam.csv"))) == 20
    assert len(pairs(texts("rare,go on,,\n" + rows, "spam.csv"))) == 20
    assert len(pairs(texts("rare,go on and on,,\n" + rows, "spam.csv"))) == 21
    assert len(pairs(texts("rare,go on,,\n" + rows, "spam.csv", header=False))) == 21
    assert len(pairs(texts("".join(f"gem{n}\t{'ab'[n % 2]}\n" for n in range(20))))) == 20
    rare = "".join(f"gem{n}\t{'rabababababababababo'[n]}\n" for n in range(20))
    assert len(pairs(texts(rare))) == 20


@pytest.mark.parametrize(
    ("rows", "text_first"),
    [
        ([("1", "good film"), ("0", "bad film")], False),
        ([("good film", "1"), ("bad film", "0")], True),
        ([("up", "positive"), ("down", "negative")], True),
        ([("a", "vowel"), ("b", "consonant"), ("c", "consonant")], True),
        ([("good", "great film"), ("good", "a gem"), ("bad", "dull"), ("bad", "so dull")], False),
        ([("great", "positive"), ("gem", "positive"), ("dull", "negative"), ("sad", "negative")], True),
    ],
)
def test_text_comes_first_unless_the_first_cells_are_short_and_few_of_them_differ(texts, rows, text_first) -> None:
    found = pairs(texts("".join(f"{first}\t{second}\n" for first, second in rows)))
    assert found == (rows if text_first else [(text, label) for label, text in rows])


def test_columns_that_are_stated(texts) -> None:
    content = "a gem\t1\tfilm\nso dull\t0\tbook\n"
    assert pairs(texts(content, text=1, label=3)) == [("a gem", "film"), ("so dull", "book")]
    assert pairs(texts(content, text="3", label="2")) == [("film", "1"), ("book", "0")]
    named = f"what\tscale\tkind\n{content}"
    assert pairs(texts(named, text="what", label="kind"))[1] == ("so dull", "book")
    assert pairs(texts("text\tlabel\tother\nx\ty\tz\n", label=3)) == [("x", "z")]
    assert pairs(texts("text\tlabel\nx\ty\n", text=2)) == [("y", "x")]
    assert pairs(texts("1\tone\n2\ttwo\n", text=1)) == [("1", "one"), ("2", "two")]


def test_a_header_may_be_stated(texts) -> None:
    assert pairs(texts("text\tlabel\nx\ty\n", header=False))[0] == ("text", "label")
    assert pairs(texts("so\tit\nx\ty\n", header=True)) == [("x", "y")]


def test_quotes_are_text_unless_they_enclose_a_cell(texts) -> None:
    content = '"He said ""hi"""\t"1"\n"stray\t0\nstray"\t0\n"a" and "b"\t1\n"\t1\n""\t0\n'
    assert [text for text, _ in texts(content)] == ['He said "hi"', '"stray', 'stray"', '"a" and "b"', '"', ""]
    assert texts(content).layout.columns.text == 0


def test_only_line_ends_end_a_line(texts) -> None:
    inside = "a\u2028b\u2029c\x0bd\x0ce\x1cf\x85g"
    assert pairs(texts(f"\n{inside}\tx\r\n  \n\r\nlast\t y \n\n")) == [(inside, "x"), ("last", "y")]
    assert pairs(texts("a\tx\rb\ty\r")) == [("a", "x"), ("b", "y")]
    assert pairs(texts("a\tx\nb\ty")) == [("a", "x"), ("b", "y")]
    line = json.dumps({"text": inside, "label": "x"}, ensure_ascii=False)
    assert pairs(texts(f"\r\n{line}\r\n\n{line}", "t.jsonl")) == [(inside, "x")] * 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_the_encoding(texts, encoding) -> None:
    assert pairs(texts("größe\tñ\n".encode(encoding))) == [("größe", "ñ")]
    line = json.dumps({"text": "größe", "label": "日"}, ensure_ascii=False)
    assert pairs(texts(line.encode(encoding), "t.jsonl", encoding="latin-1")) == [("größe", "日")]


def test_an_encoding_is_stated(texts) -> None:
    assert pairs(texts("größe\tñ\n".encode("latin-1"), encoding="latin-1")) == [("größe", "ñ")]
    assert pairs(texts("中文\t好\n".encode("gb18030"), encoding="gb18030")) == [("中文", "好")]


def test_csv_files_with_quotes_and_line_ends_inside(texts) -> None:
    content = 'id,review,sentiment\n1,"two\nlines, ""quoted""",positive\n2,plain,negative\n'
    opened = texts(content, "t.csv")
    assert pairs(opened) == [('two\nlines, "quoted"', "positive"), ("plain", "negative")]
    assert opened.place(0).endswith("t.csv: line 3")


def test_the_lines_that_decide_on_the_delimiter_may_end_inside_quotes(texts) -> None:
    content = '"a;b;c",label\n' + "x,1\n" * 98 + '"two\nlines; so, it is",2\n'
    assert pairs(texts(content, "t.csv", text=1))[-1] == ("two\nlines; so, it is", "2")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_of_prose_is_the_one_that_every_row_has(texts, delimiter) -> None:
    rows = [("a, b; c and so on", "1"), ("it is", "0"), ("well | yes, no", "1")]
    quoted = "".join(f'"{text}"{delimiter}{label}\n' for text, label in rows)
    assert pairs(texts(f"review{delimiter}label\n{quoted}", "t.csv")) == rows


def test_a_cell_of_more_characters_than_the_csv_module_takes(texts) -> None:
    long = "word " * 100_000
    assert pairs(texts(f'text,label\n"{long}",1\n', "t.csv")) == [(long, "1")]
    assert pairs(texts(f"{long}\t1\n")) == [(long, "1")]


def test_labels_in_json_are_text_as_written(texts) -> None:
    values = ['"so"', "1", "1.50", "-0", "1e3", "true", "false", "123456789012345678901234567890", '" a "']
    content = "".join(f'{{"label": {value}, "text": "t"}}\n' for value in values)
    expected = ["so", "1", "1.50", "-0", "1e3", "true", "false", "123456789012345678901234567890", "a"]
    for name in ("t.jsonl", "t.ndjson", "t.json", "t", "t.txt"):
        assert [label for _, label in texts(content, name)] == expected


def test_fields_in_json_are_found_or_stated(texts) -> None:
    content = '{"id": 1, "body": "a gem", "stars": 5, "kind": "film"}\n'
    assert pairs(texts(content, "t.jsonl")) == [("a gem", "5")]
    assert pairs(texts(content, "t.jsonl", label="kind")) == [("a gem", "film")]
    assert pairs(texts('{"b": 1, "a": "x y"}\n{"a": "z v", "b": 2}\n', "t.jsonl")) == [("x y", "1"), ("z v", "2")]


def test_half_a_character_in_json_is_replaced(texts) -> None:
    assert pairs(texts(r'{"text": "a \ud83d", "label": "\ud83d\ude00"}', "t.jsonl")) == [("a \ufffd", "\U0001f600")]


def test_several_labels(texts) -> None:
    content = "a gem\tfilm, drama\nso dull\t\nwell\tscience fiction|film;film,\n"
    expected = [("a gem", ("film", "drama")), ("so dull", ()), ("well", ("science fiction", "film"))]
    assert pairs(texts(content, multi_label=True)) == expected
    assert pairs(texts('text,tags\na,"x,y"\nb,\n', "t.csv", multi_label=True)) == [("a", ("x", "y")), ("b", ())]
    lines = '{"text": "a", "labels": [1, "b,c", true]}\n{"text": "", "labels": []}\n{"text": "d", "labels": "x, y"}\n'
    expected = [("a", ("1", "b,c", "true")), ("", ()), ("d", ("x", "y"))]
    assert pairs(texts(lines, "t.jsonl", multi_label=True)) == expected
    assert pairs(texts("a\tx, y\n")) == [("a", "x, y")]


@pytest.fixture
def reviews(tmp_path):
    """A folder of classes."""
    files = {
        "pos/1.txt": "a gem\n",
        "pos/10.txt": "two\r\nlines\n\n",
        "pos/2.txt": "",
        "neg/deep/a.txt": "so dull",
        "neg/deep/.ipynb_checkpoints/a.txt": "hidden",
        "neg/.DS_Store": "\0",
        "neg/b.txt.gz": gzip.compress("gepackt ö".encode()),
        ".git/x": "hidden",
        "README": "no class",
    }
    for name, content in files.items():
        path = tmp_path / "reviews" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return tmp_path / "reviews"


def test_a_folder_of_classes(reviews) -> None:
    opened = LabelledTexts(reviews)
    assert pairs(opened) == [
        ("gepackt ö", "neg"),
        ("so dull", "neg"),
        ("a gem", "pos"),
        ("two\nlines\n", "pos"),
        ("", "pos"),
    ]
    assert opened.place(3) == str(reviews / "pos" / "10.txt")
    assert opened.layout.columns is None
    read = []
    list(opened.read(read.append))
    assert sum(read) == opened.size
    assert pairs(LabelledTexts(reviews, multi_label=True))[0] == ("gepackt ö", ("neg",))


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
@pytest.mark.parametrize("named", [True, False])
def test_compressed_files(texts, suffix, named) -> None:
    compress = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}[suffix]
    for name, content in (
        ("t.tsv", "ö\tx\nb\ty\n"),
        ("t.csv", "text,label\nö,x\nb,y\n"),
        ("t.jsonl", '{"text": "ö", "label": "x"}\n{"text": "b", "label": "y"}\n'),
    ):
        opened = texts(compress(content.encode()), name + suffix * named)
        assert pairs(opened) == [("ö", "x"), ("b", "y")]
        read = []
        list(opened.read(read.append))
        assert sum(read) == opened.size


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("t", "a\tx\n", {}),
        ("t.txt", "a\tx\n", {}),
        ("t.data", "text,label\na,x\n", {}),
        ("t.tsv", "a;x\n", {"delimiter": ";"}),
        ("t.txt", "a^x\n", {"delimiter": "^"}),
        ("t.csv", "a\tx\n", {"delimiter": "tab"}),
        ("t.csv", "a\tx\n", {}),
        ("t.csv", "a\tx\n", {"format": "tsv"}),
        ("t.tsv", '{"text": "a", "label": "x"}', {"format": "jsonl"}),
        ("T.TSV", "a\tx\n", {"delimiter": "\t"}),
        ("t.csv", "sep=;\na;x\n", {}),
    ],
)
def test_the_format_is_told_by_suffix_delimiter_or_first_line(texts, name, content, options) -> None:
    assert pairs(texts(content, name, **options)) == [("a", "x")]


def test_files_are_read_one_after_the_other_with_the_columns_of_the_first(tmp_path, reviews) -> None:
    first, second, third = tmp_path / "a.tsv", tmp_path / "b.csv", tmp_path / "c.jsonl"
    first.write_text("kind\twhat\n" + "".join(f"{n % 2}\ta gem {n}\n" for n in range(20)))
    second.write_text("what,other,kind\nso dull,z,0\n")
    third.write_text('{"what": "well", "kind": 1}\n')
    opened = LabelledTexts([first, str(second), third, reviews])
    assert [label for _, label in opened] == ["0", "1"] * 10 + ["0", "1", "neg", "neg", "pos", "pos", "pos"]
    assert pairs(opened)[20] == ("so dull", "0")
    assert opened.name == f"{first} and 3 more"
    assert opened.place(20) == f"{second}: line 2"
    assert opened.place(22) == str(reviews / "neg" / "b.txt.gz")
    read = []
    list(opened.read(read.append))
    assert sum(read) == opened.size


def test_a_layout_reads_another_file_the_same_way(texts) -> None:
    content = "x\tkind\twhat\n" + "".join(f"{n}\t{n % 2}\tgrün {n}\n" for n in range(20))
    trained = texts(content.encode("latin-1"), encoding="latin-1", text="what", label="kind")
    layout = TextLayout.from_json(json.loads(json.dumps(trained.layout.to_json())))
    assert layout == trained.layout
    assert layout.options == {"encoding": "latin-1"}
    again = {"layout": layout}
    assert pairs(texts(b"what\tkind\ngr\xfcn\t7\n", **again)) == [("grün", "7")]
    assert pairs(texts(b"1\t7\tgr\xfcn\n", **again)) == [("grün", "7")]
    assert pairs(texts("what,kind\ngrün,7\n", "t.csv", encoding="utf-8", **again)) == [("grün", "7")]
    assert pairs(texts("so\tother\nx\ty\n", text="so", label="other", **again)) == [("x", "y")]
    with pytest.raises(ValueError, match=r"has two columns, but the file before it had 3"):
        texts("x\ty\n", **again)
    assert pairs(texts("so\tkind\twhat\nx\ty\tz\n", layout=layout, encoding="utf-8")) == [("z", "y")]
    with pytest.raises(ValueError, match=r"has four columns, but the file before it had 3"):
        texts("x\ty\tz\tw\n", **again)
    with pytest.raises(ValueError, match=r"has no column 'kind'; it has 'what', 'so'"):
        texts("what\tso\nx\ty\n", **again)
    with pytest.raises(ValueError, match=r"has no column 'what', 'kind'; it has 'text', 'label'"):
        texts("text\tlabel\nx\ty\n", **again)


def test_a_layout_without_names_finds_them_in_a_file_that_has_some(texts) -> None:
    layout = texts("1\tgood film\n0\tbad film\n").layout
    assert pairs(texts("text\tlabel\na\tb\n", layout=layout)) == [("a", "b")]
    assert pairs(texts("0\tx\n", layout=layout)) == [("x", "0")]
    assert pairs(texts("long words here\tx\n" * 3, layout=layout))[0] == ("x", "long words here")


def test_options_of_a_layout_can_be_overridden(texts) -> None:
    layout = texts("a;x,y\n", delimiter=";", multi_label=True, header=False).layout
    assert layout.options == {"delimiter": ";", "multi_label": True, "header": False}
    assert pairs(texts("b;x\n", layout=layout)) == [("b", ("x",))]
    assert pairs(texts("b\tx\n", delimiter="tab", multi_label=False, layout=layout)) == [("b", "x")]


def test_standard_input_and_pipes_are_read_twice(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(b"a\tx\nb\ty\n"))))
    opened = LabelledTexts("-")
    assert pairs(opened) == pairs(opened) == [("a", "x"), ("b", "y")]
    assert (opened.name, opened.place(1)) == ("standard input", "standard input: line 2")
    if hasattr(os, "pipe") and os.path.isdir("/dev/fd"):
        source, sink = os.pipe()
        os.write(sink, b"a\tx\nb\ty\n")
        os.close(sink)
        opened = LabelledTexts(f"/dev/fd/{source}")
        os.close(source)
        assert pairs(opened) == pairs(opened) == [("a", "x"), ("b", "y")]


@pytest.mark.parametrize(
    ("name", "head", "line"),
    [
        ("t.tsv", "", "{}\tx\n"),
        ("t.csv", "text,label\n", "{},x\n"),
        ("t.jsonl", "", '{{"text": "{}", "label": "x"}}\n'),
    ],
)
def test_memory_does_not_grow_with_the_rows(tmp_path, name, head, line) -> None:
    (tmp_path / name).write_text(head + line.format("many words " * 200) * 5_000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in LabelledTexts(tmp_path / name)) == 5_000
        assert tracemalloc.get_traced_memory()[1] < (tmp_path / name).stat().st_size / 3
    finally:
        tracemalloc.stop()
