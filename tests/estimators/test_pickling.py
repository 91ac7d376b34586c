"""Whatever people hold can be pickled, copied, dumped by joblib and sent to another process, whatever it did before.

Methods are found by introspection: one that this file does not know how to call is a failure.
"""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
import math
import multiprocessing
import operator
import pickle
import pkgutil
import signal
from concurrent.futures import ProcessPoolExecutor

import joblib
import numpy as np
import pytest

import portnn
from portnn.backends import backend_of, to_host
from portnn.checking.gradients import GradientError
from portnn.checking.parity import ParityError
from portnn.checkpoints import load_checkpoint
from portnn.estimators import LanguageEvaluator
from portnn.estimators.registry import estimator_class
from portnn.estimators.row_evaluation import RowEvaluator
from portnn.groups import GoneError, StalledError
from portnn.models import RowBatch
from portnn.optimizers import OPTIMIZERS, optimizer
from portnn.optimizers.schedules import SCHEDULES, schedule
from portnn.text import Phrases, Sentences, StreamDecoder, Vocabulary, encode_words, read_corpus
from portnn.text.sentences import SENTENCE_LEVELS
from portnn.training import Interrupted, RunFolder
from portnn.training.state import RunState
from portnn.vectors.unknown_word import unknown_word

from .examples import EXAMPLES, IMAGES, POINTS, TEXT, TEXTS, every_estimator, fit, make, tables


@pytest.fixture(scope="module")
def pool():
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture
def sent(pool, tmp_path):
    """Copies of an object, one by each way that people send or keep it."""

    def copies(thing):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            yield pickle.loads(pickle.dumps(thing, protocol))
        yield copy.copy(thing)
        yield copy.deepcopy(thing)
        joblib.dump(thing, tmp_path / "thing.joblib")
        yield joblib.load(tmp_path / "thing.joblib")
        yield pool.submit(copy.deepcopy, thing).result(timeout=120)

    return copies


def public_methods(kind):
    """Names of what can be called on an object of a class, properties among them."""
    return [
        name
        for name, value in inspect.getmembers_static(kind)
        if not name.startswith("_") and not isinstance(value, type | dict | str | int)
    ]


ROWS = {
    **dict.fromkeys(
        ("hidden", "outputs", "predict", "predict_proba", "predict_log_proba"),
        lambda call, data, folder: call(data[0]),
    ),
    **dict.fromkeys(
        ("evaluate", "initialize", "loss_and_gradient", "partial_fit", "score"), lambda call, data, folder: call(*data)
    ),
    "pack": lambda call, data, folder: call(),
    "unpack": lambda call, data, folder: call(call.__self__.pack()),
    "classes": None,
    "objective": None,
}
METHODS = {
    **dict.fromkeys(every_estimator, ROWS),
    "Captioner": {
        "generate": lambda call, data, folder: call(data[0], temperature=0.5),
        "evaluate": lambda call, data, folder: call(*data),
        "features": lambda call, data, folder: None,
        "caption_blocks": lambda call, data, folder: next(iter(call(data[0]))),
        "word_gradients": lambda call, data, folder: call(data[0][0], "no bird"),
    },
    "CharRNN": {
        "evaluate": lambda call, data, folder: call(*data),
        "sample": lambda call, data, folder: call(5, prime="to ", temperature=0.7, top_k=3, stop="z"),
        "stream": lambda call, data, folder: next(call(5)),
    },
    "ConvNet": {
        **ROWS,
        "features": ROWS["hidden"],
        "feature_blocks": lambda call, data, folder: next(iter(call(data[0]))),
    },
    "TextClassifier": {
        **dict.fromkeys(
            ("outputs", "predict", "predict_proba", "predict_log_proba", "unknown_words"),
            lambda call, data, folder: call(data[0]),
        ),
        **dict.fromkeys(("confusion", "evaluate", "score"), lambda call, data, folder: call(*data)),
        "tokens": lambda call, data, folder: call("a dull film"),
        "explain": lambda call, data, folder: call("a dull film", "-"),
    },
    "Word2Vec": {
        "evaluate": lambda call, data, folder: call(*data),
        "vectors": lambda call, data, folder: [call(table).most_similar("red") for table in ("sum", "output")],
        "batch_size_for": lambda call, data, folder: call(call.__self__.vocabulary),
        "wv": lambda value: (value.most_similar("red"), value.most_similar_cosmul("red"), value.inverse_lengths),
        "epoch_losses": None,
    },
}
EVERY = {
    "fit": lambda call, data, folder: fit(call.__self__),
    "save": lambda call, data, folder: call(folder / "saved.safetensors"),
    "to": lambda call, data, folder: call(call.__self__.backend.name, device=call.__self__.backend.device),
    "recipe": lambda call, data, folder: None,
    "from_checkpoint": lambda call, data, folder: None,
}
"""How to call each public method of an estimator; of a property, what to do with its value. The class methods make
estimators, and leave the one at hand alone."""


