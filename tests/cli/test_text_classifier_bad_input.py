"""Bad input to `portnn text-classifier`: one clear line, the exit status, and nothing is lost."""

from __future__ import annotations

import io
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import portnn as library

pytestmark = pytest.mark.host

ROOT = Path(__file__).resolve().parents[2]
MAIN = (sys.executable, "-c", "from portnn.cli import main; main()")
GOOD = "good film\tpos\nbad film\tneg\nnot good\tneg\nnot bad\tpos\n" * 5
SMALL = ("--hidden-size", 4, "--embedding-size", 3, "--batch-size", 8, "--epochs", 2)


@pytest.fixture
def train(portnn, tmp_path, monkeypatch):
    """Train something small on a file with some content, without drawing."""
    monkeypatch.setattr("portnn.cli.text_classifier.report.draw_curve", lambda *_, **__: (False, "not drawn"))
    file = tmp_path / "t.tsv"

    def call(content, *arguments):
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return portnn("text-classifier", "train", file, "--out", tmp_path / "run", *SMALL, *arguments)

    return call


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    texts, labels = zip(*(line.split("\t") for line in GOOD.splitlines()), strict=True)
    model = library.TextClassifier(hidden_size=4, embedding_size=3, max_length=200)
    model.fit(list(texts), list(labels), steps=2, progress=False).save(path)
    return path


@pytest.fixture
def predict(portnn, checkpoint, monkeypatch):
    def call(*arguments, stdin=None):
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        return portnn("text-classifier", "predict", checkpoint, *arguments)

    return call


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (GOOD + "a line without\n" + GOOD, "line 21 has no tab; a line is text, tab, label"),
        ("a line without\n", "line 1 has no tab; a line is text, tab, label"),
        (GOOD + "a film\tpos\t1\n", "line 21 has three columns where 2 were expected"),
        (
            GOOD.replace("\n", "\t1\n"),
            "has three columns where two were expected: 1, 2, 3; say which hold texts and labels with --text and "
            "--label",
        ),
        (GOOD.replace("neg", "pos"), "every text has the label 'pos'; a classifier needs two or more"),
        (GOOD + "a film\t\n", "line 21: the label is missing"),
        ("".join(f"film {n}\tl{n}\n" for n in range(9)), "each of the 9 texts has a label of its own, such as 'l0'"),
        (GOOD.encode() + "café\tpos\n".encode("latin-1"), "line 21: byte 0xe9 is not utf-8; if it is text, state its "
         "--encoding (such as latin-1)"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_learned(train, folder, content, message) -> None:
    result = train(content)
    assert (result.status, result.out) == (1, "")
    assert message in result.message
    assert not folder.path.exists()


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (("--held-out", 2), 1, "held_out must be in [0, 1), got 2.0"),
        (("--held-out", "nowhere.tsv"), 1, "nowhere.tsv: No such file or directory"),
        (("--test", "nowhere.tsv"), 1, "nowhere.tsv: No such file or directory"),
        (("--vectors", "nowhere.txt"), 1, "nowhere.txt: No such file or directory"),
        (("--text", "title"), 1, "has no column 'title'"),
        (("--label", 3), 1, "has no column '3'; it has no header; its columns are numbered from 1 to 2"),
        (("--format", "xml"), 1, "format is 'xml'; expected one of jsonl, tsv, csv, folder"),
        (("--encoding", "klingon"), 1, "unknown encoding 'klingon'"),
        (("--recipe", "best"), 1, "unknown recipe 'best'; known: plain, quick"),
        (("--cell", "qrnn"), 1, "unknown cell 'qrnn'; known: gru, lstm, rnn"),
        (("--min-count", 99), 1, "min_count 99 drops every word; the most frequent one occurs 10 times"),
        (("--frozen-embedding", "--embedding-size", "none"), 1, "frozen_embedding needs an embedding"),
        (("--measure-every", -1), 2, "Invalid value for '--measure-every'"),
        (("--resume", "--overwrite"), 2, "--resume continues a run, --overwrite replaces it: give one of them"),
    ],
)
def test_a_setting_that_makes_no_sense(train, folder, options, status, message) -> None:
    result = train(GOOD, *options)
    assert (result.status, result.out) == (status, "")
    assert message in " ".join(result.err.split())
    assert not folder.path.exists()


def test_options_for_files_need_a_file(portnn, folder) -> None:
    result = portnn("text-classifier", "train", "--out", folder.path, "--label", "verdict")
    assert result.status == 2
    assert "--label says how to read a file, so give one too" in result.err


def test_a_label_that_occurs_once_is_said_and_learned(train) -> None:
    result = train(GOOD + "so so\tmeh\n", "--held-out", 0)
    assert result.status == 0
    assert "note: labels that occur only once: 'meh'\n" in result.err


