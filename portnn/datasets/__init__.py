"""Data that is generated or already on the machine, and readers of the tables that people have."""

from portnn.datasets.csv_sheet import CsvSheet, open_csv
from portnn.datasets.csv_table import read_csv
from portnn.datasets.documentation import python_documentation
from portnn.datasets.layout import Layout
from portnn.datasets.npz_table import read_npz
from portnn.datasets.rings import rings
from portnn.datasets.sentiment_treebank import SentimentTreebank, labelled_sentences, sentiment_treebank
from portnn.datasets.spiral import spiral
from portnn.datasets.table import Table

__all__ = [
    "CsvSheet",
    "Layout",
    "SentimentTreebank",
    "Table",
    "labelled_sentences",
    "open_csv",
    "python_documentation",
    "read_csv",
    "read_npz",
    "rings",
    "sentiment_treebank",
    "spiral",
]
