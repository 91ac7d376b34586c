"""`CharRNN`: fit, resume, sample, evaluate, save and load."""

from __future__ import annotations

import json
import math
import os
import signal

import numpy as np
import pytest

import portnn
from portnn.checkpoints import CheckpointError, load_checkpoint, save_checkpoint
from portnn.ops import CELLS
from portnn.training import DivergenceError, Interrupted

TEXT = "to be or not to be, that is the question; " * 6
SMALL = {"batch_size": 2, "seq_length": 9, "held_out": 0.0, "progress": False}


def network(backend, cell="gru", **changes) -> portnn.CharRNN:
    return portnn.CharRNN(cell, **{"hidden_size": 6, "seed": 3, **changes}, backend=backend)


def same(left, right) -> None:
    """Two checkpoints are the same to the last bit: parameters, optimizer state, carry, position."""
    (arrays, facts), (others, other_facts) = load_checkpoint(left), load_checkpoint(right)
    assert {name: array.tobytes() for name, array in arrays.items()} == {
        name: array.tobytes() for name, array in others.items()
    }
    for name in ("step", "position", "first_loss", "held_out_loss", "best_held_out_loss"):
        assert facts["run"][name] == other_facts["run"][name]


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_resume_goes_on_bit_for_bit(backend, tmp_path, cell) -> None:
    """With dropout, two layers, a carry, and across the end of the data: 13 batches a pass."""
    settings = {**SMALL, "optimizer": "adam", "checkpoint_every": 4}
    changes = {"hidden_size": 20, "num_layers": 2, "dropout": 0.3}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    network(backend, cell, **changes).fit(TEXT, steps=17, out=whole, **settings)
    network(backend, cell, **changes).fit(TEXT, steps=11, out=parts, **settings)
    network(backend, cell, **changes).fit(TEXT, steps=17, out=parts, resume=True, **settings)
    same(whole / "last.safetensors", parts / "last.safetensors")


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adamw"])
@pytest.mark.host
def test_resume_with_every_optimizer(backend32, tmp_path, optimizer) -> None:
    settings = {**SMALL, "optimizer": optimizer, "held_out": 0.2, "evaluate_every": 3}
    for steps, out in ((9, "whole"), (5, "parts"), (9, "parts")):
        network(backend32).fit(TEXT, steps=steps, out=tmp_path / out, resume=True, **settings)
    same(tmp_path / "whole" / "last.safetensors", tmp_path / "parts" / "last.safetensors")


@pytest.mark.host
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_resume_goes_on_bit_for_bit(backend32, tmp_path, number) -> None:
    settings = {**SMALL, "steps": 8, "schedule": "cosine"}

    def interrupt(event) -> None:
        if event.step == 5:
            os.kill(os.getpid(), number)

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    network(backend32).fit(TEXT, out=whole, **settings)
    with pytest.raises(Interrupted):
        network(backend32).fit(TEXT, out=parts, callbacks=[interrupt], **settings)
    assert load_checkpoint(parts / "last.safetensors")[1]["run"]["step"] == 5
    network(backend32).fit(TEXT, out=parts, resume=True, **settings)
    same(whole / "last.safetensors", parts / "last.safetensors")


def test_a_checkpoint_of_one_library_loads_on_another(backend, tmp_path) -> None:
    model = network(backend, "lstm", num_layers=2).fit(TEXT, steps=20, **{**SMALL, "learning_rate": 0.02})
    model.save(tmp_path / "model.safetensors")
    other = portnn.load(tmp_path / "model.safetensors", backend="numpy")
    assert (other.backend.name, other.backend.dtype) == ("numpy", "float64")
    here, there = model.evaluate(TEXT), other.evaluate(TEXT)
    assert math.isclose(here.nats, there.nats, rel_tol=1e-12)
    assert here.tokens == there.tokens == len(TEXT) - 1
    assert math.isclose(here.bits, here.nats / math.log(2))
    assert model.sample(30, prime="to ", seed=5) == other.sample(30, prime="to ", seed=5)
    back = portnn.load(tmp_path / "model.safetensors", backend=backend)
    for name, array in model.params.items():
        assert backend.to_host(array).tobytes() == backend.to_host(back.params[name]).tobytes()
    assert portnn.load(tmp_path / "model.safetensors", dtype="float32").backend.dtype == "float32"


