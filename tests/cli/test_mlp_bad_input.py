"""Bad input to `portnn mlp`: one clear line, the exit status, and nothing is left behind."""

from __future__ import annotations

import numpy as np
import pytest

import portnn as library
from portnn.ops import ACTIVATIONS

pytestmark = pytest.mark.host

GOOD = "a,b,y\n" + "1,2,u\n2,1,v\n" * 40
KNOWN = "its columns are 'a', 'b', 'y', numbered from 1 to 3"


@pytest.fixture
def train(portnn, tmp_path, monkeypatch):
    """Train on a CSV file of this content, in a folder that is not there yet."""
    monkeypatch.setattr("portnn.cli.mlp.report.draw_curve", lambda *_, **__: (False, "not drawn"))

    def call(content=GOOD, *arguments):
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return portnn("mlp", "train", path, "--out", tmp_path / "run", "--steps", 2, *arguments)

    return call


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Model of columns that have no names."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    x = np.arange(20.0).reshape(10, 2)
    library.MLP((3,)).fit(x, np.arange(10) % 2, steps=1, progress=False).save(path)
    return path


@pytest.fixture
def named(train, folder):
    """Model of the columns a and b, and the classes u and v."""
    assert train().status == 0
    return folder.last


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b,y\n1,2,u\nfoo,3,v\n", "line 3, column 'a': 'foo' is text in a column of numbers"),
        ("1,2,u\n2,foo,v\n", "line 2, column 2: 'foo' is text in a column of numbers"),
        ("a,b,y\n1,2,u\n\n,3,v\n", "line 4, column 'a': the value is missing"),
        ("a,b,y\n1,2,0.5\n1,3,NA\n2,3,4\n", "line 3, column 'y': the value is missing ('NA')"),
        ("a,b,y\n1,2,u\n1,nan,v\n", "line 3, column 'b': the value is missing ('nan')"),
        ("a,b,y\n1,2,u\n1,inf,v\n", "line 3, column 'b': inf is not finite"),
        ("a,b,y\n1,2,u\n1,2\n", "line 3 has 2 cells, expected 3"),
        ("a,b,y\n1,2,u\n1,2,3,v\n", "line 3 has 4 cells, expected 3"),
        ("a:b:y\n1:2:u\n", "has only one column with the delimiter ','; say which it is with --delimiter"),
        ("", "is empty"),
        ("a,b,y\n", "has a header but no rows"),
        (b"a,b,y\n1,2,k\xe9\n", "line 2: byte 0xe9 is not utf-8; if it is text, state its --encoding"),
        ("a,a,y\n1,2,u\n", "two columns are named 'a'"),
        ("a,b,y\n1,2,u\n1,3,u\n", "y has only one class, 'u'; a classifier needs at least two"),
    ],
)
def test_a_table_that_cannot_be_learned(train, folder, content, message) -> None:
    result = train(content)
    assert (result.status, result.out) == (1, "")
    assert message in result.message
    assert not folder.path.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--target", "colour"), f"t.csv has no column 'colour'; {KNOWN}"),
        (("--target", 4), f"t.csv has no column '4'; {KNOWN}"),
        (("--target", "y,y"), "t.csv: a target is named twice: 'y', 'y'"),
        (("--target", "a,b,y"), "all 3 columns are targets"),
        (("--target", "a,y"), "line 2, column 'y': 'u' is text in a column of numbers"),
        (
            ("--target", "a,b", "--no-header"),
            "has no column 'a'; it has no header; its columns are numbered from 1 to 3",
        ),
        (("--task", "regression"), "line 2, column 'y': 'u' is text in a column of numbers"),
        (("--task", "guess"), "unknown task 'guess'; known: classification, regression"),
        (("--delimiter", ";"), "has only one column with the delimiter ';'"),
        (("--delimiter", "::"), "delimiter must be one character or tab, got '::'"),
        (("--encoding", "klingon"), "unknown encoding 'klingon'"),
        (("--hidden", 0), "each of hidden_layer_sizes must be a positive whole number, got 0"),
        (("--activation", "none such"), f"unknown activation 'none such'; known: {', '.join(sorted(ACTIVATIONS))}"),
        (("--optimizer", "newton"), "unknown optimizer 'newton'; known: sgd, momentum,"),
        (("--schedule", "sawtooth"), "unknown schedule 'sawtooth'"),
        (("--class-weight", "heavy"), "class_weight must be a dict or \"balanced\", got 'heavy'"),
        (("--learning-rate", 0), "learning_rate must be a positive number"),
        (("--dropout", 1), "dropout must be in [0, 1)"),
        (("--l2", -1), "l2 must be 0 or a positive number"),
        (("--batch-size", 0), "batch_size must be a positive whole number, got 0"),
        (("--held-out", 1), "held_out must be in [0, 1)"),
        (("--patience", -1), "patience must be a positive whole number, got -1"),
        (("--seed", -1), "seed must be 0 or a positive whole number, got -1"),
        (("--dtype", "float16"), "unknown dtype 'float16'; known: float32, float64"),
        (("--backend", "tensorflow"), "unknown backend 'tensorflow'"),
        (("--device", "cuda:7"), "numpy has no device 'cuda:7'"),
    ],
)
def test_a_setting_that_makes_no_sense(train, folder, options, message) -> None:
    result = train(GOOD, *options)
    assert (result.status, result.out) == (1, "")
    assert message in result.message
    assert not folder.path.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--epochs", 1), "give --steps or --epochs, not both"),
        (("--resume", "--overwrite"), "give one of them"),
        (("--hidden", "a,b"), "'a,b' is not whole numbers such as 50,50"),
        (("--what",), "No such option"),
        (("--batch-size", "many"), "'many' is not a whole number"),
    ],
)
def test_wrong_usage(train, folder, options, message) -> None:
    result = train(GOOD, *options)
    assert (result.status, result.out) == (2, "")
    assert "Usage: portnn mlp train" in result.err
    assert message in result.err
    assert not folder.path.exists()


