"""`Word2Vec`: fit, resume, train further, save and load."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import portnn
from portnn.checkpoints import CheckpointError, load_checkpoint, save_checkpoint
from portnn.training import DivergenceError, Interrupted

GROUPS = [[f"{letter}{i}" for i in range(4)] for letter in "abcdef"]
"""Words of a group are in the same sentences, so they are each other's neighbours."""

OBJECTIVES = {
    "skip-gram": {"sg": True, "negative": 5},
    "CBOW": {"sg": False, "negative": 5},
    "skip-gram softmax": {"sg": True, "negative": 0},
    "CBOW softmax": {"sg": False, "negative": 0},
}
each = pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)


def corpus(groups=GROUPS, sentences=300, seed=1):
    rng = np.random.default_rng(seed)
    return [[groups[g][i] for i in rng.integers(0, 4, 6)] for g in rng.integers(0, len(groups), sentences)]


TEXT = corpus()
SMALL = {"vector_size": 6, "window": 2, "min_count": 1, "sample": 0.02, "batch_size": 32, "block_size": 8, "seed": 3}
QUIET = {"progress": False}


def network(backend="numpy", **changes) -> portnn.Word2Vec:
    return portnn.Word2Vec(**{**SMALL, **changes}, backend=backend)


def tables(model) -> dict[str, np.ndarray]:
    return {name: np.array(model.backend.to_host(array)) for name, array in model.params.items()}


def equal(left, right) -> bool:
    return left.keys() == right.keys() and all(left[name].tobytes() == right[name].tobytes() for name in left)


def same(left, right) -> None:
    """Two checkpoints are the same to the last bit."""
    (arrays, facts), (others, other_facts) = load_checkpoint(left), load_checkpoint(right)
    assert equal(arrays, others)
    for name in ("step", "position", "first_loss", "epoch_loss", "epoch_terms"):
        assert facts["run"][name] == other_facts["run"][name], name


@pytest.mark.parametrize(
    "objective",
    [
        pytest.param(options, id=name, marks=() if name == "skip-gram" else pytest.mark.host)
        for name, options in OBJECTIVES.items()
    ],
)
def test_it_learns(backend32, objective):
    """The loss falls, and a word's nearest are those of its group."""
    settings = {"vector_size": 8, "window": 2, "sample": 0, "epochs": 10, "alpha": 0.05, "batch_size": 32}
    model = network(backend32, **settings, **objective).fit(TEXT, **QUIET)
    assert len(model.epoch_losses) == 10
    assert model.epoch_losses[-1] < 0.75 * model.epoch_losses[0]
    assert model.epoch_losses[-1] == model.metrics[-1]["loss"]
    assert model.steps_per_epoch * 10 == model.metrics[-1]["step"]
    assert all(line["gradient_norm"] is None for line in model.metrics)
    found = sum(
        {near for near, _ in model.wv.most_similar(word, topn=3)} == {*group} - {word}
        for group in GROUPS
        for word in group
    )
    assert found >= 22
    assert model.backend is backend32
    assert tables(model)["input"].dtype == np.float32


@pytest.mark.host
@pytest.mark.parametrize("sg", [True, False], ids=["skip-gram", "CBOW"])
def test_it_learns_the_distribution_of_neighbours(sg):
    """The loss of a full softmax comes near the entropy of a neighbour: one of the four words of a group."""
    model = network(sample=0, epochs=40, vector_size=8, alpha=0.05, sg=sg, negative=0).fit(TEXT, **QUIET)
    assert np.log(4.0) - 0.02 < model.epoch_losses[-1] < np.log(4.0) + 0.03


@each
@pytest.mark.parametrize("stop", [1, 30, 43])
def test_resume_goes_on_bit_for_bit(backend, tmp_path, objective, stop):
    """In mid-epoch, mid-slice, and past the first epoch."""
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"

    def halt(event):
        if event.step == stop:
            os.kill(os.getpid(), signal.SIGINT)

    network(backend, **objective).fit(TEXT, steps=50, out=whole, **QUIET)
    with pytest.raises(Interrupted):
        network(backend, **objective).fit(TEXT, steps=50, out=parts, callbacks=[halt], **QUIET)
    assert load_checkpoint(parts)[1]["run"]["step"] == stop
    model = network(backend, **objective).fit(TEXT, steps=50, out=parts, resume=True, **QUIET)
    same(whole, parts)
    assert equal(tables(model), {k[7:]: v for k, v in load_checkpoint(whole)[0].items() if k.startswith("params.")})


