"""Settings of `Captioner`, of its `fit` and of what it generates."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any, ClassVar

from portnn.backends import Backend, seed_of
from portnn.estimators.estimator import EstimatorSettings
from portnn.estimators.mlp_settings import as_held_out
from portnn.estimators.run_settings import ScheduledRunSettings
from portnn.models.entrance import ENTRANCES
from portnn.ops import CELLS
from portnn.settings import FIXED, TRANSIENT, By, Flags, OneOf, Settings, Shown, fraction, not_negative, positive
from portnn.text import TEXT_LEVELS


@dataclass(frozen=True)
class CaptionerSettings(EstimatorSettings):
    """Settings of `Captioner`."""

    cell: Annotated[str, OneOf(CELLS), FIXED, "Recurrent cell."] = "lstm"
    hidden_size: Annotated[int, positive, FIXED, "Units of each layer."] = 128
    num_layers: Annotated[int, positive, FIXED, "Recurrent layers."] = 1
    embedding_size: Annotated[int, positive, FIXED, "Entries of each word's vector."] = 64
    features_at: Annotated[
        str,
        OneOf(ENTRANCES),
        FIXED,
        "Where features enter: at the first step, as the states before it, or at every step.",
    ] = "first"
    dropout: Annotated[
        float, fraction, FIXED, "Fraction of words' vectors and of each layer's outputs that is dropped in training."
    ] = 0.0
    _: KW_ONLY
    level: Annotated[
        str,
        OneOf(TEXT_LEVELS),
        FIXED,
        'What a word is: "space" splits at white space alone, "jieba" cuts Chinese, a character or a byte is one.',
    ] = "word"
    lowercase: Annotated[bool, FIXED, Flags("--lowercase", "--keep-case"), "Make captions lowercase."] = True
    min_count: Annotated[int, positive, FIXED, "Words that occur less often are unknown, and never said."] = 1
    max_vocab_size: Annotated[int | None, positive, FIXED, "Keep only so many of the most frequent words."] = None
    init_scale: Annotated[
        float | None,
        positive,
        "Standard deviation of normal initial weights; None draws vectors of words with 0.1, and all others uniformly, "
        "as PyTorch does.",
    ] = None
    backend: Annotated[
        str | Backend | None,
        TRANSIENT,
        "Where to train. None: the first features decide, by their library, their device and their dtype.",
    ] = None
    dtype: Annotated[
        str | None,
        TRANSIENT,
        Shown("that of the features, or float32 where a backend is named"),
        '"float32" or "float64".',
    ] = None


@dataclass(frozen=True, kw_only=True)
class CaptionerRun(ScheduledRunSettings):
    """Settings of `Captioner.fit`."""

    EPOCHS: ClassVar[float] = 20.0

    batch_size: Annotated[int, positive, FIXED, "Captions in a batch; they are of similar length."] = 32
    learning_rate: float = 2e-3
    clip_norm: float | None = 5.0
    held_out: Annotated[
        float | tuple[Any, ...],
        By(as_held_out),
        FIXED,
        "Images that are measured and not trained on, with all their captions: a fraction drawn at random, or others "
        "as (features, captions).",
    ] = 0.0
    partial: Annotated[bool, "Leave out images without a caption; otherwise they are an error."] = False
    features: Annotated[
        Any, TRANSIENT, "A fitted `ConvNet` that computes the features of the images given, and is trained along."
    ] = None


@dataclass(frozen=True, kw_only=True)
class BeamSettings(Settings):
    """Settings of a search for the likeliest captions."""

    beam: Annotated[
        int, positive, "Captions of each image that are followed at a time; 1 takes the likeliest word each time."
    ] = 1
    length_penalty: Annotated[
        float,
        not_negative,
        "Captions of a beam compete by their log-probability divided by their length to this power; 0 favours short "
        "ones.",
    ] = 1.0
    max_length: Annotated[int, positive, "Most words of a caption; one that has not ended by then is cut."] = 30


@dataclass(frozen=True, kw_only=True)
class GenerateSettings(BeamSettings):
    """Settings of `Captioner.generate`."""

    temperature: Annotated[
        float,
        not_negative,
        "Draw words at random: below 1 favours what is likely, above 1 varies more; 0 draws nothing.",
    ] = 0.0
    top_k: Annotated[int | None, positive, "Draw from this many of the likeliest words only."] = None
    seed: Annotated[
        int | None,
        By(seed_of, settles_none=True),
        not_negative,
        "Seed of the random numbers. The same seed always gives the same captions; None gives others each time.",
    ] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beam > 1 and self.temperature:
            raise ValueError("a beam follows the likeliest captions and a temperature draws them; give one of the two")
        if self.top_k is not None and not self.temperature:
            raise ValueError("top_k chooses what is drawn from, so give a temperature, too")