def test_it_learns_and_goes_on_from_where_it_is(backend32) -> None:
    model = network(backend32, hidden_size=16)
    settings = {**SMALL, "learning_rate": 0.02}
    first = model.fit(TEXT, epochs=2, **settings).evaluate(TEXT).nats
    assert model.history.step == 26
    assert first < math.log(len(model.vocabulary))
    assert model.fit(TEXT, epochs=4, **settings).evaluate(TEXT).nats < first


@pytest.mark.host
def test_one_seed_one_model(backend) -> None:
    models = [network(backend, seed=seed).fit(TEXT, steps=3, **SMALL) for seed in (1, 1, 2)]
    first, second, third = ({name: array.tobytes() for name, array in model.params.items()} for model in models)
    assert first == second != third


@pytest.mark.host
def test_a_file_holds_no_device_and_no_path(backend, tmp_path) -> None:
    text = tmp_path / "secret folder" / "book.txt"
    text.parent.mkdir()
    text.write_text(TEXT)
    network(backend).fit(text, steps=2, out=tmp_path / "run", **SMALL)
    _, facts = load_checkpoint(tmp_path / "run" / "last.safetensors")
    assert not {"backend", "device"} & {*facts, *facts["fit"], *facts["model"], *facts["run"]}
    assert "secret" not in json.dumps(facts)
    assert facts["data"]["name"] == "book.txt"


@pytest.mark.host
def test_files_and_text_and_bytes_are_one(backend, tmp_path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + TEXT[:100].encode())
    (tmp_path / "b.txt").write_text(TEXT[100:])
    sources = (TEXT, TEXT.encode(), [tmp_path / "a.txt", tmp_path / "b.txt"])
    results = [network(backend).fit(source, steps=3, **SMALL).evaluate(source) for source in sources]
    assert results[0] == results[1] == results[2]


@pytest.mark.host
@pytest.mark.parametrize(
    ("change", "fit", "message"),
    [
        ({"cell": "lstm"}, {}, "the checkpoint has cell 'gru', not 'lstm'"),
        ({"hidden_size": 7}, {}, "the checkpoint has hidden_size 6, not 7"),
        ({"num_layers": 2}, {}, "the checkpoint has num_layers 1, not 2"),
        ({"dropout": 0.5}, {}, r"the checkpoint has dropout 0\.0, not 0\.5"),
        ({"level": "byte"}, {}, "the checkpoint has level 'char', not 'byte'"),
        ({}, {"batch_size": 3}, "the checkpoint has batch_size 2, not 3"),
        ({}, {"seq_length": 8}, "the checkpoint has seq_length 9, not 8"),
        ({}, {"held_out": 0.1}, r"the checkpoint has held_out 0\.0, not 0\.1"),
        ({}, {"optimizer": "sgd"}, "the checkpoint has optimizer .*adam.* not .*sgd"),
        ({}, {"source": TEXT + "?"}, r"text has characters that the model has never seen: '\?'"),
        ({}, {"source": TEXT + "to"}, "text has 254 tokens, but the text trained on, text, had 252"),
        ({}, {"source": TEXT[::-1]}, "text is not the text trained on"),
    ],
)
def test_another_run_is_not_resumed(backend, tmp_path, change, fit, message) -> None:
    network(backend).fit(TEXT, steps=2, out=tmp_path, **SMALL)
    before = (tmp_path / "last.safetensors").read_bytes()
    settings = {"source": TEXT, "steps": 4, "out": tmp_path, "resume": True, **SMALL, **fit}
    with pytest.raises(ValueError, match=message):
        network(backend, **change).fit(**settings)
    assert (tmp_path / "last.safetensors").read_bytes() == before