@pytest.mark.parametrize("optimizer", ["adagrad", "adam"])
@each
@pytest.mark.host
def test_resume_with_state_of_the_optimizer(backend32, tmp_path, objective, optimizer):
    settings = {"optimizer": optimizer, "checkpoint_every": 7, **QUIET}

    class Killed(Exception):
        pass

    def kill(event):
        if event.step == 30:
            raise Killed

    network(backend32, **objective).fit(TEXT, steps=50, out=tmp_path / "whole", **settings)
    with pytest.raises(Killed):
        network(backend32, **objective).fit(TEXT, steps=50, out=tmp_path / "parts", callbacks=[kill], **settings)
    assert load_checkpoint(tmp_path / "parts" / "last.safetensors")[1]["run"]["step"] == 28
    network(backend32, **objective).fit(TEXT, steps=50, out=tmp_path / "parts", resume=True, **settings)
    same(tmp_path / "whole" / "last.safetensors", tmp_path / "parts" / "last.safetensors")


def test_one_seed_one_model(backend):
    first, second, third = (tables(network(backend, seed=seed).fit(TEXT, steps=30, **QUIET)) for seed in (1, 1, 2))
    assert equal(first, second)
    assert not equal(first, third)


SCRIPT = f"""
import hashlib, json, sys
import portnn
model = portnn.Word2Vec(**{SMALL!r}).fit(json.load(sys.stdin), steps=40, progress=False)
print(hashlib.sha256(model.params["input"].tobytes() + model.params["output"].tobytes()).hexdigest())
"""


@pytest.mark.host
def test_one_seed_one_model_in_every_process():
    def digest(seed):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment,
            input=json.dumps(TEXT),
            capture_output=True,
            check=True,
            text=True,
        ).stdout

    assert len(digest("1")) == 65
    assert digest("1") == digest("77")


@pytest.mark.host
@pytest.mark.parametrize(("sg", "largest"), [(True, 0.5), (False, 1.0)])
def test_first_vectors_and_batches_are_drawn_apart(sg, largest):
    """One stream for both would keep a word because of how its vector starts."""
    model = network(seed=5, sg=sg)
    seen = []
    model.fit(TEXT, steps=1, callbacks=[lambda event: seen.append(event)], **QUIET)
    drawn = np.random.default_rng((5, 0)).random((24, 6), dtype=np.float32)
    batches = np.random.default_rng((5, 0, 1, 0, 0)).random((24, 6), dtype=np.float32)
    assert np.abs(2.0 * largest * (drawn - 0.5) / 6 - tables(model)["input"]).max() < 0.02
    assert not np.array_equal(drawn, batches)


def test_training_further_moves_the_vectors_and_keeps_the_words(backend, capfd):
    model = network(backend).fit(TEXT, steps=40, **QUIET)
    words, before, wv = model.vocabulary.words, tables(model), model.wv
    kept = np.array(backend.to_host(wv.vectors))
    more = [["a0", "b0", "never seen", "a0"]] * 30
    assert model.fit(more, steps=20, **QUIET) is model
    after = tables(model)
    assert model.vocabulary.words == words
    assert "never seen" not in model.wv
    for name in before:
        moved = {words[row] for row in np.flatnonzero((before[name] != after[name]).any(axis=1))}
        assert {"a0", "b0"} <= moved
        if name == "input":
            assert moved == {"a0", "b0"}
    assert wv is not model.wv
    assert np.array_equal(backend.to_host(wv.vectors), kept)  # what was taken before stays what it was
    assert capfd.readouterr().err == ""


