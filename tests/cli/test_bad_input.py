"""Bad input to `train`: one clear line, the exit status, and nothing is lost."""

from __future__ import annotations

import errno
import json
import math
import os

import pytest
import safetensors.numpy

from portnn.backends import MissingBackendError
from portnn.backends.libraries import LIBRARIES
from portnn.checkpoints import load_checkpoint, save_checkpoint
from portnn.estimators import CharRNN
from portnn.estimators.registry import ESTIMATORS
from portnn.ops import CELLS

pytestmark = pytest.mark.host

ENOUGH = b"some text to learn; " * 10


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "corpus is empty"),
        (b"\xef\xbb\xbf", "corpus is empty"),
        (b"too short", "the corpus is too short: 9 tokens to train on, but batch_size 2 x seq_length 9 needs 19"),
        (b"a" * 1000, "corpus has one distinct character ('a'); there is nothing to learn"),
        (ENOUGH + b"\xff" + ENOUGH, "byte 0xff at offset 200 is not utf-8; choose another --encoding (such as "),
        (ENOUGH + b"\xc3", "or read the file as bytes with --level byte"),
    ],
)
def test_a_text_that_cannot_be_learned(train, folder, tmp_path, content, message) -> None:
    (tmp_path / "bad.txt").write_bytes(content)
    result = train(tmp_path / "bad.txt", "--steps", 2)
    assert result.status == 1
    assert message in result.message
    assert result.out == ""
    assert not folder.path.exists()


def test_a_folder_and_a_missing_file(train, tmp_path) -> None:
    (tmp_path / "texts").mkdir()
    result = train(tmp_path / "texts")
    assert (result.status, result.message) == (1, f'corpus "{tmp_path / "texts"}" is a folder without files')
    result = train(tmp_path / "nowhere.txt")
    assert (result.status, result.message) == (1, f'corpus "{tmp_path / "nowhere.txt"}" does not exist')


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(
            ((option, value), f"{option[2:].replace('-', '_')} must be a positive whole number, got {value}")
            for option in (
                "--hidden-size",
                "--num-layers",
                "--seq-length",
                "--batch-size",
                "--steps",
                "--evaluate-every",
                "--checkpoint-every",
                "--workers",
            )
            for value in (0, -3)
        ),
        *((("--learning-rate", value), "learning_rate must be a positive number") for value in (0, -1, "nan", "inf")),
        *((("--dropout", value), "dropout must be in [0, 1)") for value in (-0.1, 1, "nan")),
        *((("--clip-norm", value), "clip_norm must be positive") for value in (-1, "nan")),
        *((("--clip-value", value), "clip_value must be positive") for value in (-1, "nan")),
        *((("--epochs", value), "epochs must be a positive number") for value in (0, -1, "nan", "inf")),
        *((("--held-out", value), "held_out must be in [0, 1), got") for value in (-0.1, 1, "nan")),
        (("--min-count", 0), "min_count"),
        (("--workers", 3), "3 workers cannot share a batch_size of 2" if hasattr(os, "memfd_create") else "workers"),
        (("--seed", -1), "seed must be 0 or a positive whole number, got -1"),
        (("--cell", "none such"), f"unknown cell 'none such'; known: {', '.join(sorted(CELLS))}"),
        (("--optimizer", "newton"), "unknown optimizer 'newton'"),
        (("--schedule", "sawtooth"), "unknown schedule 'sawtooth'"),
        (("--level", "letter"), "unknown level 'letter'; known: char, byte, word, jieba"),
        (("--encoding", "klingon"), "unknown encoding 'klingon'"),
        (("--recipe", "cake"), "unknown recipe 'cake'; known: min-char-rnn"),
        (("--dtype", "float16"), "unknown dtype 'float16'; known: float32, float64"),
        (("--backend", "tensorflow"), "unknown backend 'tensorflow'; known: auto, numpy"),
        (("--device", "cuda:7"), "numpy has no device 'cuda:7'"),
    ],
)
def test_a_setting_that_makes_no_sense(train, folder, options, message) -> None:
    result = train(*options)
    assert result.status == 1
    assert message in result.message
    assert result.out == ""
    assert not folder.path.exists()


