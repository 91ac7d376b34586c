"""`Estimator`: what all models offer their users, from settings to a file and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Generic, NamedTuple, Self, TypeVar

from portnn.backends import Backend, detached, seed_of, tree_flatten, tree_map
from portnn.backends import backend as choose_backend
from portnn.checkpoints import Arrays, save_checkpoint
from portnn.estimators.card import call, card, state
from portnn.models import Parameters
from portnn.settings import FIXED, TRANSIENT, By, Settings, brief, not_negative
from portnn.training import Metrics, RunState


@dataclass(frozen=True, kw_only=True)
class EstimatorSettings(Settings):
    """Settings of every estimator: its seed, and where it computes."""

    seed: Annotated[
        int | None,
        By(seed_of, settles_none=True),
        FIXED,
        not_negative,
        "Seed of all random numbers; None draws one, and `settings.seed` says which.",
    ] = 0
    backend: Annotated[str | Backend | None, TRANSIENT, "Array library to train on: see `portnn.backend`."] = "numpy"
    device: Annotated[Any, TRANSIENT, "Device of the array library."] = None
    dtype: Annotated[str | None, TRANSIENT, '"float32" or "float64".'] = "float32"

    seed_was_drawn: ClassVar[bool] = False
    """A run with such a seed is resumed with that of its checkpoint."""

    def __post_init__(self) -> None:
        if self.seed is None:
            object.__setattr__(self, "seed_was_drawn", True)
        super().__post_init__()


class Recipe(NamedTuple):
    """A named set of settings for the estimator and its `fit`."""

    model: dict[str, Any]
    run: dict[str, Any]


S = TypeVar("S", bound=Settings)


class Estimator(Generic[S]):
    """A model with its parameters on a backend, once there are any.

    Its `repr` is the call that makes it, with the settings that differ from their defaults, and a comment that says
    whether it has been fitted: ``CharRNN(cell='gru')  # fitted, 80 steps``. A notebook also shows what it has learned.

    Attributes
    ----------
    settings : Settings
        What it was made with.
    backend : Backend or None
        None until the first arrays determine it.
    model : Model or None
        The network's configuration, once the data are known.
    params : dict of str to array, or None
    metrics : list of Metrics
        Lines logged in the latest run.
    history : RunState or None
        Where the latest run ended.
    """

    SETTINGS: ClassVar[type[Settings]]
    RUN: ClassVar[type[Settings]]
    """Settings of the constructor and of `fit`."""

    RECIPES: ClassVar[Mapping[str, Recipe]] = {}

    def __init__(self, settings: S, backend: Backend | None) -> None:
        self.settings, self.backend = settings, backend
        self.model: Any = None
        self.params: Parameters | None = None
        self.metrics: list[Metrics] = []
        self.history: RunState | None = None

    @classmethod
    def recipe(cls, name: str) -> Recipe:
        """Settings of a recipe: ``CharRNN(**recipe.model).fit(text, **recipe.run)``.

        Raises
        ------
        ValueError
            If there is no such recipe.
        """
        if name not in cls.RECIPES:
            raise ValueError(f"unknown recipe {brief(name)}; known: {', '.join(cls.RECIPES)}")
        model, run = cls.RECIPES[name]
        return Recipe(dict(model), dict(run))

    def to(self, backend: str | Backend, *, device: Any = None) -> Self:
        """Move a fitted model to another library or device, in place, with its dtype and its optimizer's state.

        Returns
        -------
        Itself.
        """
        _, params, before = self._fitted()
        target = backend
        if not isinstance(target, Backend):
            target = choose_backend(target, device=device, dtype=before.dtype)

        def moved(tree: Any) -> Any:
            return tree_map(lambda array: target.asarray(before.to_host(array)), tree)

        self._forget()
        self.backend, self.params = target, moved(params)
        if self.history is not None:
            state, carry = moved(self.history.optimizer_state), moved(self.history.carry)
            self.history = replace(self.history, params=self.params, optimizer_state=state, carry=carry)
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model, without any training state, as a checkpoint that `portnn.load` reads anywhere."""
        _, params, backend = self._fitted()
        arrays = {name: backend.to_host(array) for name, array in tree_flatten(params, "params")}
        save_checkpoint(path, {**arrays, **self._constants()}, self._facts())

    @classmethod
    def from_checkpoint(cls, arrays: Arrays, facts: dict[str, Any], backend: Backend) -> Self:
        """Build the model that a checkpoint holds, on a backend."""
        raise NotImplementedError

    def _facts(self) -> dict[str, Any]:
        """Facts about the model for a checkpoint, in plain JSON types."""
        model, _, backend = self._fitted()
        return {
            "estimator": type(self).__name__,
            "settings": self.settings.to_json(),
            "model": model.to_json(),
            "dtype": backend.dtype,
            **self._own_facts(),
        }

    def _own_facts(self) -> dict[str, Any]:
        """Facts specific to this kind of estimator for a checkpoint, in plain JSON types."""
        return {}

    def _constants(self) -> Arrays:
        """Arrays that a checkpoint holds besides the parameters."""
        return {}

    def _forget(self) -> None:
        """Drop what was computed from the parameters or compiled for the backend."""

    def _fitted(self) -> tuple[Any, Parameters, Backend]:
        if self.model is None or self.params is None or self.backend is None:
            raise ValueError(
                f"this {type(self).__name__} has not been fitted yet; call fit, or portnn.load a checkpoint"
            )
        return self.model, tree_map(detached, self.params), self.backend

    def __repr__(self) -> str:
        # What follows the call is a comment to Python, so that the text can be evaluated.
        return f"{call(self)}  # {state(self)}"

    def _repr_html_(self) -> str:
        return card(self)

    def __getstate__(self) -> dict[str, Any]:
        # Compiled functions cannot be pickled; they are made again when they are needed.
        bare = self.__class__.__new__(self.__class__)
        vars(bare).update(vars(self))
        bare._forget()
        return vars(bare)


def as_backend(chosen: str | Backend | None, device: Any, dtype: str | None) -> Backend:
    """The given backend, or that of a name; by default NumPy, in float32."""
    if isinstance(chosen, Backend):
        return chosen
    return choose_backend(chosen or "numpy", device=device, dtype=dtype or "float32")