@pytest.mark.host
def test_training_further_draws_anew(tmp_path):
    """Not once more what the first fit drew."""
    network().fit(TEXT, steps=20, **QUIET).save(tmp_path / "vectors.safetensors")
    found = []
    for fits, seed in ((1, 3), (0, 3), (1, 4)):
        model = portnn.load(tmp_path / "vectors.safetensors")
        assert (model.fits, model.settings.seed) == (1, 3)
        model.fits, model.settings = fits, replace(model.settings, seed=seed)
        found.append(tables(model.fit(TEXT, steps=5, **QUIET)))
    assert not equal(found[0], found[1])
    assert not equal(found[0], found[2])


@pytest.mark.host
def test_training_further_can_be_resumed(tmp_path):
    first, whole, parts = (tmp_path / f"{name}.safetensors" for name in ("first", "whole", "parts"))
    network().fit(TEXT, steps=20, **QUIET).save(first)
    more = [*TEXT[:50], ["a0", "new", "b0"]]

    def halt(event):
        if event.step == 7:
            os.kill(os.getpid(), signal.SIGINT)

    settings = {"steps": 12, "update_vocabulary": True, **QUIET}
    portnn.load(first).fit(more, out=whole, **settings)
    with pytest.raises(Interrupted):
        portnn.load(first).fit(more, out=parts, callbacks=[halt], **settings)
    for model in (network(), portnn.load(first)):
        (tmp_path / "copy.safetensors").write_bytes(parts.read_bytes())
        model.fit(more, out=tmp_path / "copy.safetensors", resume=True, **settings)
        same(whole, tmp_path / "copy.safetensors")
        assert model.fits == 2


@pytest.mark.host
@pytest.mark.parametrize("sg", [True, False], ids=["skip-gram", "CBOW"])
def test_a_small_vocabulary_learns_with_nothing_chosen(sg):
    """A step has no more positions than its most frequent words can bear."""
    model = portnn.Word2Vec(min_count=1, sample=0, sg=sg).fit(corpus(sentences=2000), **QUIET)
    assert model.epoch_losses[-1] < 0.3 * 6 * np.log(2.0)  # what it costs to know nothing


def test_new_words_come_as_long_as_there_is_room(backend):
    model = network(backend, min_count=2, max_vocab_size=25).fit(TEXT, steps=4, **QUIET)
    words = model.vocabulary.words
    more = [["a0", "new", "newer", "a1"], ["new", "newer", "a1"], ["newer", "a0"]]
    model.fit(more, steps=4, update_vocabulary=True, **QUIET)
    assert len(words) == 24
    assert model.vocabulary.words == (*words, "newer")


def test_new_words_are_added_when_that_is_said(backend, capfd):
    model = network(backend, min_count=2).fit(TEXT, steps=40, **QUIET)
    words, before, counts = (
        model.vocabulary.words,
        tables(model),
        dict(zip(model.vocabulary.words, model.vocabulary.counts.tolist(), strict=True)),
    )
    more = [["a0", "new", "newer"], ["new", "newer", "a1"], ["newer", "once"]] * 1 + [["a0", "a1"]]
    model.fit(more, steps=5, update_vocabulary=True)
    assert model.vocabulary.words == (*words, "newer", "new")
    assert dict(zip(model.vocabulary.words, model.vocabulary.counts.tolist(), strict=True)) == {
        **counts,
        "a0": counts["a0"] + 2,
        "a1": counts["a1"] + 2,
        "newer": 3,
        "new": 2,
    }
    assert "vocabulary: 24 words known, 2 added from sentences" in capfd.readouterr().err
    after = tables(model)
    assert after["input"].shape == after["output"].shape == (26, 6)
    untouched = [row for row, word in enumerate(words) if word not in ("a0", "a1")]
    assert np.array_equal(after["input"][untouched], before["input"][untouched])
    assert np.abs(after["input"][24:]).min() > 0.0
    # They do not start where the first words of the first training did.
    assert not np.allclose(after["input"][24:], network().fit(TEXT, steps=1, **QUIET).params["input"][:2], atol=1e-3)
    assert model.model.vocabulary_size == 26
    assert len(model.wv) == 26