@pytest.mark.parametrize(
    "options",
    [
        ("--steps", 3, "--epochs", 1),
        ("--resume", "--overwrite"),
        ("--what",),
        ("--steps", "many"),
        ("--sample-every", -1),
    ],
)
def test_wrong_usage(train, folder, options) -> None:
    result = train(*options)
    assert result.status == 2
    assert "Usage: portnn char-rnn train" in result.err
    assert result.out == ""
    assert not folder.path.exists()


def test_a_library_that_is_not_installed(train, monkeypatch) -> None:
    monkeypatch.setattr(LIBRARIES["cupy"], "installed", lambda: False)
    result = train("--backend", "cupy")
    assert (result.status, result.message) == (
        1,
        'cupy is not installed; python -m pip install "portnn[cuda12]" (or cuda13)',
    )
    assert issubclass(MissingBackendError, ModuleNotFoundError)


@pytest.mark.parametrize("damage", ["truncated", "header", "metadata", "tensor", "text", "empty", "version", "foreign"])
@pytest.mark.parametrize("command", ["sample", "evaluate", "resume"])
def test_a_damaged_checkpoint(train, folder, portnn, tmp_path, damage, command) -> None:
    train("--steps", 1)
    data = bytearray(folder.last.read_bytes())
    place = {"header": 4, "metadata": 60, "tensor": len(data) - 3}.get(damage)
    if place is not None:
        data[place] ^= 4
    damaged = {
        "truncated": data[: len(data) // 2],
        "text": b"It was the best of times",
        "empty": b"",
        "version": bytes(data).replace(b'{\\"version\\": 2', b'{\\"version\\": 9'),
        "foreign": safetensors.numpy.save({"w": load_checkpoint(folder.last)[0]["params.output.bias"]}),
    }.get(damage, data)
    folder.last.write_bytes(damaged)
    if command == "resume":
        result = train("--steps", 4, "--resume")
    else:
        result = portnn("char-rnn", command, folder.last, *([tmp_path / "book.txt"] if command == "evaluate" else []))
    assert result.status == 1
    assert result.out == ""
    assert str(folder.last) in result.message
    expected = {"version": "format version 9; this portnn reads versions 1 to 2", "foreign": "portnn did not write"}
    assert expected.get(damage, "damaged") in result.message
    assert folder.last.read_bytes() == damaged


def test_what_is_no_checkpoint(portnn, tmp_path) -> None:
    result = portnn("char-rnn", "sample", tmp_path)
    assert result.status == 1
    assert "is a folder without a checkpoint: neither best.safetensors nor last.safetensors" in result.message
    result = portnn("char-rnn", "sample", tmp_path / "nothing")
    assert (result.status, result.message) == (1, f"no checkpoint at {tmp_path / 'nothing'}")


KNOWN = ", ".join(ESTIMATORS)


def test_a_checkpoint_of_another_model(train, folder, portnn) -> None:
    train("--steps", 1)
    arrays, facts = load_checkpoint(folder.last)
    save_checkpoint(folder.last, arrays, {**facts, "estimator": "Perceptron"})
    result = portnn("char-rnn", "sample", folder.last)
    assert (result.status, result.message) == (1, f"{folder.last} holds Perceptron; this portnn loads {KNOWN}")
    result = train("--steps", 2, "--resume")
    assert (result.status, result.message) == (1, "the checkpoint holds 'Perceptron', not 'CharRNN'")


def test_not_a_number_in_the_weights(train, folder, portnn) -> None:
    train("--steps", 1)
    arrays, facts = load_checkpoint(folder.last)
    arrays["params.output.bias"][2] = math.nan
    save_checkpoint(folder.last, arrays, facts)
    result = portnn("char-rnn", "sample", folder.last)
    assert (result.status, result.message) == (1, f"{folder.last}: the checkpoint's output.bias holds NaN or infinity")
    assert train("--steps", 9, "--resume").status == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--hidden-size", 7), "cannot resume: the checkpoint has hidden_size 6, not 7"),
        (("--cell", "rnn"), f"cannot resume: the checkpoint has cell {CharRNN().settings.cell!r}, not 'rnn'"),
        (("--level", "byte"), "cannot resume: the checkpoint has level 'char', not 'byte'"),
        (("--dtype", "float64"), "cannot resume: the checkpoint has dtype 'float32', not 'float64'"),
        (("--held-out", 0.2), "cannot resume: the checkpoint has held_out 0.05, not 0.2"),
    ],
)
def test_resume_with_another_architecture(train, folder, options, message) -> None:
    train("--steps", 2)
    before = folder.last.read_bytes()
    result = train("--steps", 4, "--resume", *options)
    assert (result.status, result.message) == (1, message)
    assert folder.last.read_bytes() == before


