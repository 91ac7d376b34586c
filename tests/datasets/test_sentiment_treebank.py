from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from portnn.datasets import labelled_sentences, sentiment_treebank

pytestmark = pytest.mark.host

HEADER = "sentence_index\tsentence\n"
SENTENCES = HEADER + "1\tThe Rock -LRB- a co-writer\\/director -RRB- .\n2\tA\u00c3\u00a0 la mode\u0085 .\n4\tDull .\n"
SPLIT = "sentence_index,splitset_label\n1,1\n2,3\n4,2\n"


def write(folder: Path, sentences: str | bytes = SENTENCES, split: str | bytes = SPLIT) -> Path:
    for name, content in (("datasetSentences.txt", sentences), ("datasetSplit.txt", split)):
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def test_sentences_are_unchanged(tmp_path: Path) -> None:
    treebank = sentiment_treebank(write(tmp_path))
    assert treebank.sentences == [
        ["The", "Rock", "-LRB-", "a", "co-writer\\/director", "-RRB-", "."],
        ["A\u00c3\u00a0", "la", "mode\u0085", "."],
        ["Dull", "."],
    ]
    assert treebank.split == ("train", "dev", "test")
    assert len(treebank) == 3
    assert treebank.part("test") == [["Dull", "."]]
    with pytest.raises(ValueError, match=r"^part is 'valid'; expected one of train, test, dev$"):
        treebank.part("valid")
    assert sentiment_treebank(tmp_path, lowercase=True).sentences[2] == ["dull", "."]


def test_line_ends_of_windows_and_the_order_of_the_split(tmp_path: Path) -> None:
    split = "sentence_index,splitset_label\n4,2\n2,3\n1,1\n\n"
    write(tmp_path, SENTENCES.replace("\n", "\r\n"), split.replace("\n", "\r\n"))
    assert sentiment_treebank(tmp_path).split == ("train", "dev", "test")
    assert sentiment_treebank(tmp_path).sentences[2] == ["Dull", "."]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("sentences", "", "datasetSentences.txt, line 1: ''; expected the header 'sentence_index\\tsentence'"),
        (
            "sentences",
            "1\ta\n",
            "datasetSentences.txt, line 1: '1\\ta'; expected the header 'sentence_index\\tsentence'",
        ),
        ("sentences", HEADER, "datasetSentences.txt: no lines after the header"),
        ("sentences", HEADER + "1\ta\nb\n", "datasetSentences.txt, line 3: 'b'; expected a number, '\\t' and text"),
        ("sentences", HEADER + "-1\ta\n", "datasetSentences.txt, line 2: '-1\\ta'; expected a number, '\\t' and text"),
        ("sentences", HEADER + "1\t \n", "datasetSentences.txt, line 2: the sentence has no words"),
        ("sentences", HEADER + "1\ta\n1\tb\n", "datasetSentences.txt, line 3: sentence 1 occurs more than once"),
        ("sentences", HEADER.encode() + b"1\tcaf\xe9\n", "datasetSentences.txt, line 2: byte 0xe9 is not UTF-8"),
        ("split", SPLIT + "5,1\n", "datasetSplit.txt, line 5: sentence 5 is not in datasetSentences.txt"),
        ("split", SPLIT[:-4], "datasetSplit.txt: the line of sentence 4 is missing"),
        ("split", SPLIT + "4,1\n", "datasetSplit.txt, line 5: sentence 4 occurs more than once"),
        (
            "split",
            SPLIT[:-2] + "4\n",
            "datasetSplit.txt, line 4: split is '4'; expected 1 (train), 2 (test) or 3 (dev)",
        ),
    ],
)
def test_malformed_files(file: str, content: str | bytes, message: str, tmp_path: Path) -> None:
    write(tmp_path, **{file: content})
    with pytest.raises(ValueError, match=f"^{re.escape(str(tmp_path / message))}$"):
        sentiment_treebank(tmp_path)


def test_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="datasetSentences"):
        sentiment_treebank(tmp_path)


def test_labelled_sentences(tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    path.write_bytes(b"A gem .\t1\n\ttab inside\t0\r\n Dull \t0")
    sentences, labels = labelled_sentences(path)
    assert sentences == [["A", "gem", "."], ["\ttab", "inside"], ["Dull"]]
    assert labels.dtype == np.int64
    assert labels.tolist() == [1, 0, 0]
    assert labelled_sentences(path, lowercase=True)[0][0] == ["a", "gem", "."]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "train.tsv: the file has no sentences"),
        (b"a\t1\nb\n", "train.tsv, line 2: 'b'; expected a sentence, a tab and the label 0 or 1"),
        (b"a\t2\n", "train.tsv, line 1: 'a\\t2'; expected a sentence, a tab and the label 0 or 1"),
        (b"x" * 50, f"train.tsv, line 1: '{'x' * 40}...'; expected a sentence, a tab and the label 0 or 1"),
        (b"a\t1\n\t0\n", "train.tsv, line 2: the sentence has no words"),
        (b"a\t1\n\xff\t0\n", "train.tsv, line 2: byte 0xff is not UTF-8"),
    ],
)
def test_malformed_labelled_sentences(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{re.escape(str(tmp_path / message))}$"):
        labelled_sentences(path)


def test_labels_of_any_number_of_classes(tmp_path):
    path = tmp_path / "five.tsv"
    path.write_text("a gem .\t4\ndull\t10\n", encoding="utf-8")
    assert labelled_sentences(path, classes=None)[1].tolist() == [4, 10]
    assert labelled_sentences(path, classes=11)[1].tolist() == [4, 10]
    with pytest.raises(ValueError, match=r"line 2: 'dull\\t10'; expected .* the label from 0 to 4$"):
        labelled_sentences(path, classes=5)
    for label in ("-1", "1.0", "", "²", "9" * 19):
        path.write_text(f"dull\t{label}\n", encoding="utf-8")
        with pytest.raises(ValueError, match=r"line 1: .* the label in digits$"):
            labelled_sentences(path, classes=None)
