"""`Word2Vec` given sentences: it trains as soon as it is made, and is what its `fit` would have made of it."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

import portnn
from portnn.checkpoints import load_checkpoint
from portnn.estimators.word2vec_settings import Word2VecSettings

from .examples import tables

pytestmark = pytest.mark.host

SENTENCES = [["red", "green", "blue", "red"], ["one", "two", "three", "one"]] * 60
SMALL = {"vector_size": 4, "window": 2, "min_count": 1, "sample": 0.0, "batch_size": 8, "epochs": 2, "seed": 3}
QUIET = {"progress": False}


@pytest.fixture
def corpus_file(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(map(" ".join, SENTENCES)))
    return path


@pytest.mark.parametrize("workers", [None, 1, 2])
def test_the_constructor_trains_as_fit_does_bit_for_bit(workers):
    at_once, later = [], []
    made = portnn.Word2Vec(SENTENCES, **SMALL, workers=workers, callbacks=[at_once.append], **QUIET)
    fitted = portnn.Word2Vec(**SMALL).fit(SENTENCES, workers=workers, callbacks=[later.append], **QUIET)
    assert tables(made) == tables(fitted)
    assert made.epoch_losses == fitted.epoch_losses
    assert [event.step for event in at_once] == [event.step for event in later] != []


def test_a_file_of_sentences_is_given_by_its_name_or_its_path(corpus_file):
    right = tables(portnn.Word2Vec(**SMALL).fit(corpus_file, **QUIET))
    for given in (
        {"corpus_file": str(corpus_file)},
        {"corpus_file": corpus_file},
        {"sentences": corpus_file},
        {"sentences": corpus_file.read_text()},
        {"corpus_file": corpus_file.parent},
    ):
        assert tables(portnn.Word2Vec(**given, **SMALL, **QUIET)) == right


FIRST = ["sentences", "corpus_file", "vector_size", "alpha", "window", "min_count"]


def test_what_is_given_by_position():
    parameters = inspect.signature(portnn.Word2Vec).parameters
    assert [name for name, one in parameters.items() if one.kind is not inspect.Parameter.KEYWORD_ONLY] == FIRST
    by_name = {"alpha": 0.05, **SMALL}
    others = {name: value for name, value in SMALL.items() if name not in FIRST}
    by_position = portnn.Word2Vec(SENTENCES, None, 4, 0.05, 2, 1, **others, **QUIET)
    assert by_position.settings == portnn.Word2Vec(**by_name).settings
    assert tables(by_position) == tables(portnn.Word2Vec(sentences=SENTENCES, **by_name, **QUIET))


@pytest.mark.gensim_oracle
def test_names_and_their_order_are_those_of_gensim():
    from gensim.models import Word2Vec as Theirs

    theirs = list(inspect.signature(Theirs).parameters)
    assert theirs[: len(FIRST)] == FIRST
    assert {"workers", "callbacks", "epochs", "sample", "min_alpha"} < set(theirs) & set(
        inspect.signature(portnn.Word2Vec).parameters
    )


@pytest.mark.gensim_oracle
def test_callbacks_of_gensim_are_refused_with_what_to_write(capfd):
    from gensim.models.callbacks import CallbackAny2Vec

    class EpochLogger(CallbackAny2Vec):
        def on_epoch_end(self, model):
            raise AssertionError("portnn calls functions")

    for call in (
        lambda: portnn.Word2Vec(Untouched(), callbacks=[EpochLogger()]),
        lambda: portnn.Word2Vec().fit(Untouched(), callbacks=[EpochLogger()]),
    ):
        with pytest.raises(
            TypeError, match=r"EpochLogger object .* is not callable: give a function, or a class"
        ) as bad:
            call()
        assert "\n" not in str(bad.value)
    assert capfd.readouterr().err == ""


class Untouched:
    """Sentences that must not be read: what is wrong is said before."""

    def __iter__(self):
        raise AssertionError("the sentences were read")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"sentences": iter(SENTENCES)}, TypeError, "which can be read only once"),
        (
            {"sentences": (line for line in SENTENCES)},
            TypeError,
            "sentences is a generator, which can be read only once",
        ),
        ({"sentences": 100}, TypeError, "sentences is int; expected a text, a path, or lists of words"),
        ({"sentences": []}, ValueError, "corpus is empty"),
        (
            {"sentences": Untouched(), "corpus_file": "a.txt"},
            ValueError,
            "give sentences or corpus_file, the first two arguments, not both",
        ),
        ({"corpus_file": "no such file"}, FileNotFoundError, 'corpus "no such file" does not exist'),
        *(
            ({"corpus_file": value}, TypeError, "corpus_file must be the name of a file or folder, got ")
            for value in ("", b"a.txt", ["a.txt"], 4)
        ),
        ({"sentences": Untouched(), "workers": 0}, ValueError, "workers must be a positive whole number, got 0"),
        ({"workers": "many"}, TypeError, "workers must be a positive whole number, got 'many'"),
        ({"sentences": Untouched(), "progress": "no"}, ValueError, "progress must be True or False, got 'no'"),
        (
            {"sentences": Untouched(), "callbacks": print},
            TypeError,
            "callbacks must be a list of functions, got <built",
        ),
        ({"sentences": Untouched(), "callbacks": [print, 3]}, TypeError, "but 3 is not callable: give a function"),
        ({"callbacks": [print]}, ValueError, "callbacks without sentences: .*, or give callbacks to fit"),
        ({"progress": False}, ValueError, "progress without sentences: .*, or give progress to fit"),
        (
            {"sentences": Untouched(), "size": 50},
            TypeError,
            "argument 'size'; known: sentences, corpus_file, vector_size",
        ),
    ],
)
def test_what_is_refused(given, error, message):
    with pytest.raises(error, match=message) as caught:
        portnn.Word2Vec(**{**SMALL, **given})
    assert "\n" not in str(caught.value)


@pytest.fixture
def runs(monkeypatch):
    """Settings of each run, none of which takes place."""
    seen = []
    monkeypatch.setattr("portnn.estimators.word2vec.run", lambda model, settings, prepare: seen.append(settings))
    return seen


def test_without_sentences_epochs_and_workers_are_those_of_every_fit_with_none_of_its_own(runs):
    model = portnn.Word2Vec(epochs=3, workers=2)
    assert not runs
    for given in ({}, {"workers": 1}, {"workers": "mpi", "epochs": 2}, {"steps": 9}):
        model.fit(SENTENCES, **given)
    portnn.Word2Vec().fit(SENTENCES)
    found = [(one.workers, one.epochs, one.steps) for one in runs]
    assert found == [(2, 3.0, None), (1, 3.0, None), ("mpi", 2.0, None), (2, None, 9), (None, 5.0, None)]


def test_what_it_was_trained_on_and_with_is_not_kept(tmp_path):
    """So that whatever a callback is, the model can be pickled."""
    model = portnn.Word2Vec(SENTENCES, **SMALL, workers=1, callbacks=[lambda event: None], **QUIET)
    assert type(model.settings) is Word2VecSettings
    assert not {"sentences", "corpus_file", "callbacks", "progress"} & {*vars(model), *vars(model.settings)}
    assert repr(model).startswith("Word2Vec(window=2, min_count=1, epochs=2.0, workers=1, batch_size=8, seed=3, ")
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
        assert tables(other) == tables(model)
        assert other.settings == model.settings
        assert tables(other.fit(SENTENCES, **QUIET)) != tables(model)
    model.save(tmp_path / "vectors.safetensors")
    assert (
        not {"sentences", "callbacks", "workers"}
        & load_checkpoint(tmp_path / "vectors.safetensors")[1]["settings"].keys()
    )
    loaded = portnn.load(tmp_path / "vectors.safetensors")
    assert tables(loaded) == tables(model)
    assert (loaded.settings.workers, loaded.settings.epochs) == (None, 2.0)


def test_a_drawn_seed_is_known_as_drawn():
    first, second = (portnn.Word2Vec(SENTENCES, **{**SMALL, "seed": None}, **QUIET) for _ in range(2))
    assert first.settings.seed_was_drawn
    assert first.settings.seed != second.settings.seed
    again = portnn.Word2Vec(SENTENCES, **{**SMALL, "seed": first.settings.seed}, **QUIET)
    assert tables(again) == tables(first)


def test_progress_is_shown_unless_it_is_declined(capfd):
    portnn.Word2Vec(SENTENCES, **SMALL)
    assert re.search(r"epoch 2: loss \d\.\d+ nats per pair", capfd.readouterr().err)
    portnn.Word2Vec(SENTENCES, **SMALL, **QUIET)
    assert capfd.readouterr().err == ""