def test_a_target_without_columns(portnn, tmp_path) -> None:
    np.savez(tmp_path / "t.npz", X=np.eye(2), y=[0, 1])
    for files in ([], [tmp_path / "t.npz"]):
        result = portnn("mlp", "train", *files, "--target", "y", "--out", tmp_path / "run")
        assert (result.status, result.out) == (2, "")


@pytest.mark.parametrize("name", ["nowhere.csv", "nowhere.npz"])
@pytest.mark.parametrize("command", ["train", "predict", "evaluate"])
def test_a_missing_file_and_a_folder(portnn, tmp_path, checkpoint, command, name) -> None:
    before = [] if command == "train" else [checkpoint]
    after = ["--out", tmp_path / "run"] if command == "train" else []
    result = portnn("mlp", command, *before, tmp_path / name, *after)
    assert (result.status, result.message) == (1, f"{tmp_path / name}: No such file or directory")
    (tmp_path / name).mkdir()
    result = portnn("mlp", command, *before, tmp_path / name, *after)
    assert (result.status, result.message) == (1, f"{tmp_path / name}: Is a directory")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": [1, 2]}, "has no array 'X'; it has 'y'"),
        ({"X": np.eye(2)}, "has no array 'y'; it has 'X'"),
        ({"X": np.asarray([[1, "a"]], dtype=object), "y": [1]}, "X holds Python objects, which are not read"),
        (None, "is not an .npz file"),
    ],
)
def test_an_npz_file_that_cannot_be_learned(portnn, folder, tmp_path, arrays, message) -> None:
    path = tmp_path / "t.npz"
    if arrays is None:
        path.write_bytes(b"not at all")
    else:
        np.savez(path, **arrays)
    result = portnn("mlp", "train", path, "--out", folder.path)
    assert (result.status, result.out) == (1, "")
    assert message in result.message
    assert not folder.path.exists()


@pytest.mark.parametrize(
    ("command", "content", "message"),
    [
        ("predict", "a,c\n1,2\n", "has no column 'b'; it has 'a', 'c'"),
        ("predict", "c,d\n1,2\n", "has no column 'a', 'b'; it has 'c', 'd'"),
        ("predict", "1,2,3,4\n", "has 4 columns, but the model expects 2 features"),
        ("predict", "1\n2\n", "has only one column with the delimiter ','"),
        ("predict", "a,b\n1,x\n2,3\n", "line 2, column 'b': 'x' is text in a column of numbers"),
        ("evaluate", "a,b\n1,2\n", "has no column 'y'; it has 'a', 'b'"),
        ("evaluate", "1,2\n", "has 2 columns, but the model expects 3 with its targets"),
        (
            "evaluate",
            "a,b,y\n1,2,u\n2,1,w\n",
            "line 3, column 'y': training never saw the label 'w'; the classes are 'u', 'v'",
        ),
        ("evaluate", "a,b,y\n1,2,\n", "line 2, column 'y': the value is missing"),
    ],
)
def test_a_table_that_does_not_fit_the_model(portnn, named, tmp_path, command, content, message) -> None:
    (tmp_path / "new.csv").write_text(content)
    result = portnn("mlp", command, named, tmp_path / "new.csv")
    assert (result.status, result.out) == (1, "")
    assert message in result.message


