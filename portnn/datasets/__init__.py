"""Data that is generated or already on the machine, and readers of the tables that people have."""

from portnn.datasets.documentation import python_documentation
from portnn.datasets.rings import rings
from portnn.datasets.spiral import spiral
from portnn.datasets.treebank import SentimentTreebank, labelled_sentences, sentiment_treebank

__all__ = [
    "SentimentTreebank",
    "labelled_sentences",
    "python_documentation",
    "rings",
    "sentiment_treebank",
    "spiral",
]
