"""Runs of a `TextClassifier`: from files as from lists, with workers, further, resumed, saved."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn
from portnn.checkpoints import CheckpointError, load_checkpoint
from portnn.models.sequence_classifier import TABLE
from portnn.tables import LabelledTexts

from .negations import LEARNING, QUICK, SIGNS, TEXTS, equal, network, tables, write_tsv

pytestmark = pytest.mark.host


@pytest.fixture
def path(tmp_path):
    return write_tsv(tmp_path / "reviews.tsv")


def test_a_file_trains_as_its_texts_and_labels_do(path, tmp_path):
    """Bit for bit: from its path, several paths, a reader, JSON lines, and a folder of classes."""
    right = network().fit(TEXTS, SIGNS, held_out=0.2, **QUICK)
    (tmp_path / "r.jsonl").write_text(
        "".join(json.dumps({"text": t, "label": s}) + "\n" for t, s in zip(TEXTS, SIGNS, strict=True))
    )
    write_tsv(tmp_path / "one.tsv", TEXTS[:20], SIGNS[:20])
    write_tsv(tmp_path / "two.tsv", TEXTS[20:], SIGNS[20:])
    for source in (path, LabelledTexts(path), tmp_path / "r.jsonl", [tmp_path / "one.tsv", tmp_path / "two.tsv"]):
        model = network().fit(source, held_out=0.2, **QUICK)
        assert equal(model, right), source
        assert [line["held_out_loss"] for line in model.metrics] == [line["held_out_loss"] for line in right.metrics]
        assert model.evaluate(source) == right.evaluate(TEXTS, SIGNS)
        assert model.score(source) == right.score(TEXTS, SIGNS)


def test_what_does_not_fit_into_memory_is_mapped_and_trains_alike(path, monkeypatch, tmp_path):
    right = network().fit(TEXTS, SIGNS, held_out=0.2, **QUICK)
    monkeypatch.setenv("PORTNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("portnn.estimators.text_corpus.MEMORY_LIMIT", 0)
    assert equal(network().fit(path, held_out=0.2, **QUICK), right)


def test_numbers_in_a_file_are_numbers(tmp_path):
    numbers = [3 if sign == "+" else -1 for sign in SIGNS]
    model = network().fit(write_tsv(tmp_path / "numbers.tsv", labels=numbers), **LEARNING)
    assert model.labels.names == [-1, 3]
    assert model.predict(TEXTS).tolist() == numbers
    assert model.evaluate(tmp_path / "numbers.tsv") == model.evaluate(TEXTS, numbers)
    codes = ["007" if sign == "+" else "1" for sign in SIGNS]
    model = network().fit(write_tsv(tmp_path / "codes.tsv", labels=codes), **QUICK)
    assert model.labels.names == ["007", "1"]


def test_a_label_in_a_file_that_training_never_saw_names_its_line(path, tmp_path):
    model = network().fit(path, **QUICK)
    write_tsv(tmp_path / "test.tsv", TEXTS[:5], [*SIGNS[:3], "?", "+"])
    for call in (lambda: model.evaluate(tmp_path / "test.tsv"), lambda: model.fit(tmp_path / "test.tsv", **QUICK)):
        with pytest.raises(ValueError, match=r"test\.tsv: line 4: training never saw the label '\?'; the classes are"):
            call()
    with pytest.raises(ValueError, match=r"test\.tsv: line 4: training never saw the label"):
        network().fit(path, held_out=tmp_path / "test.tsv", **QUICK)


def test_files_that_teach_nothing(tmp_path, path):
    empty, one, own = (tmp_path / name for name in ("empty.tsv", "one.tsv", "own.tsv"))
    empty.write_text("")
    write_tsv(one, labels=["+"] * 60)
    write_tsv(own, labels=[f"label {number}" for number in range(60)])
    for source, message in (
        (empty, r"empty\.tsv"),
        (one, r"one\.tsv: every text has the label '\+'; a classifier needs two or more$"),
        (own, r"own\.tsv: each of the 60 texts has a label of its own, such as 'label 0'; is it the right column\?"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            network().fit(source, **QUICK)
        assert "\n" not in str(caught.value)
    with pytest.raises(TypeError, match=r"reviews\.tsv holds labels, so none can be given beside it"):
        network().fit(path, SIGNS, **QUICK)
    with pytest.raises(OSError, match=r"absent\.tsv"):
        network().fit(tmp_path / "absent.tsv", **QUICK)


def test_several_labels_from_a_file(tmp_path):
    several = [[word for word in ("not", "good") if word in text.split()] for text in TEXTS]
    (tmp_path / "r.jsonl").write_text(
        "".join(json.dumps({"text": t, "label": s}) + "\n" for t, s in zip(TEXTS, several, strict=True))
    )
    right = network(multi_label=True).fit(TEXTS, several, **QUICK)
    model = network(multi_label=True).fit(tmp_path / "r.jsonl", **QUICK)
    assert equal(model, right)
    assert model.evaluate(tmp_path / "r.jsonl") == right.evaluate(TEXTS, several)


@pytest.mark.parametrize("settings", [{"dropout": 0.3}, {"embedding_size": None, "cell": "rnn"}, {"pooling": "max"}])
def test_two_workers_train_to_the_same_parameters_and_always_to_the_same_bits(settings):
    run = {**QUICK, "held_out": 0.2}
    alone = network(**settings).fit(TEXTS, SIGNS, np.arange(60.0), **run, workers=1)
    together, again = (network(**settings).fit(TEXTS, SIGNS, np.arange(60.0), **run, workers=2) for _ in range(2))
    assert equal(together, again)
    for name, array in tables(together).items():
        assert_allclose(array, tables(alone)[name], rtol=1e-8, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("optimizer", ["adamw", "rmsprop", "sgd", "adagrad", "adam"])
def test_optimizers_of_every_kind(optimizer, tmp_path):
    """Those that move all rows of a table at every step, too."""
    run = {**QUICK, "optimizer": optimizer, "epochs": None}
    whole = network().fit(TEXTS, SIGNS, **run, steps=20)

    def fail(event):
        if event.step == 12:
            raise KeyError("planted")

    with pytest.raises(KeyError):
        network().fit(TEXTS, SIGNS, **run, steps=20, out=tmp_path, checkpoint_every=5, callbacks=[fail])
    assert equal(network().fit(TEXTS, SIGNS, **run, steps=20, out=tmp_path, resume=True), whole)


def test_a_run_is_resumed_from_a_file_as_from_a_list(path, tmp_path):
    network().fit(path, out=tmp_path / "run", held_out=0.2, **{**QUICK, "epochs": 2})
    model = network().fit(TEXTS, SIGNS, out=tmp_path / "run", resume=True, held_out=0.2, **{**QUICK, "epochs": 4})
    assert equal(model, network().fit(TEXTS, SIGNS, held_out=0.2, **{**QUICK, "epochs": 4}))


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ["+" if sign == "-" else "-" for sign in SIGNS]},
        {"texts": ["not the very film", *TEXTS[1:]]},
        {"sample_weight": np.arange(60.0)},
        {"held_out": (TEXTS[1:], SIGNS[1:])},
        {"held_out": (TEXTS, SIGNS, np.arange(60.0))},
        {"texts": TEXTS[:-1], "labels": SIGNS[:-1]},
    ],
)
def test_a_run_is_not_resumed_on_other_data(changes, tmp_path):
    given = {"texts": TEXTS, "labels": SIGNS, "sample_weight": None, "held_out": (TEXTS, SIGNS)}
    network().fit(**given, out=tmp_path, **{**QUICK, "epochs": 1})
    with pytest.raises(CheckpointError, match=r"^cannot resume: "):
        network().fit(**{**given, **changes}, out=tmp_path, resume=True, **QUICK)


def test_training_goes_on_with_the_words_and_labels_that_are_known():
    model = network().fit(TEXTS, SIGNS, **QUICK)
    vocabulary = model.vocabulary
    model.fit(["a new good", "bad"], ["+", "+"], **QUICK)
    assert model.vocabulary is vocabulary
    assert model.labels.names == ["+", "-"]
    assert model.unknown_words(["new"]) == ["new"]


def test_a_model_is_saved_loaded_and_pickled_with_its_answers(tmp_path):
    for settings in ({"bidirectional": True, "num_layers": 2}, {"embedding_size": None}, {"level": "char"}):
        model = network(**settings).fit(TEXTS, SIGNS, **QUICK)
        model.save(tmp_path / "m.safetensors")
        for twin in (portnn.load(tmp_path / "m.safetensors"), pickle.loads(pickle.dumps(model))):
            assert twin.outputs(TEXTS).tolist() == model.outputs(TEXTS).tolist()
            assert twin.explain(TEXTS[0]).contributions.tolist() == model.explain(TEXTS[0]).contributions.tolist()
            assert equal(twin.fit(TEXTS, SIGNS, **QUICK), pickle.loads(pickle.dumps(model)).fit(TEXTS, SIGNS, **QUICK))


def test_a_checkpoint_whose_parts_do_not_fit_is_refused(tmp_path):
    network().fit(TEXTS, SIGNS, **QUICK).save(tmp_path / "m.safetensors")
    arrays, facts = load_checkpoint(tmp_path / "m.safetensors")
    name = next(name for name in arrays if TABLE in name)
    damaged = [
        ({**arrays, name: arrays[name][1:]}, facts),
        (arrays, {**facts, "labels": {**facts["labels"], "classes": {"labels": ["+"], "dtype": "<U1"}}}),
        (arrays, {**facts, "labels": {}}),
        (arrays, {key: fact for key, fact in facts.items() if key != "labels"}),
        (arrays, {key: fact for key, fact in facts.items() if key != "word_rules"}),
        ({key: array for key, array in arrays.items() if key != name}, facts),
    ]
    for number, (changed, changed_facts) in enumerate(damaged):
        portnn.checkpoints.save_checkpoint(tmp_path / f"{number}.safetensors", changed, changed_facts)
        with pytest.raises(CheckpointError):
            portnn.load(tmp_path / f"{number}.safetensors")
