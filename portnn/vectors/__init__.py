"""Word vectors: neighbours, analogies, word pairs, and the files that hold them."""

from portnn.vectors.analogies import AnalogyScores, AnalogySection, evaluate_analogies, read_analogies
from portnn.vectors.keyed_vectors import KeyedVectors
from portnn.vectors.packed_words import pack_words, unpack_words
from portnn.vectors.storage import vocabulary_arrays
from portnn.vectors.unknown_word import UnknownWordError
from portnn.vectors.word2vec_reading import read_word2vec_format
from portnn.vectors.word2vec_writing import write_word2vec_format
from portnn.vectors.word_pairs import PairScores, evaluate_pairs

__all__ = [
    "AnalogyScores",
    "AnalogySection",
    "KeyedVectors",
    "PairScores",
    "UnknownWordError",
    "evaluate_analogies",
    "evaluate_pairs",
    "pack_words",
    "read_analogies",
    "read_word2vec_format",
    "unpack_words",
    "vocabulary_arrays",
    "write_word2vec_format",
]
