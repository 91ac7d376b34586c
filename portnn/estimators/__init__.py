"""Estimators: models with data, training and a vocabulary around them, and the verbs fit, sample, evaluate, save.

The names below are resolved when first used (SPEC 1), so that the registry can be read without importing them all.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from portnn.estimators.registry import ESTIMATORS

if TYPE_CHECKING:
    from portnn.estimators.captioner import Captioner as Captioner
    from portnn.estimators.char_rnn import CharRNN as CharRNN
    from portnn.estimators.conv_net import ConvNet as ConvNet
    from portnn.estimators.estimator import Estimator as Estimator
    from portnn.estimators.estimator import Recipe as Recipe
    from portnn.estimators.evaluation import Evaluation as Evaluation
    from portnn.estimators.evaluation import LanguageEvaluator as LanguageEvaluator
    from portnn.estimators.evaluation import as_evaluation as as_evaluation
    from portnn.estimators.explanation import Explanation as Explanation
    from portnn.estimators.linear_models import LinearRegression as LinearRegression
    from portnn.estimators.linear_models import LogisticRegression as LogisticRegression
    from portnn.estimators.linear_models import SoftmaxRegression as SoftmaxRegression
    from portnn.estimators.loading import load as load
    from portnn.estimators.mlp import MLP as MLP
    from portnn.estimators.row_evaluation import RowEvaluation as RowEvaluation
    from portnn.estimators.text_classifier import TextClassifier as TextClassifier
    from portnn.estimators.word2vec import Word2Vec as Word2Vec

_HOMES = {
    **{name: entry.module for name, entry in ESTIMATORS.items()},
    **dict.fromkeys(("Estimator", "Recipe"), "portnn.estimators.estimator"),
    **dict.fromkeys(("Evaluation", "LanguageEvaluator", "as_evaluation"), "portnn.estimators.evaluation"),
    "Explanation": "portnn.estimators.explanation",
    "RowEvaluation": "portnn.estimators.row_evaluation",
    "load": "portnn.estimators.loading",
}

globals().update(__all__=["ESTIMATORS", *_HOMES])  # type checkers read the imports above instead


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