@pytest.mark.parametrize(
    ("labels", "expected"),
    [(("0", "1"), [0, 1]), (("-1.5", "2.0"), [-1.5, 2.0]), (("007", "7"), ["007", "7"]), (("1", "1.0"), ["1", "1.0"])],
)
def test_labels_that_look_like_numbers_come_back_as_written(train, portnn, folder, tmp_path, labels, expected) -> None:
    result = train(GOOD.replace("neg", labels[0]).replace("pos", labels[1]), "--epochs", 60, "--learning-rate", 0.05)
    assert result.status == 0
    model = library.load(folder.best)
    assert model.labels.names == expected
    predicted = portnn("text-classifier", "predict", folder.best, "bad film", "good film").out
    assert [line.split("\t")[0] for line in predicted.splitlines()] == list(labels)
    assert "accuracy 1.0000" in portnn("text-classifier", "evaluate", folder.best, tmp_path / "t.tsv").out


@pytest.mark.parametrize("option", ["--held-out", "--test"])
def test_another_file_with_a_label_that_is_not_trained_on(train, folder, tmp_path, option) -> None:
    (tmp_path / "other.tsv").write_text("good film\tpos\nbad film\tawful\n")
    result = train(GOOD, option, tmp_path / "other.tsv")
    assert (result.status, result.out) == (1, "")
    assert result.message == (
        f"{tmp_path / 'other.tsv'}: line 2: training never saw the label 'awful'; the classes are 'neg', 'pos'"
    )
    assert not folder.path.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "good film\tpos\nbad film\tawful\n",
            "line 2: training never saw the label 'awful'; the classes are 'neg', 'pos'",
        ),
        ("", "is empty"),
        ("good film\n", "line 1 has no tab; a line is text, tab, label"),
        (b"caf\xe9\tpos\n", "line 1: byte 0xe9 is not utf-8"),
    ],
)
def test_a_file_that_cannot_be_evaluated(portnn, checkpoint, tmp_path, content, message) -> None:
    (tmp_path / "t.tsv").write_bytes(content if isinstance(content, bytes) else content.encode())
    result = portnn("text-classifier", "evaluate", checkpoint, tmp_path / "t.tsv", "--confusion")
    assert (result.status, result.out) == (1, "")
    assert message in result.message


@pytest.mark.parametrize("form", ["txt", "safetensors"])
def test_vectors_of_another_width(train, folder, tmp_path, form) -> None:
    wv = library.KeyedVectors(["good", "bad"], np.eye(2, 5))
    file = tmp_path / f"v.{form}"
    (wv.save if form == "safetensors" else wv.save_word2vec_format)(file)
    result = train(GOOD, "--vectors", file)
    assert (result.status, result.message) == (1, "the vectors have 5 entries, but embedding_size is 3")
    assert not folder.path.exists()


def test_vectors_of_other_words(train, tmp_path) -> None:
    library.KeyedVectors(["bon", "mauvais"], np.eye(2, 3)).save(tmp_path / "v.safetensors")
    result = train(GOOD, "--vectors", tmp_path / "v.safetensors")
    assert (result.status, result.message) == (1, "none of the 4 words has a vector; is it the same language?")


@pytest.mark.parametrize("text", [None, float("nan"), 3, b"film"])
def test_a_text_that_is_none(checkpoint, text) -> None:
    model, texts = library.load(checkpoint), ["good film", text]
    expected = f"each text must be a str, got {type(text).__name__} .* as text 1"
    for call in (model.predict, model.predict_proba, model.outputs):
        with pytest.raises(TypeError, match=expected):
            call(texts)
    for call in (model.score, model.fit):
        with pytest.raises(TypeError, match=expected):
            call(texts, ["pos", "neg"])


def test_texts_that_say_nothing_to_the_model(predict) -> None:
    result = predict("", "zzz qqq zzz", " ".join(["good"] * 10_000))
    assert result.status == 0
    assert len(result.out.splitlines()) == 3
    assert result.err.splitlines() == [
        "note: unknown words: zzz, qqq",
        "note: 1 of 3 texts have no words; an unknown word is read instead",
        "note: of 1 of 3 texts, only the first 200 words are read",
    ]
    assert predict("").err == "note: the text has no words; an unknown word is read instead\n"
    assert predict(" ".join(f"w{n}" for n in range(150))).err == (
        "note: unknown words: w0, w1, w2, w3, w4, w5, w6, w7, w8, w9 and 140 more\n"
    )
    assert predict("", "zzz").out.split("\t")[:2] == predict(stdin=b"\nzzz\n").out.split("\t")[:2]


def test_a_text_of_ten_thousand_words_is_learned_and_answered(train, portnn, folder) -> None:
    long = " ".join(["good", "film"] * 5_000)
    assert train(GOOD + f"{long}\tpos\n", "--epochs", 1, "--held-out", 0).status == 0
    result = portnn("text-classifier", "predict", folder.last, long, "--json", "--explain")
    assert json.loads(result.out)[0]["text"] == long
    assert result.err == "note: the text has more than 500 words, too many to explain\n"


