"""Settings of `Word2Vec` and of its `fit`."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Annotated

from portnn.backends import Backend
from portnn.batches import WindowSettings
from portnn.estimators.estimator import EstimatorSettings
from portnn.estimators.run_settings import DealtSettings
from portnn.estimators.word_corpus import WordCorpus
from portnn.optimizers import Optimizer, as_optimizer
from portnn.settings import FIXED, TRANSIENT, Flags, Shown, brief, not_negative, positive


@dataclass(frozen=True)
class VectorSettings(EstimatorSettings):
    """Settings of vectors."""

    vector_size: Annotated[int, positive, FIXED, "Length of a vector."] = 100


@dataclass(frozen=True)
class Word2VecSettings(WordCorpus, WindowSettings, VectorSettings):
    """Settings of `Word2Vec`; the names are gensim's."""

    window: int = 5
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
    alpha: Annotated[float, positive, FIXED, "Initial learning rate of a pair."] = 0.025
    min_alpha: Annotated[float, not_negative, FIXED, "Final learning rate; it falls linearly."] = 1e-4
    epochs: Annotated[float, positive, "Passes over the text."] = 5.0
    batch_size: Annotated[
        int | None,
        positive,
        FIXED,
        Shown("what the vocabulary tolerates, up to 512, CBOW 2048"),
        "Positions in a step. Larger steps are faster and learn less.",
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_alpha > self.alpha:
            raise ValueError(f"min_alpha must be in [0, {self.alpha}], at most alpha, got {self.min_alpha}")


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


def check_apart(backend: Backend, optimizer: str | Optimizer) -> None:
    """Raise ValueError unless several processes can learn vectors, each on tables of its own.

    Those tables are NumPy's, and an optimizer's state would drift apart with them.
    """
    if not backend.library.on_host:
        raise ValueError(f"several processes learn word vectors on NumPy, not on {backend.name}")
    if as_optimizer(optimizer).slots:
        raise ValueError(f"several processes learn word vectors by sgd without momentum, not by {brief(optimizer)}")