@pytest.mark.host
def test_what_cannot_be_resumed(backend, backend32, tmp_path) -> None:
    model = network(backend).fit(TEXT, steps=2, **SMALL)
    with pytest.raises(ValueError, match="resume needs out"):
        model.fit(TEXT, steps=4, resume=True, **SMALL)
    with pytest.raises(ValueError, match="give one of them"):
        model.fit(TEXT, steps=4, resume=True, overwrite=True, out=tmp_path, **SMALL)
    with pytest.raises(ValueError, match="give steps or epochs, not both"):
        model.fit(TEXT, steps=4, epochs=1, **SMALL)
    model.save(tmp_path / "last.safetensors")
    with pytest.raises(CheckpointError, match="no training state"):
        network(backend).fit(TEXT, steps=4, resume=True, out=tmp_path, **SMALL)
    save_checkpoint(tmp_path / "last.safetensors", {}, {"estimator": "Word2Vec"})
    with pytest.raises(CheckpointError, match="the checkpoint holds 'Word2Vec', not 'CharRNN'"):
        network(backend).fit(TEXT, steps=4, resume=True, out=tmp_path, **SMALL)
    model.fit(TEXT, steps=2, out=tmp_path, overwrite=True, **SMALL)
    with pytest.raises(CheckpointError, match="dtype 'float64', not 'float32'"):
        network(backend32).fit(TEXT, steps=4, resume=True, out=tmp_path, **SMALL)
    with pytest.raises(CheckpointError, match="another vocabulary"):
        network(backend).fit("abcdefgh" * 20, steps=1, **SMALL).fit(TEXT, steps=4, resume=True, out=tmp_path, **SMALL)


@pytest.mark.host
def test_a_run_is_replaced_only_when_that_is_said(backend, tmp_path) -> None:
    network(backend).fit(TEXT, steps=2, out=tmp_path, **SMALL)
    before = (tmp_path / "last.safetensors").read_bytes()
    with pytest.raises(ValueError, match="already holds a run: resume it, overwrite it, or name another folder"):
        network(backend).fit(TEXT, steps=2, out=tmp_path, **SMALL)
    with pytest.raises(ValueError, match="corpus is empty"):
        network(backend).fit("", steps=2, out=tmp_path, overwrite=True, **SMALL)
    assert (tmp_path / "last.safetensors").read_bytes() == before
    network(backend).fit(TEXT, steps=3, out=tmp_path, overwrite=True, **SMALL)
    assert load_checkpoint(tmp_path / "last.safetensors")[1]["run"]["step"] == 3


@pytest.mark.host
def test_a_fit_that_fails_changes_nothing(backend) -> None:
    model = network(backend)
    for source, settings in (("abc", {}), (TEXT, {"learning_rate": math.nan}), (TEXT, {"steps": 0})):
        with pytest.raises(ValueError, match=r"too short|learning_rate|steps must"):
            model.fit(source, **{**SMALL, "steps": 2, **settings})
    assert model.vocabulary is None
    first = model.fit(TEXT, steps=3, **SMALL).params
    fresh = network(backend).fit(TEXT, steps=3, **SMALL).params
    assert all(np.array_equal(first[name], fresh[name]) for name in first)
    with pytest.raises(DivergenceError):
        model.fit(TEXT, steps=50, **{**SMALL, "optimizer": "sgd", "learning_rate": 1e12, "clip_norm": None})
    assert all(np.array_equal(first[name], model.params[name]) for name in first)


