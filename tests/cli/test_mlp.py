"""`portnn mlp`: train on tables, predict, evaluate, go on."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal

import numpy as np
import pytest

import portnn as library
from portnn.batches import RowBatches
from portnn.checkpoints import load_checkpoint
from portnn.datasets import spiral
from portnn.training import read_metrics

pytestmark = pytest.mark.host

LABELS = ("oak", "elm", "fir")


def write(path, head, rows, delimiter=",") -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([head, *rows] if head else rows)


@pytest.fixture
def trees(tmp_path):
    """Three classes far apart, as a CSV file with a header."""
    rng = np.random.default_rng(4)
    rows = [
        [*(rng.normal(size=2) + 5 * (n % 3) * np.asarray([1, -1])).round(3).tolist(), LABELS[n % 3]] for n in range(60)
    ]
    write(tmp_path / "trees.csv", ["width", "height", "kind"], rows)
    return tmp_path / "trees.csv"


@pytest.fixture
def train(portnn, trees, tmp_path, monkeypatch):
    """Train on the trees, or on a file that is given first, without drawing."""
    monkeypatch.setattr("portnn.cli.mlp.report.draw_curve", lambda *_, **__: (False, "not drawn"))

    def call(*arguments):
        files = [] if arguments and not str(arguments[0]).startswith("-") else [trees]
        return portnn("mlp", "train", *files, "--out", tmp_path / "run", "--recipe", "table", *arguments)

    return call


def facts(folder):
    return load_checkpoint(folder.last)[1]


def test_train_predict_evaluate(train, portnn, folder, trees, tmp_path) -> None:
    result = train()
    assert result.status == 0
    assert "relu layers of 50, 50 units on numpy (cpu, float32): classification, " in result.err
    report = dict(line.split(None, 1) for line in result.out.replace("loss curve", "loss_curve").splitlines())
    assert report["learned"].endswith("accuracy 1.0000 on 6 held-out rows, by which best.safetensors was chosen")
    assert "rows/s over" in report["speed"]
    assert report["predict"] == f"portnn mlp predict {folder.best} {trees}"
    command = shlex.split(report["predict"])[1:]
    predicted = portnn(*command)
    with trees.open() as file:
        kinds = [row["kind"] for row in csv.DictReader(file)]
    assert (predicted.status, predicted.err) == (0, "")
    assert predicted.out.splitlines() == ["prediction", *kinds]
    rows = list(csv.DictReader(portnn(*command, "--proba").out.splitlines()))
    assert list(rows[0]) == ["prediction", "p_elm", "p_fir", "p_oak"]
    for row in rows:
        shares = {label: float(row[f"p_{label}"]) for label in LABELS}
        assert max(shares, key=shares.get) == row["prediction"]
        assert sum(shares.values()) == pytest.approx(1.0, abs=2e-6)
    written = portnn(*command, "--out", tmp_path / "p.csv")
    assert (written.status, written.out) == (0, "")
    assert (tmp_path / "p.csv").read_text() == predicted.out
    again = portnn(*command, "--out", tmp_path / "p.csv")
    assert (again.status, again.message) == (
        1,
        f"{tmp_path / 'p.csv'} already exists: --overwrite it, or name another file",
    )
    assert portnn(*command, "--out", tmp_path / "p.csv", "--overwrite").status == 0
    evaluated = portnn("mlp", "evaluate", folder.best, trees, "--confusion")
    assert evaluated.out.splitlines()[0].endswith("nats, accuracy 1.0000 on 60 rows")
    assert [line.split() for line in evaluated.out.splitlines()[2:]] == [
        ["elm", "fir", "oak"],
        ["elm", "20", "0", "0"],
        ["fir", "0", "20", "0"],
        ["oak", "0", "0", "20"],
    ]


def test_json(train, portnn, folder, trees) -> None:
    found = json.loads(train("--json", "--epochs", 4).out)
    assert (found["rows"], found["measured_on"], found["best_checkpoint"]) == (6, "held-out", str(folder.best))
    model = library.load(folder.best)
    again = json.loads(portnn("mlp", "predict", folder.best, trees, "--proba", "--json").out)
    assert again["classes"] == ["elm", "fir", "oak"]
    assert np.shape(again["probabilities"]) == (60, 3)
    measured = json.loads(portnn("mlp", "evaluate", folder.best, trees, "--confusion", "--json").out)
    right = np.mean(np.asarray(again["predictions"]) == np.asarray(LABELS * 20))
    assert measured["accuracy"] == pytest.approx(right)
    assert np.trace(measured["confusion"]) == round(right * 60)
    assert model.layout.feature_names == ("width", "height")


def test_the_reported_score_is_of_rows_that_were_not_trained_on(train, folder, tmp_path, trees) -> None:
    found = json.loads(train("--json", "--epochs", 30, "--patience", "none").out)
    lowest = min(line["held_out_loss"] for line in read_metrics(folder.metrics) if line["held_out_loss"] is not None)
    assert found["loss"] == pytest.approx(lowest, rel=1e-6)


def test_without_a_file_it_trains_on_a_spiral(portnn, folder, train) -> None:
    result = portnn("mlp", "train", "--out", folder.path, "--epochs", 3)
    assert result.status == 0
    assert "classification, a spiral" in result.err
    command = shlex.split(result.out.splitlines()[-1].partition(" ")[2])
    assert len(portnn(*command[1:]).out.splitlines()) == 301
    with (folder.path / "spiral.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [[float(row["x"]), float(row["y"])] for row in rows] == spiral()[0].tolist()
    assert portnn("mlp", "train", "--out", folder.path, "--resume", "--epochs", 4).status == 0


@pytest.mark.parametrize("scale", [1e-3, 1e5])
def test_a_regression_of_any_scale(train, portnn, folder, tmp_path, scale) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 3))
    y = scale * (x @ [1.0, -2.0, 0.5] + 7.0)
    write(tmp_path / "r.csv", None, np.column_stack([y, x]).tolist())
    result = train(tmp_path / "r.csv", "--target", 1, "--hidden", "none", "--epochs", 60, "--learning-rate", 0.02)
    assert "a linear model on" in result.err
    assert ": regression, " in result.err
    assert float(result.out.split("R2 ")[1].split()[0]) > 0.999
    evaluated = json.loads(portnn("mlp", "evaluate", folder.best, tmp_path / "r.csv", "--json").out)
    predicted = np.asarray(
        json.loads(portnn("mlp", "predict", folder.best, tmp_path / "r.csv", "--json").out)["predictions"]
    )
    assert evaluated["r2"] == pytest.approx(1 - np.var(predicted - y) / np.var(y), abs=1e-3)
    np.testing.assert_allclose(predicted, y, atol=0.2 * scale)


def test_several_targets(train, portnn, folder, tmp_path) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(80, 2))
    rows = np.column_stack([x, x @ [[1.0, 2.0], [3.0, -1.0]]]).tolist()
    write(tmp_path / "r.csv", ["a", "b", "u", "v"], rows)
    assert train(tmp_path / "r.csv", "--target", "v,u", "--epochs", 5).status == 0
    lines = portnn("mlp", "predict", folder.best, tmp_path / "r.csv").out.splitlines()
    assert (lines[0], len(lines)) == ("v,u", 81)
    assert "R2" in portnn("mlp", "evaluate", folder.best, tmp_path / "r.csv").out


@pytest.mark.parametrize(
    ("values", "options", "task"),
    [
        (["u", "v"] * 10, (), "classification"),
        ([0, 1] * 10, (), "classification"),
        (["0.0", "1.0"] * 10, (), "classification"),
        ([0, 1.5] * 10, (), "regression"),
        (list(range(20)), (), "regression"),
        ([*range(21)] * 3, (), "regression"),
        ([*range(20)] * 2, (), "classification"),
        ([0, 1] * 10, ("--task", "regression"), "regression"),
        ([0, 1.5] * 10, ("--task", "classification"), "classification"),
    ],
)
def test_the_task_follows_from_the_target(train, tmp_path, values, options, task) -> None:
    write(tmp_path / "t.csv", ["a", "y"], [[n, value] for n, value in enumerate(values)])
    assert f": {task}, " in train(tmp_path / "t.csv", "--steps", 1, *options).err


def test_whole_numbers_are_predicted_as_such(train, portnn, folder, tmp_path) -> None:
    write(tmp_path / "t.csv", ["a", "y"], [[n % 2, 3 + n % 2] for n in range(40)])
    train(tmp_path / "t.csv", "--epochs", 40)
    assert portnn("mlp", "predict", folder.best, tmp_path / "t.csv").out.splitlines()[:3] == ["prediction", "3", "4"]
    assert "accuracy 1.0000" in portnn("mlp", "evaluate", folder.best, tmp_path / "t.csv").out


@pytest.mark.parametrize(
    ("labels", "options"),
    [
        (("1e+20", "2e+20"), ()),
        (("1.123456789", "1.123456788"), ("--task", "classification")),
        (("1", "2", "3", "x"), ("--task", "classification")),
    ],
)
def test_class_labels_are_predicted_in_full(train, portnn, folder, tmp_path, labels, options) -> None:
    count = len(labels)
    write(tmp_path / "t.csv", ["a", "y"], [[n % count - 1, labels[n % count]] for n in range(40 * count)])
    settings = ("--epochs", 60, "--dtype", "float64", "--learning-rate", 0.02)
    assert train(tmp_path / "t.csv", *settings, *options).status == 0
    result = portnn("mlp", "predict", folder.best, tmp_path / "t.csv", "--proba").out.splitlines()
    assert result[0].split(",")[1:] == [f"p_{label}" for label in sorted(labels)]
    assert [line.split(",")[0] for line in result[1 : count + 1]] == list(labels)
    assert "accuracy 1.0000" in portnn("mlp", "evaluate", folder.best, tmp_path / "t.csv").out
    assert train(tmp_path / "t.csv", "--resume", "--epochs", 61).status == 0


def test_npz(train, portnn, folder, tmp_path) -> None:
    x, y = spiral(20)
    np.savez(tmp_path / "t.npz", points=x, arms=y)
    assert train(tmp_path / "t.npz", "--x-name", "points", "--y-name", "arms", "--steps", 3).status == 0
    # The names of the arrays, too, are kept.
    assert len(portnn("mlp", "predict", folder.last, tmp_path / "t.npz").out.splitlines()) == 61
    assert "on 60 rows" in portnn("mlp", "evaluate", folder.last, tmp_path / "t.npz").out
    write(tmp_path / "t.csv", ["a", "b", "c"], np.column_stack([x, y]).tolist())
    assert "on 60 rows" in portnn("mlp", "evaluate", folder.last, tmp_path / "t.csv").out


def test_columns_are_found_by_name_or_by_order(train, portnn, folder, trees, tmp_path) -> None:
    train("--epochs", 2)
    with trees.open() as file:
        rows = list(csv.DictReader(file))
    expected = portnn("mlp", "predict", folder.last, trees).out
    for name, head, columns in (
        ("order.csv", True, ["height", "kind", "width"]),
        ("more.csv", True, ["kind", "width", "height"]),
        ("bare.csv", True, ["width", "height"]),
        ("headless.csv", False, ["width", "height"]),
        ("whole.csv", False, ["width", "height", "kind"]),
    ):
        write(tmp_path / name, columns if head else None, [[row[c] for c in columns] for row in rows], ";")
        assert portnn("mlp", "predict", folder.last, tmp_path / name).out == expected, name


def test_what_had_to_be_said_to_read_a_file_is_kept(train, portnn, folder, tmp_path) -> None:
    (tmp_path / "t.csv").write_bytes("größe_art\n1_ä\n2_ö\n".replace("2_ö\n", "2_ö\n1_ä\n" * 5).encode("latin-1"))
    assert train(tmp_path / "t.csv", "--encoding", "latin-1", "--delimiter", "_", "--epochs", 2).status == 0
    assert portnn("mlp", "predict", folder.last, tmp_path / "t.csv").status == 0
    assert train(tmp_path / "t.csv", "--resume", "--epochs", 3).status == 0


def test_every_setting_reaches_the_run(train, folder) -> None:
    options = {
        "hidden": "7,5",
        "activation": "tanh",
        "l2": 0.01,
        "dropout": 0.25,
        "class-weight": "balanced",
        "optimizer": "rmsprop",
        "learning-rate": 0.004,
        "schedule": "cosine",
        "batch-size": 9,
        "steps": 6,
        "held-out": 0.2,
        "patience": 4,
        "evaluate-every": 2,
        "checkpoint-every": 3,
        "dtype": "float64",
        "seed": 5,
    }
    assert train(*(part for name, value in options.items() for part in (f"--{name}", value))).status == 0
    found = facts(folder)
    assert found["model"] == {
        "sizes": [2, 7, 5, 3],
        "activation": "tanh",
        "objective": "cross_entropy",
        "l2": 0.01,
        "dropout": 0.25,
    }
    assert found["settings"]["class_weight"] == "balanced"
    assert found["settings"]["seed"] == 5
    assert found["scaling"] is not None
    assert found["dtype"] == "float64"
    fit = found["fit"]
    assert fit["optimizer"]["name"] == "rmsprop"
    assert {
        name: fit[name]
        for name in (
            "learning_rate",
            "schedule",
            "batch_size",
            "steps",
            "held_out",
            "patience",
            "evaluate_every",
            "checkpoint_every",
        )
    } == {
        name.replace("-", "_"): options[name]
        for name in (
            "learning-rate",
            "schedule",
            "batch-size",
            "steps",
            "held-out",
            "patience",
            "evaluate-every",
            "checkpoint-every",
        )
    }
    assert train("--no-standardize", "--steps", 1, "--overwrite").status == 0
    assert facts(folder)["scaling"] is None


def test_a_run_that_goes_on_ends_where_one_in_one_go_does(train, folder, tmp_path) -> None:
    settings = ("--dropout", 0.2, "--hidden", 6, "--dtype", "float64", "--patience", "none", "--held-out", 0.2)
    train(*settings, "--epochs", 4)
    assert train("--resume", "--epochs", 9).status == 0
    train(*settings, "--epochs", 9, "--out", tmp_path / "straight")
    arrays, straight = (load_checkpoint(path)[0] for path in (folder.last, tmp_path / "straight" / "last.safetensors"))
    assert arrays.keys() == straight.keys()
    assert all(arrays[name].tobytes() == straight[name].tobytes() for name in arrays)


def test_a_run_with_weighted_classes_that_python_began_goes_on(portnn, train, folder, tmp_path) -> None:
    x, y = np.arange(40.0)[:, None] % 2, np.arange(40) % 2
    model = library.MLP((4,), class_weight={0: 1.0, 1: 3.0})
    model.fit(x, y, steps=2, batch_size=8, out=folder.path, progress=False)
    write(tmp_path / "t.csv", None, np.column_stack([x[:, 0], y]).tolist())
    result = train(tmp_path / "t.csv", "--resume", "--steps", 4)
    assert (result.status, facts(folder)["run"]["step"]) == (0, 4), result.err
    assert facts(folder)["settings"]["class_weight"] == [[0, 1.0], [1, 3.0]]


def test_patience_ends_a_run_and_says_so(train, folder) -> None:
    result = train("--patience", 1, "--evaluate-every", 1, "--learning-rate", 0.05, "--epochs", 100)
    assert "ended       by --patience: no lower loss in the last 1 measurement; --resume with a larger" in result.out
    steps = facts(folder)["run"]["step"]
    assert steps < facts(folder)["fit"]["steps"]
    assert train("--resume", "--patience", "none", "--steps", steps + 2).status == 0
    assert facts(folder)["run"]["step"] == steps + 2


def test_a_small_table_is_not_measured_after_every_blink() -> None:
    def steps(batches, epochs):
        return library.MLP.RUN(patience=5).cadence(batches, batches * epochs)["evaluate_every"]

    assert steps(2, 100) == 50
    assert steps(2, 20_000) == 200  # 200 measurements of a long run
    assert steps(28_125, 200) == 28_125
    assert steps(2, 1) == 50


def test_a_signal_saves_first(train, folder, monkeypatch) -> None:
    make_batch = RowBatches.at

    def strike(self, position):
        if position == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return make_batch(self, position)

    monkeypatch.setattr(RowBatches, "at", strike)
    result = train("--epochs", 100)
    assert (result.status, result.out) == (130, "")
    assert result.message == "stopped by SIGINT after step 4; --resume continues from there"
    monkeypatch.undo()
    assert facts(folder)["run"]["step"] == 4


def test_the_folder_of_a_run_is_its_best_checkpoint(portnn, train, trees, tmp_path) -> None:
    assert train("--epochs", 3).status == 0
    file = tmp_path / "run" / "best.safetensors"
    for command in ("predict", "evaluate"):
        named, folder = (portnn("mlp", command, given, trees) for given in (file, tmp_path / "run"))
        assert (folder.out, folder.err) == (named.out, f"checkpoint {file}\n")
