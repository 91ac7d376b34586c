"""Calls whose keyword arguments are declared settings.

The function is written with one parameter, `settings`, that holds them all; callers give each by its name::

    @text_call(CharRNNRun)
    def fit(self, source, *, settings): ...

    model.fit(text, steps=100, learning_rate=0.01)

`help`, editors and type checkers see every setting, with its type and default.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from portnn.settings.declaration import Settings
from portnn.settings.documentation import filled, parameters

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class TextCall(Protocol[P, R_co]):
    """Method that takes a text, or sentences, and settings."""

    def __call__(self, source: Any, /, *args: P.args, **settings: P.kwargs) -> R_co:
        """Call it."""


class TableCall(Protocol[P, R_co]):
    """Method that takes a table and settings."""

    def __call__(self, X: Any, y: Any, sample_weight: Any = None, *args: P.args, **settings: P.kwargs) -> R_co:
        """Call it."""


class LabelledCall(Protocol[P, R_co]):
    """Method that takes texts with their labels and settings."""

    def __call__(
        self, texts: Any, labels: Any = None, sample_weight: Any = None, *args: P.args, **settings: P.kwargs
    ) -> R_co:
        """Call it."""


class ImageCall(Protocol[P, R_co]):
    """Method that takes images with their labels and settings."""

    def __call__(
        self, images: Any, labels: Any = None, sample_weight: Any = None, *args: P.args, **settings: P.kwargs
    ) -> R_co:
        """Call it."""


class CaptionCall(Protocol[P, R_co]):
    """Method that takes features with captions and settings."""

    def __call__(self, v: Any, captions: Any = None, *args: P.args, **settings: P.kwargs) -> R_co:
        """Call it."""


class FeatureCall(Protocol[P, R_co]):
    """Method that takes features and settings."""

    def __call__(self, v: Any, *args: P.args, **settings: P.kwargs) -> R_co:
        """Call it."""


def settings_call(kind: Callable[P, S]) -> Callable[[Callable[[T, S], R]], Callable[Concatenate[T, P], R]]:
    """Let ``method(self, settings)`` take the settings of a kind as its arguments."""
    return _taking(kind)  # type: ignore[arg-type]


def text_call(kind: Callable[P, S]) -> Callable[[Callable[..., R]], TextCall[P, R]]:
    """Let ``method(self, source, *, settings)`` take a kind of settings as keyword arguments; any source will do."""
    return _taking(kind)  # type: ignore[arg-type]


def table_call(kind: Callable[P, S]) -> Callable[[Callable[..., R]], TableCall[P, R]]:
    """Let ``method(self, X, y, sample_weight=None, *, settings)`` take the settings of a kind as keyword arguments."""
    return _taking(kind)  # type: ignore[arg-type]


def labelled_call(kind: Callable[P, S]) -> Callable[[Callable[..., R]], LabelledCall[P, R]]:
    """Let ``method(self, texts, labels=None, sample_weight=None, *, settings)`` take a kind of settings as keywords."""
    return _taking(kind)  # type: ignore[arg-type]


def image_call(kind: Callable[P, S]) -> Callable[[Callable[..., R]], ImageCall[P, R]]:
    """Let ``method(self, images, labels=None, sample_weight=None, *, settings)`` take settings as keyword arguments."""
    return _taking(kind)  # type: ignore[arg-type]


def caption_call(kind: Callable[P, S]) -> Callable[[Callable[..., R]], CaptionCall[P, R]]:
    """Let ``method(self, v, captions=None, *, settings)`` take a kind of settings as keyword arguments."""
    return _taking(kind)  # type: ignore[arg-type]


def feature_call(kind: Callable[P, S]) -> Callable[[Callable[..., R]], FeatureCall[P, R]]:
    """Let ``method(self, v, *, settings)`` take a kind of settings as keyword arguments."""
    return _taking(kind)  # type: ignore[arg-type]


def _taking(kind: type[Settings]) -> Callable[[Callable[..., Any]], Any]:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        own = [each for each in inspect.signature(function).parameters.values() if each.name != "settings"]
        names = [parameter.name for parameter in own]

        @functools.wraps(function)
        def call(*args: Any, **given: Any) -> Any:
            try:
                arguments = signature.bind(*args, **given).arguments
            except TypeError as error:
                unknown = given.keys() - signature.parameters.keys()
                known = f"; known: {', '.join(parameter for parameter in signature.parameters if parameter != 'self')}"
                raise TypeError(f"{function.__qualname__}() {error}{known if unknown else ''}") from None
            data = {name: arguments.pop(name) for name in names if name in arguments}
            return function(**data, settings=kind(**arguments))

        signature = inspect.Signature([*own, *parameters(kind)])
        call.__signature__ = signature  # type: ignore[attr-defined]
        call.__doc__ = filled(function.__doc__, kind)
        return call

    return decorate
