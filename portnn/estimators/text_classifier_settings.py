"""Settings of `TextClassifier`, and of its `fit`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any, ClassVar

from portnn.estimators.estimator import EstimatorSettings
from portnn.estimators.mlp_settings import as_class_weight, as_held_out
from portnn.estimators.row_evaluation import MONITORS
from portnn.estimators.run_settings import ScheduledRunSettings
from portnn.ops import CELLS, POOLINGS
from portnn.settings import FIXED, TRANSIENT, By, Flags, OneOf, fraction, positive
from portnn.text import TEXT_LEVELS


def as_held_out_texts(chosen: Any) -> Any:
    """A fraction of the texts, or texts that were given separately: a path, what reads a file, or (texts, labels).

    Raises
    ------
    ValueError
        If the fraction is out of range, or it is neither.
    """
    return chosen if isinstance(chosen, os.PathLike) or hasattr(chosen, "read") else as_held_out(chosen)


BatchSize = Annotated[int, positive, FIXED, "Texts in a batch; they are of similar length."]

Vectors = Annotated[
    Any,
    TRANSIENT,
    "Vectors that words start with: `KeyedVectors`, a `Word2Vec`, or the path of a file of word vectors.",
]


@dataclass(frozen=True)
class TextClassifierSettings(EstimatorSettings):
    """Settings of `TextClassifier`."""

    cell: Annotated[str, OneOf(CELLS), FIXED, "Recurrent cell."] = "lstm"
    hidden_size: Annotated[int, positive, FIXED, "Units of each layer and direction."] = 64
    embedding_size: Annotated[
        int | None, positive, FIXED, "Entries of each word's vector; None for one-hot vectors."
    ] = 64
    num_layers: Annotated[int, positive, FIXED, "Recurrent layers."] = 1
    bidirectional: Annotated[bool, FIXED, "Read each text in both directions."] = False
    pooling: Annotated[
        str,
        OneOf(POOLINGS),
        FIXED,
        "What the output layer reads: the state after the last word, or the mean or maximum over all words.",
    ] = "last"
    dropout: Annotated[
        float,
        fraction,
        FIXED,
        "Fraction of the embedding, of each layer's outputs and of what the output layer reads that is dropped in "
        "training.",
    ] = 0.0
    _: KW_ONLY
    word_dropout: Annotated[
        float,
        fraction,
        FIXED,
        "Fraction of the words that training replaces by the unknown one, to train that, too.",
    ] = 0.01
    level: Annotated[
        str,
        OneOf(TEXT_LEVELS),
        FIXED,
        'What a word is: "space" splits at white space alone, "jieba" cuts Chinese, a character or a byte is one.',
    ] = "word"
    lowercase: Annotated[bool, FIXED, Flags("--lowercase", "--keep-case"), "Make texts lowercase."] = True
    min_count: Annotated[int, positive, FIXED, "Words that occur less often are unknown, unless vectors have them."] = 1
    max_vocab_size: Annotated[int | None, positive, FIXED, "Keep only so many of the most frequent words."] = None
    max_length: Annotated[int | None, positive, FIXED, "Words that are read of each text, from its beginning."] = None
    multi_label: Annotated[
        bool, FIXED, "A text has any number of labels, each a yes-or-no question of its own; otherwise exactly one."
    ] = False
    class_weight: Annotated[
        Mapping[Any, float] | str | None,
        By(as_class_weight),
        FIXED,
        'Weight of each class label; "balanced" gives every class the same total weight.',
    ] = None
    frozen_embedding: Annotated[bool, FIXED, "Leave the words' vectors as they are."] = False
    init_scale: Annotated[
        float | None,
        positive,
        "Standard deviation of normal initial weights; None draws vectors of words with 0.1, and all others uniformly, "
        "as PyTorch does.",
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.class_weight is not None and self.multi_label:
            raise ValueError("class_weight needs one class a text, but with multi_label a text has several")
        if self.frozen_embedding and self.embedding_size is None:
            raise ValueError("frozen_embedding needs an embedding, but embedding_size is None")


@dataclass(frozen=True, kw_only=True)
class TextClassifierRun(ScheduledRunSettings):
    """Settings of `TextClassifier.fit`."""

    EPOCHS: ClassVar[float] = 10.0

    encoding: Annotated[str, "Encoding of a file, if only its path was given: utf-8, gb18030, latin-1 ..."] = "utf-8"
    batch_size: BatchSize = 32
    learning_rate: float = 2e-3
    clip_norm: float | None = 5.0
    held_out: Annotated[
        Any,
        By(as_held_out_texts),
        FIXED,
        "Texts that are measured and not trained on: a fraction drawn at random, the path of a file, or other texts as "
        "(texts, labels) or (texts, labels, sample_weight).",
    ] = 0.0
    monitor: Annotated[
        str, OneOf(MONITORS), FIXED, "What is measured on held-out texts: their mean loss, or 1 - `score`."
    ] = "loss"
    vectors: Vectors = None