@pytest.mark.host
def test_a_fit_that_fails_leaves_the_model_as_it_was():
    model = network().fit(TEXT, steps=30, **QUIET)
    before, wv, words = tables(model), model.wv.vectors.copy(), model.vocabulary
    settings = model.settings
    model.settings = replace(settings, alpha=1e6)
    with pytest.raises(DivergenceError, match=r"^training diverged at step \d+: loss \S+, learning rate [^;]*; try a"):
        model.fit(TEXT, steps=50, **QUIET)
    model.settings = settings
    with pytest.raises(ValueError, match="no sentence has any of the"):
        model.fit([["x", "y"]], steps=5, **QUIET)
    assert equal(tables(model), before)
    assert np.array_equal(model.wv.vectors, wv)
    assert model.vocabulary is words
    # And what comes after is what would have come without it.
    other = network().fit(TEXT, steps=30, **QUIET)
    assert equal(tables(model.fit(TEXT, steps=9, **QUIET)), tables(other.fit(TEXT, steps=9, **QUIET)))


@pytest.mark.host
def test_a_first_fit_that_fails_leaves_the_model_unfitted():
    model = network(alpha=1e6)
    with pytest.raises(DivergenceError):
        model.fit(TEXT, steps=50, **QUIET)
    for call in (lambda: model.wv, lambda: model.save("nowhere"), lambda: model.vectors("sum")):
        with pytest.raises(ValueError, match="this Word2Vec has not been fitted yet"):
            call()


def test_save_and_load(backend, tmp_path):
    path = tmp_path / "vectors.safetensors"
    model = network(backend, negative=3, window=3, ns_exponent=0.5, phrases=1).fit(TEXT, steps=20, **QUIET)
    model.save(path)
    there = portnn.load(path, backend=backend)
    assert isinstance(there, portnn.Word2Vec)
    assert equal(tables(there), tables(model))
    assert there.vocabulary.words == model.vocabulary.words
    assert np.array_equal(there.vocabulary.counts, model.vocabulary.counts)
    assert there.settings.to_json() == model.settings.to_json()
    assert there.fits == model.fits
    # Training further goes on the same, wherever it does.
    assert equal(tables(there.fit(TEXT, steps=9, **QUIET)), tables(model.fit(TEXT, steps=9, **QUIET)))
    elsewhere = portnn.load(path, backend="numpy")
    assert elsewhere.backend.dtype == "float64"
    assert [word for word, _ in elsewhere.wv.most_similar("a0", topn=3)]


def test_what_a_run_wrote_is_the_model(backend, tmp_path):
    path = tmp_path / "vectors.safetensors"
    model = network(backend).fit(TEXT, steps=20, out=path, **QUIET)
    there = portnn.load(path, backend=backend)
    assert equal(tables(there), tables(model))
    assert there.fits == model.fits == 1
    assert equal(tables(there.fit(TEXT, steps=9, **QUIET)), tables(model.fit(TEXT, steps=9, **QUIET)))


def test_tables_of_vectors(backend):
    model = network(backend).fit(TEXT, steps=20, **QUIET)
    host = tables(model)
    for table, right in (("input", host["input"]), ("output", host["output"]), ("sum", host["input"] + host["output"])):
        wv = model.vectors(table)
        assert np.array_equal(backend.to_host(wv.vectors), right)
        assert wv is model.vectors(table)
        assert list(wv.index_to_key) == list(model.vocabulary.words)
    assert model.wv is model.vectors("input")
    with pytest.raises(ValueError, match=r"^vectors: no table 'mean'; expected input, output or sum$"):
        model.vectors("mean")


@pytest.mark.host
def test_text_files_and_lists_are_one(tmp_path):
    lines = [" ".join(sentence) for sentence in TEXT]
    (tmp_path / "text.txt").write_text("\n".join(lines))
    sources = (TEXT, "\n".join(lines), tmp_path / "text.txt", [tuple(sentence) for sentence in TEXT])
    found = [tables(network(level="space").fit(source, steps=10, **QUIET)) for source in sources]
    assert all(equal(found[0], other) for other in found[1:])


