"""Parameters of the estimators, by scikit-learn's names, and constructors that take them."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any, ClassVar, Concatenate, ParamSpec

import numpy as np
from sklearn.utils import check_random_state

from portnn.estimators.mlp_settings import as_class_weight
from portnn.interop.scikit_learn import SKLEARN_ACTIVATIONS, SKLEARN_OBJECTIVES
from portnn.objectives import OBJECTIVES
from portnn.settings import By, OneOf, Settings, checked_number, declared, fraction, not_negative, positive
from portnn.sklearn.solvers import LEARNING_RATES, SOLVERS

P = ParamSpec("P")

LOSSES = [name for name in SKLEARN_OBJECTIVES.values() if not OBJECTIVES[name].classifies]
"""Objectives of regressions that scikit-learn has, too."""


def as_sizes(chosen: Any) -> tuple[int, ...]:
    """Sizes of hidden layers, given as one number or several."""
    if isinstance(chosen, Iterable) and not isinstance(chosen, str):
        return tuple(checked_number("each of hidden_layer_sizes", size, int, positive) for size in chosen)
    return (checked_number("hidden_layer_sizes", chosen, int, positive),)


def as_batch_size(chosen: Any) -> int | str:
    """Rows of a mini-batch, or "auto"."""
    return chosen if chosen == "auto" else checked_number("batch_size", chosen, int, positive)


def as_patience(chosen: Any) -> float:
    """Number of epochs, or infinity."""
    return math.inf if chosen == math.inf else checked_number("n_iter_no_change", chosen, int, positive)


def as_verbosity(chosen: Any) -> int:
    """Whether to show progress; scikit-learn also has higher numbers for more of it."""
    return checked_number("verbose", int(chosen) if isinstance(chosen, bool) else chosen, int, not_negative)


def as_random_state(chosen: Any) -> Any:
    """Seed or generator, as it was given."""
    check_random_state(chosen)
    return chosen


ClassWeight = Annotated[
    Mapping[Any, float] | str | None,
    By(as_class_weight),
    'Weight of each class label; "balanced" gives all classes the same total weight.',
]


@dataclass(frozen=True, kw_only=True)
class TrainingParameters(Settings):
    """How long to train, from what seed, and what to say of it."""

    learning_rate_init: Annotated[float, positive, "Learning rate at the start."] = 0.001
    max_iter: Annotated[int, positive, "Largest number of epochs."] = 200
    random_state: Annotated[
        int | np.random.RandomState | None,
        By(as_random_state),
        "Determines the initial weights, the order of rows, dropout and the held-out rows.",
    ] = None
    tol: Annotated[float, not_negative, "Smallest improvement that counts, of the held-out score."] = 1e-4
    verbose: Annotated[bool | int, By(as_verbosity), "Show progress on stderr."] = False
    early_stopping: Annotated[bool, "Whether to hold out rows, stop by their score and keep the best weights."] = False
    validation_fraction: Annotated[float, fraction, "Share of the rows that early stopping holds out."] = 0.1
    n_iter_no_change: Annotated[
        int | float, By(as_patience), "Epochs in a row without improvement before training stops; may be infinite."
    ] = 10

    @property
    def patience(self) -> int:
        """How many epochs without improvement stop training, of those that there are: one more, as in scikit-learn."""
        return int(min(self.n_iter_no_change, self.max_iter)) + 1

    def draw_seed(self) -> int:
        """Seed for portnn, which advances a generator."""
        return int(check_random_state(self.random_state).randint(2**31 - 1))


@dataclass(frozen=True)
class Parameters(TrainingParameters):
    """Parameters of the estimators that have a perceptron."""

    _: KW_ONLY
    solver: Annotated[str, OneOf(SOLVERS), "L-BFGS, or one of portnn's optimizers."] = "adam"
    alpha: Annotated[
        float,
        not_negative,
        "L2 penalty on weights (not biases), divided by the number of rows in a batch, or by their total weight.",
    ] = 0.0001
    batch_size: Annotated[int | str, By(as_batch_size), 'Rows of a mini-batch; "auto": ``min(200, rows)``.'] = "auto"
    learning_rate: Annotated[
        str,
        OneOf(LEARNING_RATES),
        "For the solver sgd: the same throughout; divided by ``(t + 1)^power_t`` after t rows; or divided by 5, down "
        "to 1e-6, whenever training would stop.",
    ] = "constant"
    power_t: Annotated[float, not_negative, 'Exponent of the learning rate "invscaling".'] = 0.5
    max_iter: Annotated[int, positive, "Largest number of epochs; for lbfgs, of iterations."] = 200
    shuffle: Annotated[bool, "Draw a new order of rows every epoch."] = True
    tol: Annotated[
        float,
        not_negative,
        "Smallest improvement that counts, of the mean training loss or the held-out score. For lbfgs, the largest "
        "gradient entry at which training stops.",
    ] = 1e-4
    warm_start: Annotated[bool, "Whether `fit` continues from the weights of the last fit."] = False
    momentum: Annotated[float, fraction, "Momentum of the solver sgd."] = 0.9
    nesterovs_momentum: Annotated[bool, "Whether that momentum is Nesterov's."] = True
    beta_1: Annotated[float, fraction, "Decay rate of the mean of gradients, for the solver adam."] = 0.9
    beta_2: Annotated[float, fraction, "Decay rate of the mean of squared gradients, for the solver adam."] = 0.999
    epsilon: Annotated[float, positive, "Added to the denominator of the solver adam."] = 1e-8
    max_fun: Annotated[int, positive, "Largest number of evaluations of the loss, for lbfgs."] = 15000


@dataclass(frozen=True)
class NetworkParameters(Parameters):
    """Parameters of estimators with hidden layers."""

    hidden_layer_sizes: Annotated[
        int | Sequence[int], By(as_sizes), "Units of every hidden layer; empty for a linear model."
    ] = (100,)
    activation: Annotated[
        str, OneOf(SKLEARN_ACTIVATIONS), 'Activation of the hidden layers; "logistic" is "sigmoid".'
    ] = "relu"
    _: KW_ONLY
    dropout: Annotated[float, fraction, "Dropout rate of the hidden layers' outputs in training."] = 0.0


@dataclass(frozen=True)
class ClassifierParameters(NetworkParameters):
    """Parameters of `MLPClassifier`."""

    _: KW_ONLY
    class_weight: ClassWeight = None


@dataclass(frozen=True)
class RegressorParameters(NetworkParameters):
    """Parameters of `MLPRegressor`."""

    _: KW_ONLY
    loss: Annotated[
        str,
        OneOf(LOSSES),
        "Half the squared error, or half the Poisson deviance of counts, summed over the outputs of a row. For "
        "poisson, y is not negative and predictions are the exponential of the outputs.",
    ] = "squared_error"


@dataclass(frozen=True)
class SoftmaxParameters(Parameters):
    """Parameters of `SoftmaxClassifier`."""

    hidden_layer_sizes: ClassVar[tuple[int, ...]] = ()
    activation: ClassVar[str] = "identity"
    dropout: ClassVar[float] = 0.0
    _: KW_ONLY
    solver: str = "lbfgs"
    class_weight: ClassWeight = None


def taking(kind: Callable[P, Settings]) -> Callable[Concatenate[Any, P], None]:
    """Constructor that keeps parameters as they are given, as scikit-learn asks for: they are checked by `fit`."""
    declarations = inspect.signature(kind).parameters.values()
    signature = inspect.Signature(
        [
            inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD),
            *(parameter.replace(annotation=inspect.Parameter.empty) for parameter in declarations),
        ]
    )

    def __init__(self: Any, *args: Any, **given: Any) -> None:
        try:
            bound = signature.bind(self, *args, **given)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}() {error}") from None
        bound.apply_defaults()
        vars(self).update({name: bound.arguments[name] for name in declared(kind)})  # type: ignore[arg-type]

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__  # type: ignore[return-value]
