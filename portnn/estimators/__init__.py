"""Estimators: models with data, training and a vocabulary around them, and the verbs fit, sample, evaluate, save."""

from portnn.estimators.char_rnn import CharRNN
from portnn.estimators.evaluation import Evaluation, LanguageEvaluator, as_evaluation
from portnn.estimators.loading import load
from portnn.estimators.recipes import RECIPES, recipe
from portnn.estimators.sampling import sample_text

__all__ = [
    "RECIPES",
    "CharRNN",
    "Evaluation",
    "LanguageEvaluator",
    "as_evaluation",
    "load",
    "recipe",
    "sample_text",
]
