"""A model keeps the rules by which text was cut into words when it was trained."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import portnn
from portnn.checkpoints import load_checkpoint
from portnn.text import Vocabulary, read_corpus

pytestmark = pytest.mark.host

FILES = Path(__file__).parent.parent / "data" / "runs_of_letters"
"""Written by portnn 0.2.0, which cut text into runs of letters and knew no other rules."""

TEXT = "the cafe\u0301 isn't far: आधुनिक हिन्दी, 3.14 I say\n" * 12
OTHER = "isn't the cafe\u0301 far: हिन्दी, 3.14 आधुनिक\n" * 5
SMALL = {"batch_size": 2, "seq_length": 9, "held_out": 0.1, "progress": False}

# The numbers below are what it came to itself, from the same files.


def test_an_old_language_model_is_evaluated_and_sampled_as_before() -> None:
    model = portnn.load(FILES / "char_rnn.safetensors")
    assert model.vocabulary.word_rules == "runs"
    found = model.evaluate(OTHER)
    assert found.tokens == 114
    assert found.nats == pytest.approx(3.143651008605957, rel=1e-6)
    text = model.sample(12, prime="isn't cafe\u0301", seed=1, temperature=0)
    assert text == "isn't cafe\u0301\u0941" + " \u0939" * 11


def test_an_old_language_model_is_trained_further(tmp_path) -> None:
    shutil.copy(FILES / "char_rnn.safetensors", tmp_path / "last.safetensors")
    model = portnn.CharRNN("gru", 5, level="word", seed=3)
    model.fit(TEXT, steps=30, out=tmp_path, resume=True, **SMALL)
    assert model.history.held_out_loss == pytest.approx(3.2057175636291504, rel=1e-6)
    loaded = portnn.load(FILES / "char_rnn.safetensors").fit(TEXT, steps=2, **SMALL)
    loaded.save(tmp_path / "again.safetensors")
    for path in (tmp_path / "last.safetensors", tmp_path / "again.safetensors"):
        assert portnn.load(path).vocabulary.word_rules == "runs"
    new = portnn.CharRNN("gru", 5, level="word", seed=3).fit(TEXT, steps=2, **SMALL)
    assert {" cafe\u0301", " हिन्दी", " isn't", " 3.14"} <= set(new.vocabulary.tokens)


def test_old_word_vectors_are_evaluated_and_trained_further_as_before(tmp_path) -> None:
    path = tmp_path / "vectors.safetensors"
    shutil.copy(FILES / "word2vec.safetensors", path)
    loaded = portnn.load(path)
    assert loaded.evaluate(OTHER) == pytest.approx(3.983585432464001, rel=1e-6)
    settings = {"vector_size": 4, "window": 2, "min_count": 1, "sample": 0, "epochs": 2, "seed": 5}
    model = portnn.Word2Vec(**settings)
    model.fit(TEXT, out=path, resume=True, steps=12, progress=False)
    assert model.metrics[-1]["loss"] == pytest.approx(3.9995914671430306, rel=1e-6)
    assert model.evaluate(OTHER) == pytest.approx(3.982872158873315, rel=1e-6)
    loaded.fit("cafe\u0301\u0301 cafe\u0301 isn't\n" * 9, steps=2, update_vocabulary=True, progress=False)
    assert "cafe\u0301" not in loaded.vocabulary.words
    loaded.save(tmp_path / "again.safetensors")
    for again in (path, tmp_path / "again.safetensors"):
        assert load_checkpoint(again)[1]["word_rules"] == portnn.load(again).word_rules == "runs"
    new = portnn.Word2Vec(**settings).fit(TEXT, steps=2, progress=False)
    assert {"cafe\u0301", "हिन्दी", "isn't", "3.14"} <= set(new.vocabulary.words)
    new.save(path)
    assert portnn.load(path).word_rules == "uax29"


def test_ids_in_the_cache_are_those_of_the_rules(tmp_path) -> None:
    (tmp_path / "text").write_text(TEXT, encoding="utf-8")
    old = portnn.load(FILES / "char_rnn.safetensors").vocabulary
    new = Vocabulary(old.level, old.tokens, old.unknown)
    for known in (old, new, old):
        where = {"memory_limit": 0, "cache_dir": tmp_path / "cache"}
        assert read_corpus(tmp_path / "text", vocabulary=known, **where).ids.tolist() == known.encode(TEXT).tolist()
    assert old.encode(TEXT).tolist() != new.encode(TEXT).tolist()
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 2