@pytest.mark.host
@pytest.mark.parametrize(
    ("source", "change", "error", "message"),
    [
        ((sentence for sentence in TEXT), {}, TypeError, "sentences is a generator, which can be read only once"),
        (iter(TEXT), {}, TypeError, "which can be read only once"),
        (["The film"], {}, TypeError, "each sentence must be a list of words, got the str 'The film': split it"),
        ([["a", "b"], ["a", 3]], {}, TypeError, "each word must be a str, got int 3 as word 1 of sentence 1"),
        (17, {}, TypeError, "sentences is int; expected a text, a path, or lists of words"),
        ([], {}, ValueError, "corpus is empty"),
        ([[], []], {}, ValueError, "corpus is empty"),
        ("", {}, ValueError, "corpus is empty"),
        (TEXT, {"min_count": 10**6}, ValueError, r"min_count 1000000 drops all 24 words; the highest .* is \d+"),
        ([["a", "a", "a"]] * 5, {}, ValueError, r"one distinct word \('a'\); there is nothing to learn"),
        ([["a"], ["b"]] * 5, {"window": 1}, ValueError, "no sentence has two words of the vocabulary"),
    ],
)
def test_sentences_that_cannot_be_learned_from(source, change, error, message):
    model = network(**change)
    with pytest.raises(error, match=message) as caught:
        model.fit(source, steps=2, **QUIET)
    assert "\n" not in str(caught.value)
    assert model.params is None


@pytest.mark.host
@each
def test_a_window_larger_than_every_sentence(objective, capfd):
    """Windows end with their sentences, so that how far they could reach changes nothing: the model is the same."""
    whole = {"sample": 0, "shrink_windows": False, "vector_size": 4, **objective}
    models = [network(window=window, **whole).fit(TEXT, steps=20, **QUIET) for window in (5, 6, 10**6)]
    for model in models[1:]:
        assert equal(tables(models[0]), tables(model))
        assert model.evaluate(TEXT) == models[0].evaluate(TEXT)
        assert model.evaluate([*TEXT[:9], ["a1"] * 50]) > 0
        model.fit(TEXT[:20], steps=2, **QUIET)
    assert capfd.readouterr().err == ""
    network(window=6, **whole).fit(TEXT, steps=2)
    said = [line for line in capfd.readouterr().err.splitlines() if "window" in line]
    assert said == [
        "window: 6, but the longest sentence has 6 words of the vocabulary, so every window ends with its sentence"
    ]


@pytest.mark.host
def test_further_sentences_without_a_known_word():
    model = network().fit(TEXT, steps=5, **QUIET)
    with pytest.raises(ValueError, match="no sentence has any of the 24 words in the vocabulary"):
        model.fit([["x", "y"]], steps=5, **QUIET)
    with pytest.raises(KeyError, match="zebra"):
        model.wv["zebra"]


@pytest.mark.host
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        *(
            ({name: value}, f"{name} must be a positive whole number, got {value!r}")
            for name in ("vector_size", "window", "batch_size", "block_size", "shared_negatives")
            for value in (0, -1, 2.5)
        ),
        *(({"negative": value}, "negative must be 0") for value in (-1, 2.5)),
        *(({"sample": value}, "sample must be 0") for value in (-1e-3, np.nan)),
        *(({"ns_exponent": value}, "ns_exponent must be a finite number") for value in (np.nan, np.inf)),
        *(({"min_count": value}, f"min_count must be a positive whole number, got {value}") for value in (0, -1)),
        *(
            ({"max_vocab_size": value}, f"max_vocab_size must be a positive whole number, got {value}")
            for value in (0, -5)
        ),
        ({"phrases": -1}, "phrases must be 0 or a positive whole number, got -1"),
        *(({"alpha": value}, "alpha must be a positive number") for value in (0.0, -0.1, np.nan)),
        *(
            ({"min_alpha": value}, r"min_alpha must be (in \[0, 0\.025\]|0 or a positive number)")
            for value in (-1e-4, 0.5, np.nan)
        ),
        *(({"epochs": value}, "epochs must be a positive number") for value in (0, -1, np.nan, np.inf)),
        *(({"seed": value}, "seed must be 0 or a positive whole number, got") for value in (1.5, "1", True)),
        ({"seed": -1}, "seed must be 0 or a positive whole number, got -1"),
        *(({"negative": value}, "negative must be 0") for value in ("5", None)),
        *(
            ({name: value}, f"{name} must be True or False, got {value!r}")
            for name in ("sg", "cbow_mean", "whole_steps", "shrink_windows", "lines", "lowercase")
            for value in ("no", 2, 1.0, None)
        ),
        *(({"level": value}, "unknown level .*; known: word, space, char, jieba") for value in ("nope", None)),
        ({"phrases": 1.5}, "phrases must be 0 or a positive whole number, got 1.5"),
        ({"dtype": "float16"}, "unknown dtype 'float16'"),
    ],
)
def test_settings_that_make_no_sense(setting, message):
    with pytest.raises((TypeError, ValueError), match=message):
        portnn.Word2Vec(**{**SMALL, **setting})


