"""The examples run unchanged, with few steps."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.host


def run(name: str, *arguments: str, cwd: Path, timeout: float = 120) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_char_rnn(tmp_path):
    printed = run("char_rnn.py", "5", cwd=tmp_path)
    assert printed.startswith("The ")
    assert "Evaluation(nats=" in printed
    assert not list(tmp_path.iterdir())


def test_min_char_rnn_learns(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("hello world, " * 200, encoding="utf-8")
    printed = run("min_char_rnn.py", "300", str(text), cwd=tmp_path)
    losses = [float(line.split("smoothed loss ")[1].split()[0]) for line in printed.splitlines() if "smoothed" in line]
    assert len(losses) == 4
    assert losses[-1] < 0.9 * losses[0]
    assert "----" in printed


def test_min_char_rnn_is_the_recipe(tmp_path):
    """The first loss is that of an almost uniform distribution, which the small weights of the recipe give."""
    text = tmp_path / "text.txt"
    text.write_text("abcdefgh" * 40, encoding="utf-8")
    printed = run("min_char_rnn.py", "0", str(text), cwd=tmp_path)
    assert "step 0, smoothed loss 51.986 nats per 25 characters" in printed


def test_captions_are_right(tmp_path):
    """Both networks in full, as long as their recipes train them."""
    printed = run("captions.py", cwd=tmp_path, timeout=600)
    assert float(printed.split("read right: ")[1].split()[0]) >= 0.985
    word_by_word = printed.split("word by word: ")[1].split()[0]
    assert float(word_by_word) >= 0.93
    assert all((tmp_path / name).stat().st_size > 10_000 for name in ("captions.png", "looks.png"))


def test_text_classifier_learns_negation(tmp_path):
    printed = run("text_classifier.py", "400", cwd=tmp_path)
    lines = [line.replace(";", ",").split(", ") for line in printed.splitlines()]
    assert [words[0].split(":")[0] for words in lines] == [f"epoch {epoch}" for epoch in (0, 100, 200, 300, 400)]
    losses = [float(words[0].split()[-1]) for words in lines]
    assert losses[-1] < 0.05 < 0.65 < losses[1]
    train, test = (float(words.split()[-1]) for words in lines[-1][1::2])
    assert train == 1.0
    assert test >= 0.95


def test_text_classifier_is_the_recipe(tmp_path):
    """The weights of the recipe are so small that both classes are as probable, and its seed decides them."""
    ones = [run("text_classifier.py", "1", seed, cwd=tmp_path) for seed in ("0", "0", "1")]
    assert ones[0] == ones[1]
    assert all(line.startswith("epoch 0: train loss 0.6931, ") for line in ones)
    assert all("; test loss 0.6931, " in line for line in ones)


def test_scipy_reaches_a_lower_loss_than_as_many_steps_of_descent(tmp_path):
    lbfgs, sgd = run("scipy_minimize.py", cwd=tmp_path).splitlines()
    accuracies = [float(line.split("accuracy ")[1].split()[0]) for line in (lbfgs, sgd)]
    assert accuracies[0] > 0.95
    assert accuracies[1] < accuracies[0]


SUBJECTS = ("film", "soup")


def write_treebank(folder: Path, sentences: int = 400) -> None:
    """Sentences of two subjects in the files of the Stanford Sentiment Treebank; no word belongs to both subjects."""
    rng = np.random.default_rng(1)
    subjects = [[f"{subject}{number}" for number in range(40)] for subject in SUBJECTS]
    lines = []
    for number in range(sentences):
        one, two, three = rng.choice(subjects[number % 2], 3, replace=False)
        lines.append(f"{number + 1}\tThe {one} and a {two} but an ordinary {three} movie .")
    splits = [f"{number + 1},{number % 3 + 1}" for number in range(sentences)]
    for name, rows in (
        ("datasetSentences.txt", ["sentence_index\tsentence", *lines]),
        ("datasetSplit.txt", ["sentence_index,splitset_label", *splits]),
    ):
        (folder / name).write_text("\n".join(rows) + "\n", encoding="utf-8")


def test_word2vec_resumes_and_learns(tmp_path):
    write_treebank(tmp_path)

    def trained(steps: int, out: str) -> list[str]:
        common = ("--sample", "0.01", "--out", out, "--words", "the", "film1", "soup1")
        return run("word2vec_sst.py", str(tmp_path), "--steps", str(steps), *common, cwd=tmp_path).splitlines()

    def final(lines: list[str]) -> float:
        (line,) = [line for line in lines if line.startswith("smoothed cost of the exercise at its end")]
        return float(line.split()[-1])

    whole = trained(2000, "whole")
    costs = [float(line.split("smoothed cost ")[1].split()[0]) for line in whole if line.startswith("step")]
    assert len(costs) == 2
    first = json.loads((tmp_path / "whole" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert final(whole) == costs[-1] < 0.9 * first["loss"]
    near = {subject: [line.split()[-5:] for line in whole if line.startswith(f"{subject}1 ")] for subject in SUBJECTS}
    for subject, neighbours in near.items():  # of the exercise, and of Word2Vec
        assert [[word.rstrip("0123456789") for word in five] for five in neighbours] == [[subject] * 5] * 2
    for name in ("last.safetensors", "metrics.jsonl", "loss.png", "words.png"):
        assert (tmp_path / "whole" / name).stat().st_size > 0

    half = trained(1000, "parts")
    rest = trained(2000, "parts")
    assert not any(line.startswith("resuming") for line in whole + half)
    assert "resuming after step 1,000" in rest
    assert final(half) == costs[0]
    assert final(rest) == final(whole)


def test_sentiment_of_three_classes(tmp_path):
    """Words reveal the class, and so do mean vectors learned from the sentences."""
    rng = np.random.default_rng(1)
    feelings = (("dull", "flat", "weak"), ("plain", "fair", "fine"), ("great", "fresh", "moving"))
    for name, count in (("train.tsv", 300), ("held_out.tsv", 90)):
        rows = []
        for number in range(count):
            one, two = rng.choice(feelings[number % 3], 2, replace=False)
            rows.append(f"a {one} story , {two} to the end\t{number % 3}\n")
        (tmp_path / name).write_text("".join(rows), encoding="utf-8")
    sizes = ("--size", "10", "--epochs", "5")
    lines = run("sentiment_from_vectors.py", "train.tsv", "held_out.tsv", *sizes, cwd=tmp_path).splitlines()
    (line,) = [line for line in lines if line.startswith("held out: accuracy")]
    accuracy, majority = (float(words.split()[-1]) for words in line.split(", "))
    assert majority == 0.333
    assert accuracy > 0.9
    assert (tmp_path / "sentiment.png").stat().st_size > 0


@pytest.mark.parametrize("name", ["word2vec_sst.py", "sentiment_from_vectors.py"])
@pytest.mark.parametrize("arguments", [[], ["nowhere"]])
def test_missing_data_is_reported_in_one_line(name, arguments, tmp_path):
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())
