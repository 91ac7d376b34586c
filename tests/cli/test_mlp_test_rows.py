"""`portnn mlp train --test`: a score on rows that neither trained nor chose the checkpoint."""

from __future__ import annotations

import json

import numpy as np
import pytest

import portnn as library
from portnn.checkpoints import load_checkpoint
from portnn.tables import kept_for_test, split_ids

pytestmark = pytest.mark.host

LABELS = np.asarray(["u", "v", "w"])


def rows(count, seed=0):
    rng = np.random.default_rng(seed)
    ids = np.arange(count) % 3
    return rng.normal(size=(count, 2)) + 2 * np.eye(3)[ids][:, :2], LABELS[ids]


def write(path, x, y):
    lines = [f"{a!r},{b!r},{label}\n" for (a, b), label in zip(x.tolist(), y, strict=True)]
    path.write_text("a,b,kind\n" + "".join(lines))
    return path


@pytest.fixture
def train(portnn, tmp_path, monkeypatch):
    monkeypatch.setattr("portnn.cli.mlp.report.draw_curve", lambda *_, **__: (False, "not drawn"))
    file = write(tmp_path / "t.csv", *rows(90))
    settings = ("--hidden", 4, "--held-out", 0.25, "--epochs", 12, "--standardize", "--dtype", "float64")
    return lambda *arguments: portnn("mlp", "train", file, "--out", tmp_path / "run", *settings, *arguments)


def test_the_report_says_which_rows_chose_the_checkpoint(train) -> None:
    assert "held-out rows, by which best.safetensors was chosen\n" in train().out
    found = json.loads(train("--overwrite", "--json").out)
    assert (found["measured_on"], found["chose_checkpoint"], found["test"]) == ("held-out", True, None)
    found = json.loads(train("--overwrite", "--json", "--held-out", 0).out)
    assert (found["measured_on"], found["chose_checkpoint"]) == ("training", False)


def test_a_fraction_neither_trains_nor_chooses(train, folder) -> None:
    found = json.loads(train("--test", 0.2, "--json").out)
    x, y = rows(90)
    others, kept = kept_for_test(90, 0.2, seed=0)
    assert (found["test"]["rows"], found["test"]["file"], found["rows"]) == (18, None, 18)
    model = library.load(folder.best)
    measured = model.evaluate(x[kept], y[kept])
    assert (found["test"]["loss"], found["test"]["accuracy"]) == (measured.loss, measured.score)
    _, held = split_ids(72, 0.25, seed=0)
    assert found["loss"] == model.evaluate(x[others][held], y[others][held]).loss
    alone = library.MLP((4,), standardize=True, dtype="float64")
    alone.fit(x[others], y[others], held_out=0.25, epochs=12, out=folder.path / "alone", progress=False)
    best = library.load(folder.path / "alone" / "best.safetensors")
    assert np.array_equal(best.outputs(x), model.outputs(x))
    assert load_checkpoint(folder.last)[1]["data"]["size"] == 54


def test_a_resumed_run_keeps_its_test(train, folder) -> None:
    train("--test", 0.2)
    assert (
        train("--resume", "--test", 0.3).message == "cannot resume: the run keeps 0.2 of the rows for a test, not 0.3"
    )
    found = json.loads(train("--resume", "--epochs", 14, "--json").out)
    assert (found["test"]["rows"], found["rows"]) == (18, 18)
    again = json.loads(train("--overwrite", "--test", 0.2, "--epochs", 14, "--json").out)
    assert found["test"] == again["test"]
    plain = train("--overwrite")
    assert plain.status == 0
    assert "cannot resume: the run keeps 0.0 of the rows" in train("--resume", "--test", 0.2).message


def test_a_class_that_only_the_test_has(portnn, train, tmp_path, folder) -> None:
    x, y = rows(90)
    _, kept = kept_for_test(90, 0.2, seed=0)
    y = y.astype("<U4")
    y[kept[0]] = "rare"
    write(tmp_path / "t.csv", x, y)
    result = train("--test", 0.2)
    assert result.status == 0, result.err
    assert "on 18 test rows, which neither trained nor chose it" in result.out
    assert library.load(folder.best).classes.labels.tolist() == ["rare", "u", "v", "w"]
    assert train("--test", 0.2, "--resume", "--epochs", 13).status == 0


def test_a_file_of_its_own(train, folder, tmp_path) -> None:
    file = write(tmp_path / "test.csv", *rows(33, seed=1))
    found = json.loads(train("--test", file, "--json").out)
    measured = library.load(folder.best).evaluate(*rows(33, seed=1))
    assert found["test"] == {"loss": measured.loss, "accuracy": measured.score, "rows": 33, "file": str(file)}
    assert found["rows"] == 22
    assert "test" in train("--resume", "--epochs", 13, "--test", file).out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory"),
        ("a,b,kind\n1,2,u\n1,2,x\n", "test.csv: line 3, column 'kind': training never saw the label 'x'"),
        ("a,c,kind\n1,2,u\n", "test.csv has no column 'b'"),
        ("0", "--test must be a file or a fraction between 0 and 1, got 0"),
        ("1", "--test must be a file or a fraction between 0 and 1, got 1"),
        ("0.001", "test 0.001 keeps none of 90 rows for the test"),
        ("0.999", "leaves none of 90 rows to train on"),
    ],
)
def test_a_test_that_cannot_be_is_refused_before_the_run(train, folder, tmp_path, content, message) -> None:
    file = tmp_path / "test.csv"
    if content and "\n" in content:
        file.write_text(content)
    result = train("--test", content if content and "\n" not in content else file)
    assert (result.status, result.out) == (1, "")
    assert message in result.message
    assert not folder.path.exists()


def test_a_regression_and_the_spiral(portnn, train, tmp_path, folder) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 2))
    (tmp_path / "t.csv").write_text("".join(f"{a},{b},{a - b}\n" for a, b in x.tolist()))
    found = json.loads(train("--test", 0.5, "--json").out)
    assert found["test"].keys() == {"loss", "r2", "rows", "file"}
    np.savez(tmp_path / "t.npz", X=x[:, :1], y=x[:, 0])
    assert "has 1 features, but" in train("--test", tmp_path / "t.npz", "--overwrite").message
    result = portnn("mlp", "train", "--out", folder.path, "--overwrite", "--epochs", 3, "--test", 0.1)
    assert "on 30 test rows" in result.out
    assert len((folder.path / "spiral.csv").read_text().splitlines()) == 301