def test_resume_with_another_text(train, folder, tmp_path) -> None:
    train("--steps", 2)
    before = folder.last.read_bytes()
    text = (tmp_path / "book.txt").read_text()
    other = tmp_path / "other.txt"
    for content, message in (
        (text + "z", "other.txt has characters that the model has never seen: 'z' (U+007A)"),
        (text + "to", "cannot resume: other.txt has 506 tokens, but the text trained on, book.txt, had 504"),
        (text[::-1], "cannot resume: other.txt is not the text trained on, book.txt"),
    ):
        other.write_text(content)
        result = train(other, "--steps", 4, "--resume")
        assert result.status == 1
        assert message in result.message
    assert folder.last.read_bytes() == before
    other.write_text(text)  # by another name it is the same text
    assert train(other, "--steps", 4, "--resume").status == 0


def test_a_run_is_not_replaced_unless_that_is_said(train, folder, tmp_path) -> None:
    train("--steps", 2)
    before = folder.last.read_bytes()
    result = train("--steps", 2)
    assert (result.status, result.message) == (
        1,
        f"{folder.path} already holds a run: --resume it, --overwrite it, or name another with --out",
    )
    # And then only when there is something to put in its place.
    assert train(tmp_path / "nowhere.txt", "--overwrite").status == 1
    assert train("--overwrite", "--learning-rate", -1).status == 1
    assert folder.last.read_bytes() == before
    assert train("--steps", 3, "--overwrite").status == 0


def test_a_full_disk(train, folder, monkeypatch) -> None:
    train("--steps", 2)
    before = folder.last.read_bytes()

    def full(_) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        result = train("--steps", 4, "--resume")
    assert (result.status, result.out) == (1, "")
    assert f"cannot write checkpoint {folder.path}" in result.message
    assert result.message.endswith(": No space left on device")
    assert folder.last.read_bytes() == before
    assert not list(folder.path.glob(".*"))
    assert train("--steps", 4, "--resume").status == 0


def test_a_folder_that_cannot_be_written(train, folder, monkeypatch) -> None:
    folder.path.touch()
    result = train("--steps", 2)
    assert (result.status, result.message) == (1, f"cannot use the folder {folder.path}: File exists")
    folder.path.unlink()

    def refused(*_, **__) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("pathlib.Path.write_text", refused)
    result = train("--steps", 2)
    assert (result.status, result.message) == (1, f"cannot write {folder.metrics}: Permission denied")


def test_out_of_memory_and_more_is_one_line(train, monkeypatch) -> None:
    for error, message in (
        (MemoryError(), "out of memory"),
        (RuntimeError("CUDA error:\n out of memory"), "CUDA error: out of memory"),
        (OverflowError("too large"), "too large"),
        (PermissionError(errno.EACCES, "Permission denied", "x.txt"), "x.txt: Permission denied"),
    ):

        def fail(*_, error=error, **__) -> None:
            raise error

        monkeypatch.setattr("portnn.estimators.CharRNN.fit", fail)
        result = train()
        assert (result.status, result.message) == (1, message)


def test_what_nobody_foresaw_is_not_hidden(train, monkeypatch) -> None:
    def wrong(*_, **__) -> None:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr("portnn.estimators.CharRNN.fit", wrong)
    with pytest.raises(KeyError):
        train()


def test_json_changes_no_error(train) -> None:
    result = train("--json", "--learning-rate", -1)
    assert (result.status, result.out) == (1, "")
    assert "learning_rate" in result.message
    assert json.loads(train("--json", "--steps", 1).out)["steps"] == 1