@pytest.mark.host
@pytest.mark.parametrize(
    "name", ["sample", "ns_exponent", "alpha", "min_alpha", "epochs", "phrases", "phrase_threshold"]
)
@pytest.mark.parametrize("value", ["3", None, True])
def test_settings_that_are_no_numbers(name, value):
    with pytest.raises(
        (TypeError, ValueError), match=f"^{name} must be (a number|0 or a positive whole number), got {value!r}$"
    ):
        portnn.Word2Vec(**{**SMALL, name: value})


@pytest.mark.host
def test_zero_and_one_are_truth_values():
    model = portnn.Word2Vec(sg=0, cbow_mean=np.int64(1), shrink_windows=np.bool_(False))
    settings = model.settings
    assert (settings.sg, settings.cbow_mean, settings.shrink_windows) == (False, True, False)


@pytest.mark.host
@pytest.mark.parametrize("negative", [5, 0])
@pytest.mark.parametrize("exponent", [1e4, -1e4])
def test_a_power_that_no_count_bears(exponent, negative):
    with pytest.raises(ValueError, match=f"ns_exponent is {exponent:g}".replace("+", r"\+")) as caught:
        network(ns_exponent=exponent, negative=negative).fit(TEXT, **QUIET)
    assert "\n" not in str(caught.value)


@pytest.mark.host
def test_a_sample_that_leaves_nothing():
    with pytest.raises(ValueError, match=r"sample is 1e-09, which leaves 0\.\d+ of 1,800 words, too few"):
        network(sample=1e-9).fit(TEXT, **QUIET)
    model = network(sample=1e-4, batch_size=None).fit(TEXT, **QUIET)  # few words, yet pairs
    assert min(model.epoch_losses) > 0.0


class Untouched:
    """Sentences that must not be read: what is wrong is said before."""

    def __iter__(self):
        raise AssertionError("the sentences were read")


@pytest.mark.host
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"steps": 0}, "steps must be a positive whole number, got 0"),
        ({"epochs": -1}, "epochs must be a positive number, got -1"),
        ({"epochs": "3"}, "epochs must be a number, got '3'"),
        ({"steps": 5, "epochs": 1}, "give steps or epochs, not both"),
        ({"optimizer": "newton"}, "unknown optimizer 'newton'"),
        *(
            ({"optimizer": name}, "optimizer .* moves all vectors at every step")
            for name in ("momentum", "rmsprop", "adamw")
        ),
        ({"resume": True}, "resume needs out"),
    ],
)
def test_settings_of_fit_are_refused_before_the_text_is_read(setting, message):
    model = network()
    with pytest.raises((TypeError, ValueError), match=message):
        model.fit(Untouched(), **setting, **QUIET)
    assert model.params is None


@pytest.mark.host
@pytest.mark.parametrize("value", [0, -1, 2.5])
def test_checkpoints_every_so_many_steps(value):
    with pytest.raises(ValueError, match=f"checkpoint_every must be a positive whole number, got {value!r}"):
        network().fit(TEXT, steps=2, checkpoint_every=value, **QUIET)


