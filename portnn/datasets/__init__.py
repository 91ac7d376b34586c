"""Generated data, text that ships with Python, and readers of published data sets."""

from portnn.datasets.captions import CaptionedDigits, captioned_digits, sentences_about
from portnn.datasets.documentation import python_documentation
from portnn.datasets.handwriting import Digits, digits
from portnn.datasets.negation import Sentences, sentiment_sentences
from portnn.datasets.synthetic import rings, spiral
from portnn.datasets.treebank import SentimentTreebank, labelled_sentences, sentiment_treebank

__all__ = [
    "CaptionedDigits",
    "Digits",
    "Sentences",
    "SentimentTreebank",
    "captioned_digits",
    "digits",
    "labelled_sentences",
    "python_documentation",
    "rings",
    "sentences_about",
    "sentiment_sentences",
    "sentiment_treebank",
    "spiral",
]
