"""Labels on the command line: predicted as they were written, read by what training saw, and named with their line."""

from __future__ import annotations

import csv
import io
import json
import sys

import numpy as np
import pytest

import portnn as library
from portnn.checkpoints import load_checkpoint

pytestmark = pytest.mark.host

QUICK = ("--recipe", "table", "--epochs", 60, "--dtype", "float64", "--learning-rate", 0.02)


def table(labels, delimiter=","):
    """Rows far apart for each label, as text."""
    rows = [["a", "y"], *([20 * n - 7, label] for n, label in enumerate(labels))]
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows([rows[0], *rows[1:] * 20])
    return file.getvalue()


@pytest.fixture
def train(portnn, tmp_path, monkeypatch):
    """Train on a table of this text."""
    monkeypatch.setattr("portnn.cli.mlp.report.draw_curve", lambda *_, **__: (False, "not drawn"))

    def call(text, *arguments):
        (tmp_path / "t.csv").write_text(text, encoding="utf-8")
        return portnn("mlp", "train", tmp_path / "t.csv", "--out", tmp_path / "run", *QUICK, *arguments)

    return call


@pytest.mark.parametrize(
    ("labels", "options"),
    [
        (("001", "01", "1"), ()),
        (("001", "002"), ()),
        (("9007199254740992", "9007199254740993"), ()),
        (("9223372036854775808", "9223372036854775809"), ()),
        (("0.0", "1.0"), ()),
        (("+1", "-1"), ("--task", "classification")),
        (("1e3", "2.50", "7"), ("--task", "classification")),
        (("NA", "DE", "None"), ()),
        (("False", "True"), ()),
        (("日本", "größe, sehr", 'a "b"'), ()),
    ],
)
def test_labels_are_predicted_as_they_were_written(train, portnn, folder, tmp_path, labels, options) -> None:
    result = train(table(labels), *options)
    assert result.status == 0, result.err
    file = tmp_path / "t.csv"
    lines = list(csv.reader(portnn("mlp", "predict", folder.best, file, "--proba").out.splitlines()))
    assert lines[0] == ["prediction", *(f"p_{label}" for label in sorted(labels))]
    assert [line[0] for line in lines[1:]] == [*labels] * 20
    found = json.loads(portnn("mlp", "predict", folder.best, file, "--json").out)["predictions"]
    assert [str(label) for label in found] == [*labels] * 20
    measured = json.loads(portnn("mlp", "evaluate", folder.best, file, "--confusion", "--json").out)
    assert (measured["accuracy"], measured["classes"]) == (1.0, sorted(labels))
    assert np.array_equal(measured["confusion"], 20 * np.eye(len(labels)))
    assert train(table(labels), "--resume", "--epochs", 61).status == 0


def test_a_file_whose_labels_look_otherwise(train, portnn, folder, tmp_path) -> None:
    train(table((1, 2)))
    other = tmp_path / "other.csv"
    other.write_text("a,y\n-7,1\n13,02\n-7,01\n")
    result = portnn("mlp", "evaluate", folder.best, other, "--json")
    assert json.loads(result.out)["accuracy"] == 1.0
    assert result.err == f"note: {other}: line 3, column 'y': '02' is taken for the class 2\n"
    train(table(("01", "02")), "--overwrite")
    result = portnn("mlp", "evaluate", folder.best, other)
    assert (result.status, result.out) == (1, "")
    message = "line 2, column 'y': training never saw the label '1'; the classes are '01', '02'; is it '01'?"
    assert result.message == f"{other}: {message}"


@pytest.mark.parametrize(
    ("written", "labels"), [(("0.0", "1.0"), [0, 1]), (("001", "002"), [1, 2]), (("1e20", "2e20"), [1e20, 2e20])]
)
def test_a_run_that_kept_labels_as_numbers_goes_on(train, portnn, folder, tmp_path, written, labels) -> None:
    """As earlier versions kept them: the same rows are of the same classes."""
    text = table(written)
    rows = [line.split(",") for line in text.splitlines()[1:]]
    y = np.asarray(labels)[[written.index(label) for _, label in rows]]
    model = library.MLP((4,), standardize=True)
    model.fit([[float(a)] for a, _ in rows], y, steps=4, out=folder.path, progress=False)
    (tmp_path / "t.csv").write_text(text)
    result = portnn("mlp", "evaluate", folder.last, tmp_path / "t.csv")
    assert result.status == 0
    assert "note: " in result.err
    assert train(text, "--resume", "--epochs", 61).status == 0
    assert load_checkpoint(folder.last)[1]["targets"]["classes"]["labels"] == labels


