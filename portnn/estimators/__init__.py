"""Estimators: models with data, training and a vocabulary around them, and the verbs fit, sample, evaluate, save."""

from portnn.estimators.char_rnn import CharRNN
from portnn.estimators.evaluation import Evaluation, LanguageEvaluator, as_evaluation
from portnn.estimators.loading import load
from portnn.estimators.recipes import RECIPES, recipe
from portnn.estimators.resuming import check_resumable
from portnn.estimators.sampling import Sampler

__all__ = [
    "RECIPES",
    "CharRNN",
    "Evaluation",
    "LanguageEvaluator",
    "Sampler",
    "as_evaluation",
    "check_resumable",
    "load",
    "recipe",
]