@functools.cache
def fitted(name, backend):
    return pickle.dumps(fit(make(name, backend)))


def use(model, method, ways, folder):
    """Call a method, or look at a property, as this file says."""
    way = ways[method]
    if isinstance(inspect.getattr_static(type(model), method), property):
        return way and way(getattr(model, method))
    if isinstance(model, portnn.LinearRegression) and method in ("predict_proba", "predict_log_proba"):
        with pytest.raises(ValueError, match="a regression predicts no probabilities"):
            way(getattr(model, method), EXAMPLES["LinearRegression"].data, folder)
        return None
    return way(getattr(model, method), EXAMPLES[type(model).__name__].data, folder)


@pytest.mark.host
@pytest.mark.parametrize("name", every_estimator)
def test_every_public_method_is_known_here(name):
    assert sorted(public_methods(estimator_class(name))) == sorted({**EVERY, **METHODS[name]})


each = pytest.mark.parametrize(
    ("name", "method"), [(name, method) for name in every_estimator for method in public_methods(estimator_class(name))]
)


@each
def test_an_estimator_after_each_of_its_methods(name, method, backend, sent, tmp_path):
    model = pickle.loads(fitted(name, backend))
    use(model, method, {**EVERY, **METHODS[name]}, tmp_path)
    for twin in sent(model):
        assert type(twin) is type(model)
        assert (twin.settings, twin.metrics, twin.backend) == (model.settings, model.metrics, model.backend)
        assert tables(twin) == tables(model)
    use(twin, method, {**EVERY, **METHODS[name]}, tmp_path)


@pytest.mark.parametrize("name", every_estimator)
def test_another_process_can_use_it(name, backend, pool):
    model = pickle.loads(fitted(name, backend))
    EXAMPLES[name].ask(model)
    evaluate = operator.methodcaller("evaluate", *EXAMPLES[name].data)
    there = pool.submit(evaluate, model).result(timeout=120)
    assert np.allclose(there, evaluate(model), rtol=1e-4)


@pytest.mark.parametrize("name", every_estimator)
def test_an_estimator_whose_run_was_cut_off(name, backend, sent):
    def cut(event):
        if event.step == 3:
            raise KeyboardInterrupt

    model = make(name, backend)
    with pytest.raises(KeyboardInterrupt):
        fit(model, callbacks=[cut])
    for twin in sent(model):
        assert (tables(twin), twin.history.step) == (tables(model), 3)
    assert tables(fit(twin)) == tables(fit(model))


def test_evaluators_states_and_backends(backend, sent, tmp_path):
    rnn, mlp = (pickle.loads(fitted(name, backend)) for name in ("CharRNN", "MLP"))
    rows = RowBatch(*map(backend.asarray, (POINTS, np.arange(40) % 3)), None)
    for evaluator, params in (
        (LanguageEvaluator(rnn.model, rnn.backend, read_corpus(TEXT, vocabulary=rnn.vocabulary).ids), rnn.params),
        (RowEvaluator(mlp.model, mlp.backend, rows), mlp.params),
    ):
        before = evaluator(params)
        for twin in sent(evaluator):
            assert twin(params) == before
    for model in (rnn, mlp):
        for twin in sent(model.history):
            assert isinstance(twin, RunState)
            assert twin.step == 6
    for twin in sent(backend):
        assert twin == backend
        assert backend_of(array=twin.asarray(np.ones(2))).name == backend.name


VECTORS = {
    **dict.fromkeys(("get_index", "get_vector", "host_vector", "unit_vector"), lambda call, folder: call("red")),
    **dict.fromkeys(("distance", "rank", "similarity"), lambda call, folder: call("red", "green")),
    **dict.fromkeys(("most_similar", "most_similar_cosmul"), lambda call, folder: call("red")),
    "doesnt_match": lambda call, folder: call(["red", "green", "blue"]),
    "evaluate_word_analogies": lambda call, folder: call(folder / "questions.txt"),
    "evaluate_word_pairs": lambda call, folder: call(folder / "pairs.tsv"),
    "load": lambda call, folder: None,
    "load_word2vec_format": lambda call, folder: None,
    "save": lambda call, folder: call(folder / "vectors.safetensors"),
    "save_word2vec_format": lambda call, folder: call(folder / "vectors.txt"),
    "to": lambda call, folder: call(call.__self__.backend),
    "inverse_lengths": None,
    "vector_size": None,
}
WORDS = ["red", "green", "blue", "one", "two"]


