"""Every estimator by name. Nothing here imports one before it is asked for."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """Module of an estimator, and its group of commands on the command line, if it has one."""

    module: str
    command: str | None = None


ESTIMATORS: dict[str, Entry] = {
    "CharRNN": Entry("portnn.estimators.char_rnn", "char-rnn"),
    "MLP": Entry("portnn.estimators.mlp", "mlp"),
    "LinearRegression": Entry("portnn.estimators.linear_models"),
    "LogisticRegression": Entry("portnn.estimators.linear_models"),
    "SoftmaxRegression": Entry("portnn.estimators.linear_models"),
    "TextClassifier": Entry("portnn.estimators.text_classifier", "text-classifier"),
    "ConvNet": Entry("portnn.estimators.conv_net", "conv"),
    "Captioner": Entry("portnn.estimators.captioner", "caption"),
    "Word2Vec": Entry("portnn.estimators.word2vec", "word2vec"),
}


def estimator_class(name: str) -> Any:
    """Class of an estimator."""
    return getattr(importlib.import_module(ESTIMATORS[name].module), name)
