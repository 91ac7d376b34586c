"""Parameters of `ConvNetClassifier`: those of a perceptron, of the convolutions before it, and of changed images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from portnn.batches import Augmentation
from portnn.estimators.conv_net_settings import ConvNetSettings
from portnn.interop.scikit_learn import SKLEARN_ACTIVATIONS
from portnn.models.convolution_stack import ConvolutionSettings
from portnn.settings import By, OneOf, fraction, positive
from portnn.sklearn.parameters import ClassifierParameters, as_sizes


@dataclass(frozen=True, kw_only=True)
class ConvNetParameters(ClassifierParameters, Augmentation, ConvolutionSettings):
    """Parameters of `ConvNetClassifier`; `momentum` is that of the solver."""

    image_shape: Annotated[
        tuple[int, ...] | None,
        positive,
        "Height, width and, unless it is 1, number of channels of the images whose pixels are the rows of X. None: as "
        "X is shaped, or square and grey.",
    ] = None
    hidden_layer_sizes: Annotated[
        int | Sequence[int], By(as_sizes), "Units of every hidden layer after the convolutions; may be empty."
    ] = ConvNetSettings.hidden
    activation: Annotated[
        str,
        OneOf(SKLEARN_ACTIVATIONS),
        'Activation after every convolution and of hidden layers; "logistic" is "sigmoid".',
    ] = "relu"
    dropout: Annotated[
        float, fraction, "Dropout rate of the last convolution's and the hidden layers' outputs in training."
    ] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.image_shape is not None and len(self.image_shape) not in (2, 3):
            raise ValueError(
                f"image_shape must be (height, width) or (height, width, channels), got {self.image_shape}"
            )
