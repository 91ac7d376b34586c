"""`portnn char-rnn sample` and `evaluate`."""

from __future__ import annotations

import io
import json
import sys

import pytest

import portnn as library

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    model = library.CharRNN("gru", hidden_size=12, seed=2)
    text = "to be or not to be, that is the question;\n" * 8
    model.fit(text, steps=40, batch_size=4, seq_length=12, learning_rate=0.03, held_out=0, progress=False).save(path)
    return path


def test_one_seed_one_text(portnn, path) -> None:
    first, again, other = (
        portnn("char-rnn", "sample", path, "--length", 40, "--prime", "to ", "--seed", seed) for seed in (1, 1, 2)
    )
    assert first.status == 0
    assert first.err == ""
    assert first == again
    assert first.out != other.out
    assert first.out.startswith("to ")
    assert len(first.out) == 44
    assert first.out == library.load(path).sample(40, prime="to ", seed=1) + "\n"


@pytest.mark.parametrize(("length", "count"), [(0, 1), (1, 2)])
def test_short_samples(portnn, path, length, count) -> None:
    result = portnn("char-rnn", "sample", path, "--length", length)
    assert (result.status, len(result.out), result.err) == (0, count, "")


def test_options_of_sampling(portnn, path) -> None:
    greedy = portnn("char-rnn", "sample", path, "--temperature", 0, "--length", 30, "--seed", 1).out
    assert greedy == portnn("char-rnn", "sample", path, "--top-k", 1, "--length", 30, "--seed", 2).out
    stopped = portnn("char-rnn", "sample", path, "--temperature", 0, "--length", 30, "--stop", greedy[10:13]).out
    assert stopped == greedy.partition(greedy[10:13])[0] + "\n"
    found = json.loads(portnn("char-rnn", "sample", path, "--length", 5, "--prime", "to", "--seed", 3, "--json").out)
    assert found == {"prime": "to", "text": library.load(path).sample(5, prime="to", seed=3), "seed": 3}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--length", -1), "length must be 0 or a positive whole number, got -1"),
        (("--temperature", -1), "temperature must be 0 or a positive number, got -1.0"),
        (("--temperature", "nan"), "temperature must be 0 or a positive number, got nan"),
        (("--temperature", "inf"), "temperature must be 0 or a positive number, got inf"),
        (("--top-k", 0), "top_k must be a positive whole number, got 0"),
        (("--stop", ""), "stop must not be empty"),
        (("--seed", -1), "seed must be 0 or a positive whole number, got -1"),
        (("--prime", "été"), "prime text has characters that the model has never seen: 'é' (U+00E9)"),
        (("--device", "gpu"), "numpy has no device 'gpu'"),
        (("--dtype", "float16"), "unknown dtype 'float16'"),
        (("--backend", "tensorflow"), "unknown backend 'tensorflow'"),
    ],
)
def test_bad_options_are_one_line(portnn, path, options, message) -> None:
    result = portnn("char-rnn", "sample", path, *options)
    assert result.status == 1
    assert result.out == ""
    assert message in result.message


def test_evaluate(portnn, path, tmp_path) -> None:
    files = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for file in files:
        file.write_text("to be or not\n" * 5)
    result = portnn("char-rnn", "evaluate", path, *files)
    found = library.load(path).evaluate(files)
    assert result.status == 0
    assert result.out == f"{found.nats:.4f} nats, {found.bits:.4f} bits per character over 129 characters\n"
    assert json.loads(portnn("char-rnn", "evaluate", path, *files, "--json").out) == {
        **found._asdict(),
        "unit": "character",
    }
    assert portnn("char-rnn", "evaluate", path, *files, "--dtype", "float64").status == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "corpus is empty"),
        (b"t", "evaluation needs at least two tokens, got 1"),
        (b"to z", "characters that the model has never seen: 'z' (U+007A)"),
        (b"to \xff", "byte 0xff at offset 3 is not utf-8; choose another --encoding"),
        (None, "does not exist"),
    ],
)
def test_texts_that_cannot_be_evaluated(portnn, path, tmp_path, content, message) -> None:
    if content is not None:
        (tmp_path / "text").write_bytes(content)
    result = portnn("char-rnn", "evaluate", path, tmp_path / "text")
    assert result.status == 1
    assert message in result.message


def test_standard_input_is_evaluated(portnn, path, tmp_path, monkeypatch) -> None:
    (tmp_path / "a.txt").write_text("to be or not\n" * 5)
    named = portnn("char-rnn", "evaluate", path, tmp_path / "a.txt")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"to be or not\n" * 5)))
    assert portnn("char-rnn", "evaluate", path, "-") == named
    assert named.status == 0


