"""Generated data, text that ships with Python, and readers of published data sets."""

from portnn.datasets.documentation import python_documentation
from portnn.datasets.negation import Sentences, sentiment_sentences
from portnn.datasets.synthetic import rings, spiral
from portnn.datasets.treebank import SentimentTreebank, labelled_sentences, sentiment_treebank

__all__ = [
    "Sentences",
    "SentimentTreebank",
    "labelled_sentences",
    "python_documentation",
    "rings",
    "sentiment_sentences",
    "sentiment_treebank",
    "spiral",
]