def test_arrays_that_do_not_fit_the_model(portnn, checkpoint, tmp_path) -> None:
    np.savez(tmp_path / "t.npz", X=np.eye(3), y=[0, 1, 1])
    result = portnn("mlp", "predict", checkpoint, tmp_path / "t.npz")
    assert (result.status, result.message) == (1, "X has 3 features, but the model expects 2")
    np.savez(tmp_path / "t.npz", X=np.eye(2), y=["u", "v"])
    result = portnn("mlp", "evaluate", checkpoint, tmp_path / "t.npz")
    assert (result.status, result.message) == (
        1,
        "y has labels that training never saw: 'u', 'v'; the classes are 0, 1; the first of these rows is 0",
    )


def test_text_where_the_classes_are_numbers(portnn, checkpoint, tmp_path) -> None:
    (tmp_path / "t.csv").write_text("a,b,y\n1,2,0\n1,2,u\n")
    result = portnn("mlp", "evaluate", checkpoint, tmp_path / "t.csv")
    assert result.status == 1
    assert "line 3, column 'y': training never saw the label 'u'; the classes are 0, 1" in result.message


def test_a_regression_has_neither_probabilities_nor_a_confusion(portnn, tmp_path) -> None:
    path = tmp_path / "model.safetensors"
    library.LinearRegression().fit(np.eye(2), [0.0, 1.0], steps=1, progress=False).save(path)
    (tmp_path / "t.csv").write_text("1,2,3\n")
    for command, option in (("predict", "--proba"), ("evaluate", "--confusion")):
        result = portnn("mlp", command, path, tmp_path / "t.csv", option)
        assert (result.status, result.out) == (1, "")
        assert f"{path} holds a regression, which has no" in result.message
        assert portnn("mlp", command, path, tmp_path / "t.csv").status == 0


def test_a_checkpoint_of_the_other_kind(train, portnn, named, folder, tmp_path) -> None:
    text = tmp_path / "t.txt"
    text.write_text("to be or not to be " * 20)
    options = ("--hidden-size", 4, "--batch-size", 2, "--seq-length", 5, "--steps", 1, "--sample-every", 0)
    rnn = tmp_path / "rnn"
    assert portnn("char-rnn", "train", text, "--out", rnn, *options).status == 0
    other = rnn / "last.safetensors"
    for command in ("predict", "evaluate"):
        result = portnn("mlp", command, other, tmp_path / "t.csv")
        assert (result.status, result.message) == (1, f"{other} is a checkpoint of CharRNN, not of MLP")
    for arguments in (("sample", named), ("evaluate", named, text)):
        result = portnn("char-rnn", *arguments)
        assert (result.status, result.message) == (1, f"{named} is a checkpoint of MLP, not of CharRNN")
    result = train(GOOD, "--resume", "--out", rnn)
    assert (result.status, result.message) == (1, "the checkpoint holds 'CharRNN', not 'MLP'")
    result = portnn("char-rnn", "train", text, "--resume", "--out", folder.path)
    assert (result.status, result.message) == (1, "the checkpoint holds 'MLP', not 'CharRNN'")


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (GOOD, ("--hidden", 8), "cannot resume: the checkpoint has hidden_layer_sizes [100], not [8]"),
        (GOOD, ("--held-out", 0.2), "cannot resume: the checkpoint has held_out 0.0, not 0.2"),
        (GOOD.replace("1,2,u", "1,3,u", 1), (), "is not the table trained on"),
        (GOOD + "1,2,u\n" * 5, (), "rows, but the table trained on"),
        (GOOD.replace("a,b,y", "a,c,y"), (), "has no column 'b'; it has 'a', 'c', 'y'"),
    ],
)
def test_resume_with_something_else(train, named, content, options, message) -> None:
    before = named.read_bytes()
    result = train(content, "--resume", *options)
    assert (result.status, result.out) == (1, "")
    assert message in result.message
    assert named.read_bytes() == before


def test_a_run_is_not_replaced_unless_that_is_said(train, named) -> None:
    result = train()
    assert result.status == 1
    assert "already holds a run: --resume it, --overwrite it, or name another with --out" in result.message
    assert train(GOOD, "--overwrite").status == 0