@pytest.mark.parametrize(("level", "unit"), [("char", "char"), ("byte", "byte"), ("word", "word"), ("jieba", "word")])
def test_the_unit_is_what_the_level_reads(portnn, tmp_path, monkeypatch, level, unit) -> None:
    monkeypatch.setattr("portnn.cli.char_rnn.report.draw_curve", lambda *_, **__: (False, "not drawn"))
    text = b"to be or not to be\n" * 60
    sizes = ("--hidden-size", 4, "--batch-size", 2, "--seq-length", 9, "--sample-every", 0, "--steps", 4)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    result = portnn("char-rnn", "train", "-", "--level", level, "--out", tmp_path / "run", *sizes)
    noun = {"char": "character"}.get(unit, unit)
    assert result.status == 0
    assert f" {unit}/s" in result.err
    assert f"bits per {noun} on held-out text" in result.out
    assert f" {noun}s/s over" in result.out
    (tmp_path / "text").write_bytes(text)
    assert (
        f"bits per {noun} over"
        in portnn("char-rnn", "evaluate", tmp_path / "run" / "last.safetensors", tmp_path / "text").out
    )
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert all(line["characters_per_second"] > 0 for line in lines)
    assert "nats per pair" not in library.plots.loss._curve(lines, "run").meaning


def test_a_seed_that_is_none_is_drawn_and_said(portnn, path) -> None:
    found = [portnn("char-rnn", "sample", path, "--seed", "none", "--length", 30, "--json") for _ in range(3)]
    seeds = [json.loads(result.out)["seed"] for result in found]
    assert [result.err for result in found] == [f"seed {seed}\n" for seed in seeds]
    assert len(set(seeds)) > 1
    again = portnn("char-rnn", "sample", path, "--seed", seeds[0], "--length", 30, "--json")
    assert again.out == found[0].out


def test_several_samples(portnn, path) -> None:
    texts = library.load(path).sample(20, prime="to ", seed=4, count=3)
    result = portnn("char-rnn", "sample", path, "--length", 20, "--prime", "to ", "--seed", 4, "--count", 3)
    assert result.out == "\n----\n".join(texts) + "\n"
    record = json.loads(
        portnn("char-rnn", "sample", path, "--length", 20, "--prime", "to ", "--seed", 4, "--count", 3, "--json").out
    )
    assert record == {"prime": "to ", "texts": texts, "seed": 4}


@pytest.fixture(scope="module")
def runs(tmp_path_factory, path):
    """Runs of two models, each with another best checkpoint than its last."""
    folder = tmp_path_factory.mktemp("runs")
    for name, kept in (("both", ("best", "last")), ("last", ("last",)), ("none", ())):
        (folder / name).mkdir()
        for number, each in enumerate(kept):
            model = library.CharRNN("gru", hidden_size=12, seed=number)
            text = "to be or not to be, that is the question;\n" * 8
            model.fit(text, steps=2, batch_size=4, seq_length=12, held_out=0, progress=False)
            model.save(folder / name / f"{each}.safetensors")
    return folder


@pytest.mark.parametrize(("run", "taken"), [("both", "best"), ("last", "last")])
def test_the_folder_of_a_run_is_its_best_checkpoint_or_else_its_last(portnn, runs, tmp_path, run, taken) -> None:
    file = runs / run / f"{taken}.safetensors"
    (tmp_path / "text").write_text("to be or not")
    for command, *rest in (("sample", "--length", 20), ("evaluate", tmp_path / "text")):
        named, folder = (portnn("char-rnn", command, given, *rest) for given in (file, runs / run))
        assert folder.out == named.out
        assert (named.err, folder.err) == ("", f"checkpoint {file}\n")
    assert library.load(runs / run).sample(20) == library.load(str(file)).sample(20)
    assert library.load(runs / "both").sample(20) != library.load(runs / "both" / "last.safetensors").sample(20)


def test_without_an_argument_sample_takes_the_run_in_portnn_out(portnn, runs, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    missing = portnn("char-rnn", "sample")
    assert (missing.status, missing.out, missing.message) == (1, "", "no checkpoint at portnn-out")
    (tmp_path / "portnn-out").symlink_to(runs / "both")
    found = portnn("char-rnn", "sample", "--length", 20)
    assert found.err == "checkpoint portnn-out/best.safetensors\n"
    assert found.out == portnn("char-rnn", "sample", runs / "both", "--length", 20).out
    assert "[default: portnn-out]" in portnn("char-rnn", "sample", "--help").out


@pytest.mark.parametrize(
    "command",
    [
        ("char-rnn", "sample"),
        ("char-rnn", "evaluate", "text"),
        ("mlp", "predict", "table.csv"),
        ("mlp", "evaluate", "table.csv"),
        ("word2vec", "similar", "word"),
        ("word2vec", "analogy", "word"),
        ("word2vec", "evaluate", "questions"),
        ("word2vec", "export", "vectors.txt"),
        ("word2vec", "plot"),
    ],
)
def test_a_folder_without_a_checkpoint_is_one_line_wherever_one_is_asked_for(portnn, runs, command) -> None:
    group, verb, *rest = command
    result = portnn(group, verb, runs / "none", *rest)
    message = f"{runs / 'none'} is a folder without a checkpoint: neither best.safetensors nor last.safetensors"
    assert (result.status, result.out, result.message) == (1, "", message)


def test_the_folder_of_another_models_run_names_the_checkpoint(portnn, runs) -> None:
    result = portnn("mlp", "predict", runs / "both", "table.csv")
    assert result.message.endswith("best.safetensors is a checkpoint of CharRNN, not of MLP")