def test_standard_input_that_is_not_text(predict) -> None:
    result = predict(stdin=b"good\nbad\ncaf\xe9\n")
    assert (result.status, result.message) == (
        1,
        "standard input, line 3: byte 0xe9 is not utf-8; state its --encoding (such as latin-1)",
    )
    assert predict("--encoding", "latin-1", stdin=b"caf\xe9\n").out.endswith("\tcafé\n")
    result = predict("--encoding", "klingon", stdin=b"good\n")
    assert (result.status, result.out) == (1, "")
    assert "unknown encoding 'klingon'" in result.message
    assert predict(stdin=b"") == (0, "", "")


def test_text_keeps_its_line(predict) -> None:
    assert predict("good\tfilm\nnot bad\r").out.endswith("\tgood film not bad \n")


def test_a_picture_of_several_texts_or_over_another(predict, tmp_path) -> None:
    (tmp_path / "p.png").write_text("mine")
    result = predict("good", "--plot", tmp_path / "p.png")
    assert (result.status, result.out) == (1, "")
    assert result.message == f"{tmp_path / 'p.png'} already exists: --overwrite it, or name another file"
    result = predict("good", "bad", "--plot", tmp_path / "p.png")
    assert result.status == 2
    assert "--plot draws one text: give one, got 2" in result.err


def test_a_checkpoint_of_another_kind(portnn, checkpoint, tmp_path) -> None:
    path = tmp_path / "model.safetensors"
    library.LinearRegression().fit(np.eye(2), [0.0, 1.0], steps=1, progress=False).save(path)
    for command in (("predict", path, "good"), ("evaluate", path, checkpoint)):
        result = portnn("text-classifier", *command)
        message = f"{path} is a checkpoint of LinearRegression, not of TextClassifier"
        assert (result.status, result.message) == (1, message)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (GOOD, ("--hidden-size", 5), "cannot resume: the checkpoint has hidden_size 4, not 5"),
        (GOOD, ("--held-out", 0.5), "cannot resume: the checkpoint has held_out 0.1, not 0.5"),
        (GOOD.replace("not good", "so good", 1), (), "is not the data trained on"),
        (GOOD + GOOD, (), "has 40 texts, but the data trained on"),
        (GOOD + "so so\tmeh\n", (), "line 21: training never saw the label 'meh'"),
    ],
)
def test_resume_with_something_else(train, folder, content, options, message) -> None:
    assert train(GOOD).status == 0
    before = folder.last.read_bytes()
    result = train(content, "--resume", "--epochs", 3, *options)
    assert (result.status, result.out) == (1, "")
    assert message in result.message
    assert folder.last.read_bytes() == before
    again = train(GOOD)
    assert "already holds a run: --resume it, --overwrite it, or name another with --out" in again.message


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    ("key", "status", "last"), [(b"\x04", 0, b""), (b"\x03", 130, b"portnn: stopped")], ids=["Ctrl-D", "Ctrl-C"]
)
def test_a_prompt_answers_each_line_until_a_key_ends_it(checkpoint, key, status, last) -> None:
    import pty

    master, slave = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PORTNN_TUNE": "0", "TERM": "dumb"}
    # Whoever runs tests in the background ignores SIGINT, and so would the process.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); " + MAIN[-1]
    command = [*MAIN[:-1], heeding, "text-classifier", "predict", str(checkpoint)]
    streams = {"stdin": slave, "stdout": slave, "stderr": slave}
    with subprocess.Popen(command, env=environment, start_new_session=True, **streams) as process:
        os.close(slave)
        try:
            seen = until(master, b"> ")
            assert seen.splitlines()[0] == b"Type a text and press Enter; Ctrl-D ends."
            os.write(master, b"zzz film\n")
            seen = until(master, b"> ")
            assert seen.splitlines()[1].split(b"\t")[0] in (b"neg", b"pos")
            assert b"note: unknown words: zzz" in seen
            os.write(master, b"\n")
            assert b"note: the text has no words; an unknown word is read instead" in until(master, b"> ")
            press(process, master, key)
            seen = until(master, None)
            assert process.wait(60) == status
        finally:
            process.kill()
    os.close(master)
    assert b"Traceback" not in seen
    assert seen.rstrip().splitlines()[-1:] == ([last] if last else [])
    assert seen.endswith(b"\r\n")


def press(process, master, key) -> None:
    """Press a key until something comes: a signal that arrives just before the process waits for input waits, too.

    The terminal is not the controlling one of the process, to which it would send SIGINT for Ctrl-C.
    """
    deadline = time.monotonic() + 60
    while process.poll() is None:
        assert time.monotonic() < deadline
        if key == b"\x03":
            process.send_signal(signal.SIGINT)
        else:
            os.write(master, key)
        if select.select([master], [], [], 1.0)[0]:
            return


def until(master, end) -> bytes:
    """What comes from a terminal up to the prompt, or until it closes."""
    seen, deadline = b"", time.monotonic() + 60
    while end is None or not seen.endswith(end):
        if not select.select([master], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise AssertionError(seen)
        try:
            chunk = os.read(master, 4096)
        except OSError:  # the terminal has closed
            break
        if not chunk:
            break
        seen += chunk
    return seen
