"""Settings of `MLP` and its linear kin, and of their `fit`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any, ClassVar

from portnn.backends import Backend
from portnn.estimators.estimator import EstimatorSettings
from portnn.estimators.row_evaluation import MONITORS
from portnn.estimators.run_settings import RateSettings, ScheduledRunSettings
from portnn.objectives import OBJECTIVES
from portnn.ops import ACTIVATIONS
from portnn.settings import (
    FIXED,
    TRANSIENT,
    Alias,
    By,
    OneOf,
    Shown,
    brief,
    checked_number,
    fraction,
    not_negative,
    number,
    plain,
    positive,
)


def as_class_weight(chosen: Any) -> Mapping[Any, float] | str:
    """Class weights as a dict, also from the pairs that a checkpoint records, or "balanced".

    Raises
    ------
    TypeError
        If a weight is not a number.
    ValueError
        If it is neither.
    """
    if isinstance(chosen, list | Mapping):
        return {plain(label): number(f"class_weight[{brief(label)}]", weight) for label, weight in dict(chosen).items()}
    if isinstance(chosen, str) and chosen == "balanced":
        return chosen
    raise ValueError(f'class_weight must be a dict or "balanced", got {brief(chosen)}')


def as_held_out(chosen: Any) -> float | tuple[Any, ...]:
    """A fraction of the rows, or rows that were given separately.

    Raises
    ------
    ValueError
        If the fraction is out of range, or it is neither.
    """
    if isinstance(chosen, tuple) and len(chosen) in (2, 3):
        return chosen
    try:
        return checked_number("held_out", chosen, float, fraction)
    except TypeError as error:
        kind = type(chosen)
        raise ValueError(f"held_out must be a fraction or a tuple (X, y[, sample_weight]), got {kind}") from error


@dataclass(frozen=True)
class TableSettings(EstimatorSettings):
    """Settings of every estimator of tables."""

    _: KW_ONLY
    l2: Annotated[
        float,
        not_negative,
        FIXED,
        "``l2 / 2`` times the sum of the squared weights (not biases) is added to the mean loss.",
    ] = 0.0
    class_weight: Annotated[
        Mapping[Any, float] | str | None,
        By(as_class_weight),
        FIXED,
        'Weight of each class label; "balanced" gives every class the same total weight.',
    ] = None
    standardize: Annotated[
        bool, FIXED, "Scale every input column to mean 0 and standard deviation 1; the model keeps both numbers."
    ] = False
    standardize_y: Annotated[
        bool,
        FIXED,
        "Do the same for every column of a regression's y: predictions are in y's units, losses are of standardized y.",
    ] = False
    init_scale: Annotated[
        float | None,
        positive,
        "Standard deviation of normal initial weights; None draws them uniformly, as `portnn.models.FeedForward.init` "
        "says.",
    ] = None
    backend: Annotated[
        str | Backend | None,
        TRANSIENT,
        "Where to train. None: the first X decides, by its library, its device and its dtype.",
    ] = None
    dtype: Annotated[
        str | None,
        TRANSIENT,
        Shown("that of X, or float32 where a backend is named"),
        '"float32" or "float64". Whole numbers take the library\'s default.',
    ] = None

    def check_objective(self, objective: str) -> None:
        """Refuse settings that make no sense for an objective.

        Raises
        ------
        ValueError
            If a regression has class weights, or y is to be standardized and the loss does not allow it.
        """
        if self.class_weight is not None and not OBJECTIVES[objective].classifies:
            raise ValueError(f"class_weight is for classifiers, not for {objective}")
        if self.standardize_y and not OBJECTIVES[objective].standardizes:
            able = ", ".join(name for name, known in OBJECTIVES.items() if known.standardizes)
            raise ValueError(f"standardize_y is for {able}, not for {objective}")


@dataclass(frozen=True)
class MLPSettings(TableSettings):
    """Settings of `MLP`."""

    hidden_layer_sizes: Annotated[
        tuple[int, ...],
        positive,
        FIXED,
        Alias("--hidden"),
        "Units in each hidden layer; none for a linear model.",
    ] = (100,)
    activation: Annotated[str, OneOf(ACTIVATIONS), FIXED, "Activation of the hidden layers."] = "relu"
    objective: Annotated[
        str,
        OneOf(OBJECTIVES),
        FIXED,
        "Softmax over classes; one logit for two classes, or for each of several yes-or-no questions; regression of "
        "counts, whose rates are the exponential of the outputs; regression.",
    ] = "cross_entropy"
    _: KW_ONLY
    dropout: Annotated[
        float, fraction, FIXED, "Fraction of each hidden layer's outputs that is dropped in training."
    ] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_objective(self.objective)


@dataclass(frozen=True)
class LinearSettings(TableSettings):
    """Settings of a model without a hidden layer; its objective is that of its class."""

    hidden_layer_sizes: ClassVar[tuple[int, ...]] = ()
    activation: ClassVar[str] = "identity"
    dropout: ClassVar[float] = 0.0
    objective: ClassVar[str]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_objective(self.objective)


@dataclass(frozen=True, kw_only=True)
class EpochSettings(RateSettings):
    """Settings of one pass over some rows."""

    batch_size: Annotated[int | None, positive, FIXED, "Rows in a mini-batch; None takes all rows."] = 64
    shuffle: Annotated[bool, FIXED, "Draw a new order of rows every epoch."] = True


@dataclass(frozen=True, kw_only=True)
class PartialSettings(EpochSettings):
    """Settings of `MLP.partial_fit`."""

    classes: Annotated[
        Any, TRANSIENT, "All class labels there will ever be, at the first call, if y lacks some of them."
    ] = None


@dataclass(frozen=True, kw_only=True)
class MLPRun(EpochSettings, ScheduledRunSettings):
    """Settings of `MLP.fit`."""

    EPOCHS: ClassVar[float] = 100.0

    held_out: Annotated[
        float | tuple[Any, ...],
        By(as_held_out),
        FIXED,
        "Rows that are measured and not trained on: a fraction drawn at random, or other rows as (X, y) or "
        "(X, y, sample_weight).",
    ] = 0.0
    monitor: Annotated[
        str, OneOf(MONITORS), FIXED, "What is measured on held-out rows: their mean loss, or 1 - `score`."
    ] = "loss"


@dataclass(frozen=True, kw_only=True)
class LinearRun(MLPRun):
    """Settings of the `fit` of linear models, which train on all rows at once."""

    EPOCHS: ClassVar[float] = 1000.0

    batch_size: int | None = None
    learning_rate: float = 0.1


@dataclass(frozen=True, kw_only=True)
class LinearPartial(PartialSettings):
    """Settings of the `partial_fit` of linear models."""

    batch_size: int | None = None
    learning_rate: float = 0.1
