"""Which array library some arrays belong to, and where they live."""

from __future__ import annotations

import decimal
import functools
import inspect
import numbers
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

import array_api_compat

from portnn.backends.libraries import array_library, library_of
from portnn.backends.libraries.primitives import Array, Namespace
from portnn.settings import plain

__all__ = [
    "Array",
    "Namespace",
    "detached",
    "device",
    "is_array",
    "library_name",
    "namespace",
    "namespace_of",
    "portable",
    "without_graph",
]

P = ParamSpec("P")
R = TypeVar("R")


def namespace(**arrays: Array) -> Namespace:
    """Namespace shared by all arrays; the keywords are the names used in messages.

    Raises
    ------
    TypeError
        If an argument is not an array, or two arrays come from different libraries.
    ValueError
        If two arrays live on different devices.
    """
    first_name, xp, where = "", None, None
    for name, array in arrays.items():
        if not is_array(array):
            raise TypeError(f"{name} is {type(array).__name__}, expected an array")
        its_xp, its_device = namespace_of(array), device(array)
        if xp is None:
            first_name, xp, where = name, its_xp, its_device
        elif its_xp is not xp:
            raise TypeError(
                f"{first_name} belongs to {library_name(xp)} but {name} to {library_name(its_xp)}; "
                "all arrays must come from one library"
            )
        elif its_device != where:
            raise ValueError(
                f"{first_name} is on device {where} but {name} on {its_device}; all arrays must be on one device"
            )
    if xp is None:
        raise TypeError("no array was given")
    return xp


def is_array(value: object) -> bool:
    """Whether a value is an array of any library that follows the standard."""
    return array_library(value) is not None or array_api_compat.is_array_api_obj(value)


def namespace_of(array: Array) -> Namespace:
    """Namespace of one array."""
    library = array_library(array)
    return array_api_compat.array_namespace(array) if library is None else library.namespace_of(array)


def device(array: Array) -> Any:
    """Device that an array lives on, as its library names it."""
    library = array_library(array)
    return array_api_compat.device(array) if library is None else library.device_of(array)


def detached(array: Array) -> Array:
    """Array without any record of how it was computed, such as PyTorch keeps for one that requires gradients."""
    library = array_library(array)
    return array if library is None else library.detached(array)


def library_name(xp: Namespace) -> str:
    """Name of the library behind a namespace, as `portnn.backend` knows it."""
    return library_of(xp).name


def without_graph(function: Callable[P, R]) -> Callable[P, R]:
    """Run a function that is given `xp` without autograd, whatever requires gradients among its arguments."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with library_of(kwargs["xp"]).without_graph():
            return function(*args, **kwargs)

    return run


def portable(function: Callable[P, R]) -> Callable[P, R]:
    """Let callers omit `xp`: it is then the namespace of the given arrays.

    Arrays are looked for among the arguments themselves and in tuples among them (caches, states).
    If the caller passes `xp`, nothing is looked up.

    Parameters annotated as numbers take numbers of any library, which become Python's: beside an array, a float64 of
    NumPy would widen it, or be one of another library.

    A function called ``..._backward`` runs without autograd: it computes gradients, so nobody needs a record of how.
    Its forward pass leaves that to the caller, who may want to compare.
    """
    parameters = inspect.signature(function).parameters
    names = list(parameters)
    by_name = {name: NUMBERS[own.annotation] for name, own in parameters.items() if own.annotation in NUMBERS}
    by_place = {names.index(name): convert for name, convert in by_name.items()}
    compute = without_graph(function) if function.__name__.endswith("_backward") else function

    @functools.wraps(function)
    def resolve(*args: P.args, **kwargs: P.kwargs) -> R:
        if by_name:
            args = tuple(_converted(by_place, enumerate(args)).values())  # type: ignore[assignment]
            kwargs = _converted(by_name, kwargs.items())  # type: ignore[assignment]
        if kwargs.get("xp") is None:
            kwargs["xp"] = namespace(**dict(_arrays(zip(names, args, strict=False))), **dict(_arrays(kwargs.items())))
        return compute(*args, **kwargs)

    return resolve


def python_number(value: Any) -> Any:
    """Python's number for one of any library; anything else as is."""
    value = plain(value)
    other = isinstance(value, numbers.Real | decimal.Decimal) and not isinstance(value, int | float)
    return float(value) if other else value


def python_sizes(value: Any) -> Any:
    """The same of one or two numbers."""
    return tuple(map(python_number, value)) if isinstance(value, tuple | list) else python_number(value)


NUMBERS: dict[object, Callable[[Any], Any]] = {
    "float": python_number,
    "int": python_number,
    "Size": python_sizes,
    "Size | None": python_sizes,
    "Padding": python_sizes,
    "Array | float": lambda value: python_number(value) if isinstance(value, numbers.Number) else value,
}
"""How an argument becomes a number of Python's, by the annotation of its parameter; an array stays where it is."""


def _converted(conversions: Mapping[Any, Callable[[Any], Any]], named: Any) -> dict[Any, Any]:
    return {name: conversions[name](value) if name in conversions else value for name, value in named}


def _arrays(named: Any) -> Any:
    for name, value in named:
        if is_array(value):
            yield name, value
        elif isinstance(value, tuple):
            fields = getattr(value, "_fields", range(len(value)))
            yield from _arrays((f"{name}.{field}", item) for field, item in zip(fields, value, strict=True))
