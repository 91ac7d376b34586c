"""Settings of `Word2Vec` and of its `fit`."""

from __future__ import annotations

import os
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, Any

from portnn.backends import Backend
from portnn.batches import WindowSettings
from portnn.estimators.estimator import EstimatorSettings
from portnn.estimators.run_settings import Callbacks, DealtSettings, ShowProgress
from portnn.estimators.word_corpus import WordCorpus
from portnn.groups import Group
from portnn.optimizers import Optimizer, as_optimizer
from portnn.settings import FIXED, TRANSIENT, By, Flags, Settings, Shown, brief, not_negative, positive
from portnn.text import SentencesLike
from portnn.training import as_workers


def as_path(given: Any) -> Path:
    """The path of a corpus, from its name."""
    if not isinstance(given, str | os.PathLike) or not os.fspath(given):
        raise TypeError(f"corpus_file must be the name of a file or folder, got {brief(given)}")
    return Path(given)


@dataclass(frozen=True)
class VectorSettings(EstimatorSettings):
    """Settings of vectors: their length, and how fast they learn."""

    vector_size: Annotated[int, positive, FIXED, "Length of a vector."] = 100
    alpha: Annotated[float, positive, FIXED, "Initial learning rate of a pair."] = 0.025
    _: KW_ONLY
    min_alpha: Annotated[float, not_negative, FIXED, "Final learning rate; it falls linearly."] = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_alpha > self.alpha:
            raise ValueError(f"min_alpha must be in [0, {self.alpha}], at most alpha, got {self.min_alpha}")


@dataclass(frozen=True)
class Word2VecSettings(WordCorpus, WindowSettings, VectorSettings):
    """Settings of `Word2Vec`; the names are gensim's, and so is the order of those given by position."""

    window: int = 5
    min_count: int = 5
    _: KW_ONLY
    cbow_mean: Annotated[
        bool,
        FIXED,
        Flags("--cbow-mean", "--cbow-sum"),
        "CBOW predicts from the mean of the vectors in a window; otherwise from their sum.",
    ] = True
    whole_steps: Annotated[
        bool,
        FIXED,
        Flags("--whole-steps", "--shared-steps"),
        "CBOW by the mean moves each word of a window by the whole gradient of the mean, as word2vec's code and gensim "
        "do; otherwise by its share, which is the derivative, and vectors learn more slowly.",
    ] = True
    epochs: Annotated[float, positive, "Passes over the text, unless `fit` is given its own number."] = 5.0
    workers: Annotated[
        int | str | None,
        By(as_workers),
        TRANSIENT,
        Shown("1"),
        "Processes to train with, unless `fit` is given its own number. Checkpoints do not record it.",
    ] = None
    shared_tables: Annotated[
        bool,
        Flags("--shared-tables", "--own-tables"),
        "Let workers of one machine write to the same tables without waiting for one another: faster, but no two such "
        "runs are the same bit for bit. Otherwise each has tables of its own, which are made equal now and then.",
    ] = False
    batch_size: Annotated[
        int | None,
        positive,
        FIXED,
        Shown("what the vocabulary tolerates, up to 512, CBOW 2048"),
        "Positions in a step. Larger steps are faster and learn less.",
    ] = None


@dataclass(frozen=True)
class TrainedAtOnce(Settings):
    """What `Word2Vec` may be given beside its settings, to train as soon as it is made; it keeps none of it."""

    sentences: Annotated[
        SentencesLike | None, TRANSIENT, "Train on these at once, as `fit` does; without them, only configure."
    ] = None
    corpus_file: Annotated[
        str | os.PathLike[str] | None,
        TRANSIENT,
        By(as_path),
        "Name of a file or folder to train on, in place of sentences; `level`, `lines` and `lowercase` say how it is "
        "read.",
    ] = None
    _: KW_ONLY
    callbacks: Callbacks = ()
    progress: ShowProgress = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sentences is not None and self.corpus_file is not None:
            raise ValueError("give sentences or corpus_file, the first two arguments, not both")
        if self.corpus is None and (self.callbacks or not self.progress):
            name = "callbacks" if self.callbacks else "progress"
            raise ValueError(f"{name} without sentences: give sentences, to train at once, or give {name} to fit")

    @property
    def corpus(self) -> SentencesLike | None:
        """What to train on, if anything."""
        return self.sentences if self.corpus_file is None else self.corpus_file  # a Path, by `as_path`


@dataclass(frozen=True)
class Word2VecCall(Word2VecSettings, TrainedAtOnce):
    """All that `Word2Vec` is called with."""

    @property
    def model(self) -> Word2VecSettings:
        """What the model keeps."""
        drawn = {"seed": None} if self.seed_was_drawn else {}
        return Word2VecSettings(**{**self.shared_with(Word2VecSettings), **drawn})


@dataclass(frozen=True, kw_only=True)
class Word2VecRun(DealtSettings):
    """Settings of `Word2Vec.fit`. The learning rate is that of the constructor, `alpha`."""

    encoding: Annotated[str, "Encoding of files: utf-8, gb18030, latin-1 ..."] = "utf-8"
    optimizer: str | Optimizer = "sgd"
    epochs: Annotated[
        float | None,
        positive,
        Shown("epochs of the constructor, 5"),
        "Total passes over the text, including any resumed part.",
    ] = None
    workers: Annotated[
        int | str | None,
        By(as_workers),
        Shown("workers of the constructor, 1"),
        'Processes, each with tables of its own unless `shared_tables` is set, on NumPy (Linux); "mpi" for those that '
        "mpiexec or srun has started. Their number affects what is learned.",
    ] = None
    update_vocabulary: Annotated[
        bool,
        TRANSIENT,
        "When training further, add new words that are frequent enough; otherwise they are left out.",
    ] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.optimizer.takes_rows:  # type: ignore[union-attr]
            raise ValueError(
                f"optimizer {brief(self.optimizer)} moves all vectors at every step; use sgd, adagrad or adam"
            )


def check_apart(backend: Backend, optimizer: str | Optimizer, group: Group, *, shared_tables: bool) -> None:
    """Raise ValueError unless several processes can learn vectors, each on tables of its own or all on the same.

    Those tables are NumPy's, and an optimizer's state would drift apart with them. Processes of an MPI job have no
    memory in common.
    """
    if shared_tables and group.size > 1:
        raise ValueError('shared_tables needs workers that one process starts, such as workers=2, not workers="mpi"')
    if not backend.library.on_host:
        raise ValueError(f"several processes learn word vectors on NumPy, not on {backend.name}: give workers=1")
    if as_optimizer(optimizer).slots:
        raise ValueError(f"several processes learn word vectors by sgd without momentum, not by {brief(optimizer)}")