@pytest.mark.host
def test_every_public_method_of_vectors_is_known_here():
    assert sorted(public_methods(portnn.KeyedVectors)) == sorted(VECTORS)


@pytest.mark.parametrize("method", VECTORS)
def test_vectors_after_each_of_their_methods(method, backend, sent, rng, tmp_path):
    (tmp_path / "questions.txt").write_text(": colours\nred green blue one\n")
    (tmp_path / "pairs.tsv").write_text("red\tgreen\t3\nblue\tone\t2\ntwo\tone\t9\n")
    wv = portnn.KeyedVectors(WORDS, backend.asarray(rng.normal(size=(5, 3))), counts=[5, 4, 3, 2, 1])
    value = getattr(wv, method)
    if callable(value) and VECTORS[method] is not None:
        VECTORS[method](value, tmp_path)
    for twin in sent(wv):
        assert twin.index_to_key == WORDS
        assert to_host(twin.vectors).tobytes() == to_host(wv.vectors).tobytes()
        assert twin.most_similar("red") == wv.most_similar("red")


@pytest.mark.host
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_backend_is_unpickled_before_the_arrays(name):
    """In a new process, JAX knows float64 only from then on."""
    state = list(getattr(portnn, name)(**EXAMPLES[name].settings).__getstate__())
    assert state.index("backend") < min(state.index("params"), state.index("history"))


def test_vectors_keep_their_dtype_in_a_process_that_has_computed_nothing(backend, rng):
    wv = portnn.KeyedVectors(WORDS, backend.asarray(rng.normal(size=(5, 3))))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        twin = pool.submit(copy.deepcopy, wv).result(timeout=120)
    assert to_host(twin.vectors).tobytes() == to_host(wv.vectors).tobytes()


@pytest.mark.host
def test_mapped_vectors_become_arrays(sent, rng, tmp_path):
    portnn.KeyedVectors(WORDS, rng.normal(size=(5, 3))).save(tmp_path / "vectors.safetensors")
    wv = portnn.KeyedVectors.load(tmp_path / "vectors.safetensors", mmap=True)
    for twin in sent(wv):
        assert twin.most_similar("red") == wv.most_similar("red")


def read(source):
    return [list(sentence) for sentence in source]


@pytest.mark.host
@pytest.mark.parametrize("level", SENTENCE_LEVELS)
@pytest.mark.parametrize("lowercase", [False, True])
def test_sentences_and_phrases(level, lowercase, sent, tmp_path):
    (tmp_path / "text").write_text("New York is New York.\nHe is in New York\n" * 9)
    sentences = Sentences(tmp_path / "text", level=level, lowercase=lowercase)
    phrases = Phrases(sentences, min_count=1, threshold=0.1)
    for thing in (sentences, phrases.joined(sentences), phrases.joined([["New", "York"]])):
        before = read(thing)
        for twin in sent(thing):
            assert read(twin) == before
    for twin in sent(phrases):
        assert read(twin.joined(sentences)) == read(phrases.joined(sentences))


@pytest.mark.host
@pytest.mark.parametrize("level", ["char", "byte", "word", "jieba"])
def test_corpora_and_vocabularies(level, sent, tmp_path):
    text = "été, café et thé; " * 9
    (tmp_path / "text").write_text(text, encoding="utf-8")
    for source, limit in ((text, 1 << 20), (tmp_path / "text", 1)):
        corpus = read_corpus(source, level=level, memory_limit=limit, cache_dir=tmp_path / "cache")
        decoded = corpus.vocabulary.decode(corpus.ids)
        for twin in sent(corpus):
            assert twin.vocabulary.decode(twin.ids) == decoded
            twin.release()
        for twin in sent(corpus.vocabulary):
            assert twin.encode(text).tolist() == corpus.ids.tolist()
    decoder = StreamDecoder(corpus.vocabulary)
    first = decoder.feed(int(corpus.ids[0]))  # at level byte, half of a letter
    whole = first + decoder.feed(int(corpus.ids[1]))
    for twin in sent(StreamDecoder(Vocabulary.from_text(text, level))):
        assert "".join(twin.feed(int(number)) for number in corpus.ids[:2]) == whole


@pytest.mark.host
def test_half_a_letter_goes_along(sent):
    decoder = StreamDecoder(Vocabulary.from_text("", "byte"))
    assert decoder.feed("é".encode()[0]) == ""
    for twin in list(sent(decoder)):  # a shallow copy shares what it remembers
        assert twin.feed("é".encode()[1]) == "é"


