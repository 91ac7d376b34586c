"""`portnn text-classifier`: train on sentences and files, ask, evaluate, go on."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import portnn as library
from portnn.checkpoints import load_checkpoint
from portnn.cli.confusion import print_answers
from portnn.cli.text_classifier.asked_texts import piped
from portnn.datasets import sentiment_sentences
from portnn.training import read_metrics

pytestmark = pytest.mark.host

ROOT = Path(__file__).resolve().parents[2]
MAIN = (sys.executable, "-c", "from portnn.cli import main; main()")
REVIEWS = [("good film", "pos"), ("bad film", "neg"), ("not good at all", "neg"), ("not bad", "pos")] * 8
SMALL = ("--hidden-size", 8, "--embedding-size", 6, "--batch-size", 4, "--epochs", 30, "--learning-rate", 0.03)


def write(path, rows, head=None) -> Path:
    path.write_text("".join("\t".join(row) + "\n" for row in [*([head] if head else []), *rows]), encoding="utf-8")
    return path


@pytest.fixture
def reviews(tmp_path):
    return write(tmp_path / "reviews.tsv", REVIEWS)


@pytest.fixture
def train(portnn, reviews, tmp_path, monkeypatch):
    """Train on the reviews, or on files that are given first, without drawing."""
    monkeypatch.setattr("portnn.cli.text_classifier.report.draw_curve", lambda *_, **__: (False, "not drawn"))

    def call(*arguments):
        files = [] if arguments and not str(arguments[0]).startswith("-") else [reviews]
        return portnn("text-classifier", "train", *files, "--out", tmp_path / "run", *SMALL, *arguments)

    return call


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model that has learned the reviews."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    texts, labels = zip(*REVIEWS, strict=True)
    model = library.TextClassifier(hidden_size=8, embedding_size=6, seed=1)
    model.fit(list(texts), list(labels), epochs=40, batch_size=4, learning_rate=0.03, progress=False).save(path)
    return path


@pytest.fixture
def ask(portnn, model, monkeypatch):
    """Ask the model, with bytes at standard input if there are any."""

    def call(*arguments, stdin=None):
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        return portnn("text-classifier", "predict", model, *arguments)

    return call


def reported(result):
    return dict(line.split(None, 1) for line in result.out.replace("loss curve", "loss_curve").splitlines())


def test_train_predict_evaluate(train, portnn, folder, reviews) -> None:
    result = train()
    assert result.status == 0
    assert f"lstm, 8 units, words of 6 entries on numpy (cpu, float32): {reviews}" in result.err
    report = reported(result)
    # A tenth is held out unless that is said, so that there is a best checkpoint.
    assert report["learned"].endswith("accuracy 1.0000 on 3 held-out texts, by which best.safetensors was chosen")
    assert "texts/s over" in report["speed"]
    assert report["predict"] == f"portnn text-classifier predict {folder.best}"
    predicted = portnn(*shlex.split(report["predict"])[1:], "not bad", "not good at all")
    assert (predicted.status, predicted.err) == (0, "")
    rows = [line.split("\t") for line in predicted.out.splitlines()]
    assert [(row[0], row[2]) for row in rows] == [("pos", "not bad"), ("neg", "not good at all")]
    assert all(0.5 < float(row[1]) <= 1.0 for row in rows)
    evaluated = portnn(*shlex.split(report["evaluate"])[1:])
    assert evaluated.out.splitlines()[0].endswith("nats, accuracy 1.0000 on 32 texts")
    assert [line.split() for line in evaluated.out.splitlines()[2:]] == [
        ["neg", "pos"],
        ["neg", "16", "0"],
        ["pos", "0", "16"],
    ]


def test_json_says_what_the_model_says(train, portnn, folder, reviews) -> None:
    result = json.loads(train("--json", "--test", reviews, "--epochs", 2).out)
    assert (result["texts"], result["measured_on"], result["best_checkpoint"]) == (3, "held-out", str(folder.best))
    model = library.load(folder.best)
    texts, labels = map(list, zip(*REVIEWS, strict=True))
    evaluation = model.evaluate(texts, labels)
    expected = {"loss": pytest.approx(evaluation.loss), "accuracy": evaluation.score, "texts": 32}
    assert result["test"] == {**expected, "file": str(reviews)}
    found = json.loads(portnn("text-classifier", "evaluate", folder.best, reviews, "--confusion", "--json").out)
    counts = found.pop("confusion")
    assert found == {**expected, "classes": ["neg", "pos"]}
    predicted = model.predict(texts)
    expected_counts = [[sum((t, p) == pair for t, p in zip(labels, predicted, strict=True)) for pair in row]
                       for row in ((("neg", "neg"), ("neg", "pos")), (("pos", "neg"), ("pos", "pos")))]  # fmt: skip
    assert counts == expected_counts


def test_without_a_file_it_learns_sentences_that_portnn_makes(portnn, train, folder) -> None:
    result = portnn("text-classifier", "train", "--out", folder.path, "--epochs", 24)
    assert result.status == 0
    assert "recipe quick: cell lstm" in result.err
    assert "short sentences that portnn makes" in result.err
    measured = [line for line in result.err.splitlines() if line.startswith("  | epoch")]
    assert [line.split()[2] for line in measured] == [f"{2 * n}:" for n in range(1, 13)]
    report = reported(result)
    accuracy = float(report["learned"].split("accuracy ")[1].split()[0])
    assert accuracy >= 0.95
    assert "accuracy 1.0000 on 112 training texts" in result.out
    for name, sentences in zip(("train.tsv", "test.tsv"), sentiment_sentences(), strict=True):
        lines = (folder.path / name).read_text().splitlines()
        assert [line.split("\t") for line in lines] == [
            [text, str(label)] for text, label in zip(sentences.texts, sentences.labels, strict=True)
        ]
    answer = portnn(*shlex.split(report["predict"])[1:])
    assert answer.out.split("\t")[0] == "1"
    assert answer.out.endswith("not bad at all\n")
    assert f"accuracy {accuracy:.4f} on 40 texts" in portnn(*shlex.split(report["evaluate"])[1:]).out
    assert portnn("text-classifier", "train", "--out", folder.path, "--resume", "--epochs", 25).status == 0


def test_the_plain_recipe_measures_ten_times(portnn, train, folder) -> None:
    result = portnn("text-classifier", "train", "--out", folder.path, "--recipe", "plain", "--epochs", 10)
    assert "rnn, 64 units, one-hot words on numpy" in result.err
    measured = [line for line in result.err.splitlines() if line.startswith("  | epoch")]
    assert len(measured) == 10
    assert measured[0].startswith("  | epoch 1: training loss 0.69")
    assert "; held-out 0.69" in measured[0]


def test_measurements_do_not_change_the_run(train, folder) -> None:
    train("--epochs", 3)
    before = load_checkpoint(folder.last)[0]
    result = train("--epochs", 3, "--measure-every", 2, "--overwrite")
    assert sum(line.startswith("  | epoch 2: ") for line in result.err.splitlines()) == 1
    after = load_checkpoint(folder.last)[0]
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_every_setting_reaches_the_run(portnn, train, reviews, folder) -> None:
    options = {
        "cell": "gru", "num-layers": 2, "pooling": "mean", "dropout": 0.1, "word-dropout": 0.2, "min-count": 2,
        "max-length": 3, "optimizer": "rmsprop", "steps": 5, "clip-value": 0.5, "seed": 3, "patience": 2,
    }  # fmt: skip
    small = ("--hidden-size", 4, "--embedding-size", 3)
    flags = ("--bidirectional", "--keep-case", "--dtype", "float64")
    given = [part for name, value in options.items() for part in (f"--{name}", value)]
    assert portnn("text-classifier", "train", reviews, "--out", folder.path, *flags, *small, *given).status == 0
    facts = load_checkpoint(folder.last)[1]
    found = {**facts["settings"], **facts["fit"]}
    assert {name: found[name.replace("-", "_")] for name in options if name != "optimizer"} == {
        name: value for name, value in options.items() if name != "optimizer"
    }
    assert (found["bidirectional"], found["lowercase"], facts["dtype"]) == (True, False, "float64")


def test_the_columns_are_remembered(train, portnn, folder, tmp_path) -> None:
    rows = [(label, text, str(number)) for number, (text, label) in enumerate(REVIEWS)]
    file = write(tmp_path / "t.tsv", rows, ("verdict", "words", "number"))
    columns = ("--text", "words", "--label", 1)
    assert train(file, *columns, "--epochs", 2).status == 0
    head = ("number", "words", "verdict")
    other = write(tmp_path / "o.tsv", [(row[2], row[1], row[0]) for row in rows], head)
    results = [portnn("text-classifier", "evaluate", folder.best, each) for each in (file, other)]
    assert results[0].status == 0
    assert results[0] == results[1]
    assert train(file, "--resume", "--epochs", 3).status == 0
    third = write(tmp_path / "x.tsv", [row[1:] + row[:1] for row in rows])
    stated = portnn("text-classifier", "evaluate", folder.best, third, "--text", 1, "--label", 3)
    assert stated.status == 0


def test_a_folder_of_classes_and_a_file_held_out(train, portnn, folder, reviews, tmp_path) -> None:
    for number, (text, label) in enumerate(REVIEWS):
        (tmp_path / "films" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "films" / label / f"{number}.txt").write_text(text)
    result = train(tmp_path / "films", "--held-out", reviews, "--epochs", 2)
    assert "on 32 held-out texts, by which" in result.out
    assert portnn(*shlex.split(reported(result)["evaluate"])[1:]).status == 0
    forgotten = train(tmp_path / "films", "--resume", "--epochs", 3)
    assert (forgotten.status, forgotten.message) == (
        1,
        "the run to resume measures held-out texts of a file: name it with --held-out",
    )
    assert train(tmp_path / "films", "--held-out", reviews, "--resume", "--epochs", 3).status == 0


def test_a_resumed_run_is_the_run_it_would_have_been(train, folder) -> None:
    train("--epochs", 4)
    whole = load_checkpoint(folder.last)[0]
    train("--epochs", 2, "--overwrite")
    resumed = train("--epochs", 4, "--resume")
    assert "resuming the run in" in resumed.err
    after = load_checkpoint(folder.last)[0]
    assert all(np.array_equal(whole[name], after[name]) for name in whole)
    steps = [line["step"] for line in read_metrics(folder.metrics)]
    assert steps == sorted(set(steps))


def test_vectors_settle_the_width_and_may_stay_as_they_are(train, portnn, folder, reviews, tmp_path) -> None:
    wv = library.KeyedVectors(["good", "bad", "unheard"], np.arange(15.0).reshape(3, 5))
    wv.save_word2vec_format(tmp_path / "v.txt")
    wv.save(tmp_path / "v.safetensors")
    for name in ("v.txt", "v.safetensors"):
        out = tmp_path / f"run-{name}"
        options = ("--hidden-size", 4, "--epochs", 1, "--vectors", tmp_path / name, "--frozen-embedding")
        result = portnn("text-classifier", "train", reviews, "--out", out, *options)
        assert result.status == 0
        assert "words of 5 entries" in result.err
        assert "vectors: 2 of 6 words start with one" in result.err
        model = library.load(out)
        for word in ("good", "bad"):
            row = model.params["embedding.weight"][model.vocabulary.index[word]]
            assert row.tolist() == wv[word].tolist()


def test_several_labels_at_once(train, portnn, folder, tmp_path) -> None:
    rows = [("good film", "pos,film"), ("bad", "neg"), ("a film", "film"), ("", "")] * 6
    file = write(tmp_path / "t.tsv", rows)
    result = train(file, "--multi-label", "--epochs", 60, "--held-out", 0)
    assert "on 24 training texts" in result.out
    predicted = portnn("text-classifier", "predict", folder.last, "good film", "bad", "", "--proba")
    table = [line.split("\t") for line in predicted.out.splitlines()]
    assert table[0] == ["label", "probability", "p_film", "p_neg", "p_pos", "text"]
    assert [(row[0], row[-1]) for row in table[1:]] == [("film,pos", "good film"), ("neg", "bad"), ("", "")]
    assert [len(row[1].split(",")) for row in table[1:3]] == [2, 1]
    evaluated = portnn("text-classifier", "evaluate", folder.last, file, "--confusion")
    assert [line.split() for line in evaluated.out.splitlines()[1:]] == [
        ["label", "found", "missed", "wrong", "rightly", "not"],
        ["film", "12", "0", "0", "12"],
        ["neg", "6", "0", "0", "18"],
        ["pos", "6", "0", "0", "18"],
    ]
    found = json.loads(portnn("text-classifier", "evaluate", folder.last, file, "--confusion", "--json").out)
    assert found["confusion"][0] == [[12, 0], [0, 12]]
    answers = json.loads(portnn("text-classifier", "predict", folder.last, "good film", "--json").out)
    assert answers[0]["labels"] == ["film", "pos"]


def test_counts_of_answers_stand_under_their_names(capsys) -> None:
    print_answers(["film", "a"], np.asarray([[[4, 2], [1, 3]], [[0, 10], [20, 30]]]))
    assert capsys.readouterr().out.splitlines() == [
        "label  found  missed  wrong  rightly not",
        " film      3       1      2            4",
        "    a     30      20     10            0",
    ]


def test_answers_as_json(ask, model) -> None:
    texts = ["not bad", "zzz good\tfilm", "größe"]
    answers = json.loads(ask("--json", "--proba", *texts).out)
    known = library.load(model)
    probabilities = known.predict_proba(texts)
    assert [answer["text"] for answer in answers] == texts
    assert [answer["label"] for answer in answers] == known.predict(texts).tolist()
    assert [list(answer["probabilities"].values()) for answer in answers] == pytest.approx(probabilities, abs=1e-6)
    assert [answer["unknown_words"] for answer in answers] == [[], ["zzz"], ["größe"]]
    assert json.loads(ask("--json", stdin=b"").out) == []


def test_lines_of_standard_input_are_answered_one_by_one(ask) -> None:
    expected = ask("not bad", "bad film", "good film")
    assert expected.out.count("\n") == 3
    for content in (
        b"not bad\nbad film\ngood film\n",
        b"not bad\r\nbad film\r\ngood film",
        b"\xef\xbb\xbfnot bad\nbad film\ngood film\n",
    ):
        result = ask(stdin=content)
        assert (result.status, result.out) == (0, expected.out)
    assert ask("-", "--encoding", "utf-16", stdin="not bad\nbad film\ngood film".encode("utf-16")).out == expected.out


def test_lines_are_answered_as_soon_as_they_come(monkeypatch) -> None:
    class Slow(io.BytesIO):
        """A pipe that a few bytes come through at a time."""

        def read1(self, size=-1):
            return super().read1(min(size, 4))

    class Stdin:
        buffer = Slow("é\nb\nlängst\nend".encode())

    monkeypatch.setattr(sys, "stdin", Stdin())
    assert list(piped("utf-8")) == [["é"], ["b"], ["längst"], ["end"]]


def test_each_word_has_its_part(ask, model) -> None:
    lines = ask("--explain", "not bad").out.splitlines()
    explanation = library.load(model).explain("not bad")
    assert lines[0].startswith("pos\t")
    assert lines[1].split() == ["word", "part", "p(pos)"]
    for line, word, part, probability in zip(
        lines[2:], explanation.tokens, explanation.contributions, explanation.probabilities[:, 1], strict=True
    ):
        cells = line.split()
        assert cells[0] == word
        assert float(cells[1]) == pytest.approx(part, abs=5e-4)
        assert float(cells[-1]) == pytest.approx(probability, abs=5e-5)
        left, right = "".join(cells[2:-1]).split("|")
        assert bool(right) <= (part > 0)
        assert bool(left) <= (part < 0)
    record = json.loads(ask("--explain", "--json", "not bad").out)[0]
    assert [each["part"] for each in record["words"]] == pytest.approx(explanation.contributions)


def test_a_text_is_drawn(ask, tmp_path) -> None:
    result = ask("not bad", "--plot", tmp_path / "p.svg")
    assert (result.status, result.err) == (0, f"picture {tmp_path / 'p.svg'}\n")
    assert (tmp_path / "p.svg").read_text().startswith("<?xml")


def test_a_pipe_that_is_closed_ends_it_quietly(model) -> None:
    command = [*MAIN, "text-classifier", "predict", str(model)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PORTNN_TUNE": "0"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        process.stdin.write(b"not bad\n")
        process.stdin.flush()
        assert process.stdout.readline().startswith(b"pos\t")  # before the input has ended
        process.stdout.close()
        process.stdin.write(b"not bad\n" * 9)
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 1
