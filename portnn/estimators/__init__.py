"""Estimators: models with data, training and a vocabulary around them, and the verbs fit, sample, evaluate, save."""

from portnn.estimators.char_rnn import CharRNN
from portnn.estimators.estimator import Estimator, Recipe
from portnn.estimators.evaluation import Evaluation, LanguageEvaluator, as_evaluation
from portnn.estimators.linear_models import LinearRegression, LogisticRegression, SoftmaxRegression
from portnn.estimators.loading import load
from portnn.estimators.mlp import MLP
from portnn.estimators.registry import ESTIMATORS
from portnn.estimators.row_evaluation import RowEvaluation
from portnn.estimators.sampling import Sampler
from portnn.estimators.word2vec import Word2Vec

__all__ = [
    "ESTIMATORS",
    "MLP",
    "CharRNN",
    "Estimator",
    "Evaluation",
    "LanguageEvaluator",
    "LinearRegression",
    "LogisticRegression",
    "Recipe",
    "RowEvaluation",
    "Sampler",
    "SoftmaxRegression",
    "Word2Vec",
    "as_evaluation",
    "load",
]