def test_labels_of_npz_files(train, portnn, folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("portnn.cli.mlp.report.draw_curve", lambda *_, **__: (False, "not drawn"))
    x = np.asarray([[-7.0], [13.0]] * 20)
    path = tmp_path / "t.npz"
    for pair in (
        np.asarray([2**63, 2**63 + 1], np.uint64),
        np.asarray([2**53, 2**53 + 1]),
        np.asarray([b"ja", b"nein"]),
        np.asarray(["a ", "b"]),
        np.asarray([3, 4], ">i4"),
        np.asarray([False, True]),
        np.asarray([0.0, 1.0]),
    ):
        np.savez(path, X=x, y=np.tile(pair, 20))
        assert portnn("mlp", "train", path, "--out", folder.path, "--overwrite", *QUICK).status == 0
        wanted = [label.decode() if isinstance(label, bytes) else str(label) for label in pair.tolist()]
        assert portnn("mlp", "predict", folder.best, path).out.splitlines()[1:] == wanted * 20
        assert "accuracy 1.0000" in portnn("mlp", "evaluate", folder.best, path).out
        (tmp_path / "t.csv").write_text("".join(f"{n},{label}\n" for n, label in zip((-7, 13), wanted, strict=True)))
        result = portnn("mlp", "evaluate", folder.best, tmp_path / "t.csv", "--no-header")
        assert ("accuracy 1.0000" in result.out) == (wanted[0] != "a "), result.err


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.asarray(["2020-01-01", "2021-01-01"] * 20, "datetime64[D]"), "y has dtype datetime64[D], expected numbers"),
        (np.asarray([1j, 2j] * 20), "y has dtype complex128, expected numbers or text"),
        (np.asarray([b"\xff", b"a"] * 20), "y holds bytes that are not utf-8"),
    ],
)
def test_npz_files_whose_labels_are_neither_numbers_nor_text(portnn, folder, tmp_path, y, message) -> None:
    np.savez(tmp_path / "t.npz", X=np.zeros((40, 1)), y=y)
    assert message in portnn("mlp", "train", tmp_path / "t.npz", "--out", folder.path).message


def test_tables_from_standard_input(train, portnn, folder, tmp_path, monkeypatch) -> None:
    text = table(("u", "v"), ";").replace("-7", "-7,5")

    def piped(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    monkeypatch.setattr("portnn.cli.mlp.report.draw_curve", lambda *_, **__: (False, "not drawn"))
    piped(text.encode("utf-16"))
    result = portnn("mlp", "train", "-", "--decimal", ",", "--out", folder.path, *QUICK)
    assert result.status == 0, result.err
    assert "classification, standard input" in result.err
    assert result.out.splitlines()[-1] == f"predict     portnn mlp predict {folder.best} -"
    piped(text.encode())
    assert portnn("mlp", "predict", folder.best, "-").out.splitlines() == ["prediction", *["u", "v"] * 20]
    piped(text.encode())
    assert "accuracy 1.0000 on 40 rows" in portnn("mlp", "evaluate", folder.best, "-").out
    piped(text.replace("v", "w").encode())
    assert portnn("mlp", "evaluate", folder.best, "-").message.startswith("standard input: line 3, column 'y': ")
    content = io.BytesIO()
    np.savez(content, X=[[-7.5], [13.0]])
    piped(content.getvalue())
    assert portnn("mlp", "predict", folder.best, "-").out.splitlines() == ["prediction", "u", "v"]
    piped(text.encode())
    assert portnn("mlp", "train", "-", "--resume", "--out", folder.path, "--epochs", 61).status == 0