@pytest.mark.host
@pytest.mark.parametrize(
    ("change", "fit", "message"),
    [
        ({"vector_size": 7}, {}, "the checkpoint has vector_size 6, not 7"),
        ({"window": 3}, {}, "the checkpoint has window 2, not 3"),
        ({"sg": False}, {}, "the checkpoint has sg True, not False"),
        ({"negative": 4}, {}, "the checkpoint has negative 5, not 4"),
        ({"sample": 0.5}, {}, "the checkpoint has sample 0.02, not 0.5"),
        ({"batch_size": 33}, {}, "the checkpoint has batch_size 32, not 33"),
        ({"seed": 4}, {}, "the checkpoint has seed 3, not 4"),
        ({"alpha": 0.05}, {}, "the checkpoint has alpha 0.025, not 0.05"),
        ({"min_count": 2}, {}, "the checkpoint has min_count 1, not 2"),
        ({"shrink_windows": False}, {}, "the checkpoint has shrink_windows True, not False"),
        ({"dtype": "float64"}, {}, "the checkpoint has dtype 'float32', not 'float64'"),
        ({}, {"optimizer": "adam"}, "the checkpoint has optimizer .*sgd.* not .*adam"),
        ({}, {"sentences": TEXT[:-1]}, "sentences has 1794 words, but the text trained on, sentences, had 1800"),
        ({}, {"sentences": TEXT[::-1]}, "sentences is not the text trained on"),
    ],
)
def test_another_run_is_not_resumed(tmp_path, change, fit, message):
    out = tmp_path / "vectors.safetensors"
    network().fit(TEXT, steps=3, out=out, **QUIET)
    before = out.read_bytes()
    model = network(**change)
    with pytest.raises(CheckpointError, match=message):
        model.fit(**{"sentences": TEXT, "steps": 5, "out": out, "resume": True, **QUIET, **fit})
    assert out.read_bytes() == before
    assert model.params is None


@pytest.mark.host
def test_a_run_is_replaced_only_when_that_is_said(tmp_path):
    out = tmp_path / "vectors.safetensors"
    model = network().fit(TEXT, steps=3, out=out, **QUIET)
    with pytest.raises(ValueError, match="already holds a run: resume it, overwrite it"):
        network().fit(TEXT, steps=3, out=out, **QUIET)
    network().fit(TEXT, steps=4, out=out, overwrite=True, **QUIET)
    assert load_checkpoint(out)[1]["run"]["step"] == 4
    model.save(out)
    with pytest.raises(CheckpointError, match="no training state"):
        network().fit(TEXT, steps=5, out=out, resume=True, **QUIET)
    arrays, facts = load_checkpoint(out)
    save_checkpoint(out, {**arrays, "params.input": arrays["params.input"][1:]}, facts)
    with pytest.raises(CheckpointError, match="input does not fit"):
        portnn.load(out)
    del arrays["vocabulary.bytes"]
    save_checkpoint(out, arrays, facts)
    with pytest.raises(CheckpointError, match=r"the checkpoint has no vocabulary\.bytes"):
        portnn.load(out)


@pytest.mark.host
def test_numbers_of_numpy_are_numbers(tmp_path):
    """A checkpoint holds plain ones."""
    model = portnn.Word2Vec(
        vector_size=np.int64(6),
        window=np.int64(2),
        negative=np.int32(3),
        alpha=np.float32(0.025),
        min_count=np.int64(1),
        epochs=np.int64(1),
        seed=np.int64(3),
        sg=1,
        sample=np.float32(0.02),
        batch_size=np.int64(32),
    )
    model.fit(TEXT, out=tmp_path / "run", **QUIET)
    assert portnn.load(tmp_path / "run" / "last.safetensors").settings.sg is True


@pytest.mark.host
def test_the_learning_rate_falls_in_a_line():
    rates = []
    model = network(alpha=0.1, min_alpha=0.02)
    model.fit(TEXT, steps=10, callbacks=[lambda event: rates.append(event.learning_rate)], **QUIET)
    np.testing.assert_allclose(rates, 0.1 - 0.08 * np.arange(10) / 10, rtol=1e-12)


@pytest.mark.host
def test_progress_says_what_the_loss_is_of(capfd):
    network().fit(TEXT, epochs=1)
    said = capfd.readouterr().err
    assert re.search(r"epoch 1: loss \d\.\d+ nats per pair", said)
    network().fit(TEXT, epochs=1, **QUIET)
    assert capfd.readouterr().err == ""
