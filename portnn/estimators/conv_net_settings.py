"""Settings of `ConvNet` and of its `fit`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from portnn.batches import Augmentation
from portnn.estimators.mlp_settings import MLPRun, PartialSettings, TableSettings, as_held_out
from portnn.models.convolution_stack import ConvolutionSettings
from portnn.objectives import OBJECTIVES
from portnn.settings import FIXED, TRANSIENT, By, OneOf, Shown, fraction, positive


@dataclass(frozen=True, kw_only=True)
class ConvNetSettings(ConvolutionSettings, TableSettings):
    """Settings of `ConvNet`."""

    hidden: Annotated[tuple[int, ...], positive, FIXED, "Units in each hidden layer after the convolutions."] = (64,)
    objective: Annotated[
        str,
        OneOf(OBJECTIVES),
        FIXED,
        "Softmax over classes; one logit for two classes, or for each of several yes-or-no questions; regression of "
        "counts, whose rates are the exponential of the outputs; regression.",
    ] = "cross_entropy"
    dropout: Annotated[
        float, fraction, FIXED, "Fraction of the last convolution's and the hidden layers' outputs dropped in training."
    ] = 0.0
    standardize: Annotated[
        bool, FIXED, "Scale every channel to mean 0 and standard deviation 1; the model keeps both numbers."
    ] = False
    dtype: Annotated[
        str | None,
        TRANSIENT,
        Shown("that of the images, or float32 if they are whole numbers or a backend is named"),
        '"float32" or "float64".',
    ] = None
    channels_first: Annotated[
        bool, FIXED, "Images are (n, channels, height, width); by default (n, height, width, channels)."
    ] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_objective(self.objective)


@dataclass(frozen=True, kw_only=True)
class ConvNetPartial(PartialSettings, Augmentation):
    """Settings of `ConvNet.partial_fit`."""


@dataclass(frozen=True, kw_only=True)
class ConvNetRun(MLPRun, Augmentation):
    """Settings of `ConvNet.fit`."""

    EPOCHS: ClassVar[float] = 30.0

    held_out: Annotated[
        float | tuple[Any, ...],
        By(as_held_out),
        FIXED,
        "Images that are measured and not trained on: a fraction drawn at random, or others as (images, labels) or "
        "(images, labels, sample_weight).",
    ] = 0.0
