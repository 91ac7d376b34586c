"""Files that portnn 0.1 wrote load, and their runs continue as portnn 0.1 continued them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import portnn
from portnn.checkpoints import load_checkpoint

FILES = Path(__file__).parent.parent / "data" / "version_1"
TEXT = "to be or not to be, that is the question;\n" * 12
POINTS = np.random.default_rng(0).normal(size=(40, 2))
KINDS = np.where(POINTS[:, 0] * POINTS[:, 1] > 0, "same", "other")
SENTENCES = [["red", "green", "blue"], ["one", "two", "three"]] * 30


@pytest.mark.parametrize("name", ["char_rnn", "mlp", "word2vec"])
def test_they_load(backend, name):
    path = FILES / f"{name}.safetensors"
    assert load_checkpoint(path)[1]["version"] == 1
    model = portnn.load(path, backend=backend)
    arrays, _ = load_checkpoint(path)
    for key, array in model.params.items():
        assert np.array_equal(backend.to_host(array), arrays[f"params.{key}"].astype(backend.dtype))


@pytest.mark.host
def test_settings_are_what_they_were():
    rnn = portnn.load(FILES / "char_rnn.safetensors").settings
    assert (rnn.cell, rnn.hidden_size, rnn.seed, rnn.level) == ("lstm", 6, 3, "char")
    mlp = portnn.load(FILES / "mlp.safetensors").settings
    assert (mlp.hidden_layer_sizes, mlp.activation, mlp.l2, mlp.class_weight) == ((5,), "tanh", 0.01, {"same": 2.0})
    word2vec = portnn.load(FILES / "word2vec.safetensors").settings
    assert (word2vec.vector_size, word2vec.window, word2vec.block, word2vec.epochs) == (4, 2, (16, 40), 2)


# What portnn 0.1.0 itself came to, from the same files, on the machine where they were written.


@pytest.mark.host
def test_a_character_rnn_continues(tmp_path):
    shutil.copy(FILES / "char_rnn.safetensors", tmp_path / "last.safetensors")
    model = portnn.CharRNN("lstm", 6, seed=3)
    settings = {"batch_size": 2, "seq_length": 9, "held_out": 0.1, "progress": False}
    model.fit(TEXT, steps=30, out=tmp_path, resume=True, **settings)
    assert model.history.step == 30
    assert model.history.held_out_loss == pytest.approx(2.7472376823425293, rel=1e-6)
    assert model.sample(30, seed=1, temperature=0) == "ttttqtttqtttqtttqtttqtttqtttqt"
    with pytest.raises(portnn.CheckpointError, match="the checkpoint has cell 'lstm', not 'gru'"):
        portnn.CharRNN("gru", 6, seed=3).fit(TEXT, steps=40, out=tmp_path, resume=True, **settings)


@pytest.mark.host
def test_a_network_on_a_table_continues(tmp_path):
    shutil.copy(FILES / "mlp.safetensors", tmp_path / "last.safetensors")
    model = portnn.MLP((5,), activation="tanh", l2=0.01, seed=2, standardize=True, class_weight={"same": 2.0})
    model.fit(POINTS, KINDS, batch_size=8, held_out=0.2, steps=32, out=tmp_path, resume=True, progress=False)
    assert model.history.held_out_loss == pytest.approx(0.8375800843892134, rel=1e-9)
    assert model.score(POINTS, KINDS) == 0.475


@pytest.mark.host
def test_word_vectors_continue(tmp_path):
    out = tmp_path / "vectors.safetensors"
    shutil.copy(FILES / "word2vec.safetensors", out)
    model = portnn.Word2Vec(vector_size=4, window=2, min_count=1, sample=0, epochs=2, seed=5)
    model.fit(SENTENCES, out=out, resume=True, steps=8, progress=False)
    assert model.metrics[-1]["loss"] == pytest.approx(3.5734559966296686, rel=1e-6)
    expected = [0.01789134368300438, -0.023025566712021828, -0.09340358525514603, -0.11386942118406296]
    np.testing.assert_allclose(np.asarray(model.wv["red"]), expected, rtol=1e-5)