@pytest.mark.host
def test_words_and_their_ids(sent, tmp_path):
    sentences = [["red", "green"], ["red"]] * 3
    vocabulary = pickle.loads(fitted("Word2Vec", portnn.backend("numpy"))).vocabulary
    for limit in (1 << 20, 0):
        words = encode_words(sentences, vocabulary, memory_limit=limit, cache_dir=tmp_path)
        for twin in sent(words):
            assert (twin.ids.tolist(), twin.words, twin.sha256) == (words.ids.tolist(), words.words, words.sha256)
            twin.release()
    for twin in sent(vocabulary):
        assert twin.index == vocabulary.index


@pytest.mark.host
def test_what_a_run_is_made_of(sent, tmp_path):
    things = [
        *(schedule(name, 0.1, 100, **({"every": 10} if name == "halving" else {})) for name in SCHEDULES),
        *(optimizer(name) for name in OPTIMIZERS),
        *(estimator_class(name).RUN(steps=3, out=tmp_path) for name in every_estimator),
    ]
    for thing in things:
        for twin in sent(thing):
            assert twin == thing
    for twin in sent(RunFolder(tmp_path)):
        assert twin.best == tmp_path / "best.safetensors"


@pytest.mark.host
def test_the_callback_that_shows_samples(sent):
    from portnn.cli.char_rnn.report import SampleCallback

    model = pickle.loads(fitted("CharRNN", portnn.backend("numpy")))
    model.sample(3)
    for twin in sent(SampleCallback(model, 100)):
        assert twin.model.sample(9) == model.sample(9)


def damaged(path):
    path.write_text("no checkpoint")
    load_checkpoint(path)


ERRORS = [
    portnn.DivergenceError(7, math.inf, 0.1, None),
    portnn.DivergenceError(7, 3.0, 0.1, 2.5),
    Interrupted(signal.SIGTERM, 12),
    unknown_word("flim", ["film", "films"]),
    portnn.MissingBackendError("torch is not installed", name="torch"),
    portnn.CheckpointError("x is damaged"),
    portnn.groups.WorkerError("a worker process has ended"),
    GoneError(),
    StalledError("rank 3 has not answered"),
    GradientError("wrong"),
    ParityError("wrong"),
]


@pytest.mark.host
def test_every_exception_has_an_example():
    modules = [importlib.import_module(info.name) for info in pkgutil.walk_packages(portnn.__path__, "portnn.")]
    own = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseException) and value.__module__.startswith("portnn.")
    }
    assert own == {type(error) for error in ERRORS}


@pytest.mark.host
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_exception_says_the_same_elsewhere(error, sent):
    for twin in sent(error):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)
        assert (getattr(twin, "name", None), repr(twin)) == (getattr(error, "name", None), repr(error))


@pytest.mark.host
def test_a_run_that_diverges_in_another_process_says_so_here(pool):
    """An exception that cannot be read again would break the pool."""
    model = portnn.MLP((4,), activation="identity", objective="squared_error")
    diverge = operator.methodcaller("fit", POINTS * 1e9, POINTS[:, 0], learning_rate=1e9, progress=False)
    with pytest.raises(portnn.DivergenceError, match="training diverged at step") as caught:
        pool.submit(diverge, model).result(timeout=120)
    assert caught.value.learning_rate == 1e9
    assert pool.submit(abs, -1).result(timeout=120) == 1


@pytest.mark.host
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_every_method_and_property_of_scikit_learns_estimators(sent):
    """Attributes that metadata routing makes are methods, too; they set what `fit` passes on."""
    y = np.arange(40) % 3
    X = POINTS
    ways = {
        **dict.fromkeys(("fit", "fit_transform", "partial_fit", "score"), lambda call: call(X, y)),
        **dict.fromkeys(
            ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform"), lambda call: call(X)
        ),
        **dict.fromkeys(
            ("get_params", "set_params", "get_metadata_routing", "get_feature_names_out", "set_output"),
            lambda call: call(),
        ),
        "to": lambda call: call("numpy"),
    }
    routing = {"set_fit_request", "set_partial_fit_request", "set_score_request"}
    for name in portnn.sklearn.__all__:
        kind = getattr(portnn.sklearn, name)
        X = {"TextClassifier": TEXTS, "ConvNetClassifier": IMAGES}.get(name, POINTS)
        first = kind(max_iter=2, solver="adam", random_state=0)
        for twin in sent(first):
            assert repr(twin) == repr(first)
        for method in sorted({*public_methods(kind)} - routing):
            model = pickle.loads(pickle.dumps(first.fit(X, y)))
            value = getattr(model, method)
            if callable(value):
                ways[method](value)
            for twin in sent(model):
                assert twin.predict(X).tolist() == model.predict(X).tolist(), (name, method)
                assert str(twin.get_params()) == str(model.get_params()), (name, method)
