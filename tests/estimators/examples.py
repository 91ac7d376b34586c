"""A small example of every estimator: what to make, and what to train it on. A new estimator needs one here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import portnn
from portnn.estimators.registry import ESTIMATORS, estimator_class

TEXT = "to be or not to be, that is the question; " * 6
SENTENCES = [["red", "green", "blue", "red"], ["one", "two", "three", "one"]] * 40
CAPTIONS = [["a red dog", "a dog"], "two cats in a tree", "no bird", "one bird"] * 10
TEXTS = ["a good film", "not good", "so bad", "not bad at all"] * 10
POINTS = np.random.default_rng(4).normal(size=(40, 3))
IMAGES = np.random.default_rng(5).normal(size=(40, 4, 5, 2))


class Example(NamedTuple):
    """Settings of an estimator and of its `fit`, data (and other data of the same size), and what it can be asked.

    Two passes over the data, in batches, must be more than 8 steps.
    """

    settings: dict[str, Any]
    data: tuple[Any, ...]
    run: dict[str, Any]
    ask: Callable[[Any], Any]
    other: tuple[Any, ...]


def _table(y: Any, **settings: Any) -> Example:
    run = {"batch_size": 8, "held_out": 0.2}
    return Example(settings, (POINTS, y), run, lambda model: model.evaluate(POINTS, y), (-POINTS, y))


EXAMPLES = {
    "CharRNN": Example(
        {"hidden_size": 6, "num_layers": 2, "dropout": 0.3},
        (TEXT,),
        {"batch_size": 2, "seq_length": 9, "held_out": 0.1},
        lambda model: (model.sample(20, seed=3), model.evaluate(TEXT)),
        (TEXT[::-1],),
    ),
    "MLP": _table(np.arange(40) % 3, hidden_layer_sizes=(5,), dropout=0.3, standardize=True),
    "LinearRegression": _table(POINTS @ np.ones(3), standardize_y=True),
    "LogisticRegression": _table(POINTS[:, 0] > 0.0),
    "SoftmaxRegression": _table(np.asarray(["a", "b", "c", "d"])[np.arange(40) % 4], class_weight={"a": 2.0}),
    "TextClassifier": Example(
        {"cell": "rnn", "hidden_size": 4, "embedding_size": 3, "bidirectional": True, "dropout": 0.3},
        (TEXTS, ["+", "-", "-", "+"] * 10),
        {"batch_size": 8, "held_out": 0.2},
        lambda model: (model.predict_proba(TEXTS[:4]).tolist(), model.evaluate(TEXTS, ["+", "-", "-", "+"] * 10)),
        ([text.replace("film", "play") for text in TEXTS], ["+", "-", "-", "+"] * 10),
    ),
    "ConvNet": Example(
        {"channels": (2, 3), "hidden": (4,), "dropout": 0.3, "batch_norm": True},
        (IMAGES, np.arange(40) % 3),
        {"batch_size": 8, "held_out": 0.2, "shift": 1, "flip": True, "noise": 0.1},
        lambda model: (model.features(IMAGES).tolist(), model.evaluate(IMAGES, np.arange(40) % 3)),
        (IMAGES[::-1], np.arange(40) % 3),
    ),
    "Captioner": Example(
        {"cell": "rnn", "hidden_size": 4, "embedding_size": 3, "num_layers": 2, "dropout": 0.3},
        (POINTS, CAPTIONS),
        {"batch_size": 8, "held_out": 0.2},
        lambda model: (model.generate(POINTS[:4], beam=2), model.evaluate(POINTS, CAPTIONS)),
        (-POINTS, CAPTIONS),
    ),
    "Word2Vec": Example(
        {"vector_size": 4, "window": 2, "min_count": 1, "sample": 0.0, "batch_size": 8},
        (SENTENCES,),
        {},
        lambda model: (model.wv.most_similar("red", topn=2), model.evaluate(SENTENCES)),
        (SENTENCES[::-1],),
    ),
}
every_estimator = list(ESTIMATORS)
TABLES = [name for name, example in EXAMPLES.items() if example.data[0] is POINTS and name != "Captioner"]


def make(name: str, backend: Any = "numpy", **changes: Any) -> Any:
    """An estimator that has not been fitted."""
    return estimator_class(name)(**{"seed": 3, **EXAMPLES[name].settings, **changes}, backend=backend)


def fit(model: Any, steps: int = 6, data: tuple[Any, ...] | None = None, **changes: Any) -> Any:
    """Fit it on its example, or on other data."""
    example = EXAMPLES[type(model).__name__]
    data = example.data if data is None else data
    return model.fit(*data, **{"steps": steps, "progress": False, **example.run, **changes})


def tables(model: Any) -> dict[str, bytes]:
    """Parameters of a model, bit for bit."""
    return {name: portnn.backends.to_host(array).tobytes() for name, array in model.params.items()}