@pytest.mark.host
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        *(({"learning_rate": value}, "learning_rate must be a positive") for value in (0.0, -1.0, math.nan, math.inf)),
        *(({"steps": value}, "steps must be a positive whole number") for value in (0, -1, 2.5, True)),
        *(
            ({"steps": None, "epochs": value}, "epochs must be a positive number")
            for value in (0, -1.0, math.nan, math.inf)
        ),
        *(({"held_out": value}, "held_out (must be in|is)") for value in (1.0, -0.1, math.nan, 0.999)),
        ({"schedule": "sawtooth"}, "unknown schedule 'sawtooth'"),
        ({"optimizer": "newton"}, "unknown optimizer 'newton'"),
        ({"encoding": "klingon"}, "unknown encoding 'klingon'"),
    ],
)
def test_settings_of_fit_that_make_no_sense(backend, setting, message) -> None:
    with pytest.raises(ValueError, match=message):
        network(backend).fit(TEXT, **{**SMALL, "steps": 2, **setting})


@pytest.mark.host
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        *(({"dropout": value}, r"dropout must be in \[0, 1\)") for value in (-0.1, 1.0, math.nan)),
        *(
            ({name: value}, f"{name} must be a positive whole number")
            for name in ("hidden_size", "num_layers")
            for value in (0, -1, 1.5, True)
        ),
        ({"cell": "none such"}, f"unknown cell 'none such'; known: {', '.join(sorted(CELLS))}"),
        ({"seed": -1}, "seed must be 0 or a positive whole number"),
    ],
)
def test_networks_that_make_no_sense(setting, message) -> None:
    with pytest.raises(ValueError, match=message):
        portnn.CharRNN(**setting)


@pytest.mark.host
def test_nothing_can_be_done_with_what_is_not_fitted(tmp_path) -> None:
    for call in (lambda m: m.sample(1), lambda m: m.evaluate(TEXT), lambda m: m.save(tmp_path / "x")):
        with pytest.raises(ValueError, match="this CharRNN has not been fitted yet"):
            call(portnn.CharRNN())


@pytest.mark.host
def test_not_a_number_in_the_weights(backend, tmp_path) -> None:
    model = network(backend).fit(TEXT, steps=2, **SMALL)
    model.params = {**model.params, "output.bias": model.params["output.bias"] * math.nan}
    with pytest.raises(ValueError, match="are there NaN or infinity in its weights"):
        model.sample(1)
    with pytest.raises(ValueError, match="the loss is nan; are there NaN"):
        model.evaluate(TEXT)
    model.save(tmp_path / "broken.safetensors")
    with pytest.raises(CheckpointError, match=r"output\.bias holds NaN or infinity"):
        portnn.load(tmp_path / "broken.safetensors")
    with pytest.raises(DivergenceError, match="step 1"):
        model.fit(TEXT, steps=2, **SMALL)


@pytest.mark.host
def test_checkpoints_that_do_not_hold_together(backend, tmp_path) -> None:
    path = tmp_path / "model.safetensors"
    network(backend).fit(TEXT, steps=1, **SMALL).save(path)
    arrays, facts = load_checkpoint(path)

    def refused(message, arrays=arrays, **changes) -> None:
        save_checkpoint(path, arrays, {**facts, **changes})
        with pytest.raises(CheckpointError, match=message):
            portnn.load(path)

    refused(r"holds Oracle; this portnn loads CharRNN", estimator="Oracle")
    refused("vocabulary does not fit", model={**facts["model"], "vocabulary_size": 99})
    refused("output.weight does not fit", arrays={**arrays, "params.output.weight": np.zeros((2, 2))})
    refused("output.weight does not fit", arrays={k: v for k, v in arrays.items() if k != "params.output.weight"})
    save_checkpoint(path, arrays, {})
    with pytest.raises(CheckpointError, match="holds no model"):
        portnn.load(path)


@pytest.mark.host
def test_the_recipe_is_karpathys() -> None:
    model, run = portnn.CharRNN.recipe("min-char-rnn")
    assert (model["hidden_size"], run["seq_length"], run["learning_rate"]) == (100, 25, 0.1)
    assert run["clip_value"] * run["seq_length"] == 5.0
    with pytest.raises(ValueError, match="unknown recipe 'cake'; known: min-char-rnn, quick"):
        portnn.CharRNN.recipe("cake")
    model["hidden_size"] = 1
    assert portnn.CharRNN.recipe("min-char-rnn").model["hidden_size"] == 100
