"""Which array library some arrays belong to, and where they live."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import array_api_compat
import numpy
from array_api_compat import device
from array_api_compat import is_array_api_obj as is_array

__all__ = ["Array", "Namespace", "device", "is_array", "namespace", "portable"]

Array = Any
"""An array of any library that follows the Python array API standard."""

Namespace = Any
"""The module of functions that goes with an `Array`, as `array_api_compat.array_namespace` gives it."""

P = ParamSpec("P")
R = TypeVar("R")


def namespace(**arrays: Array) -> Namespace:
    """Namespace shared by all arrays; the keywords are the names used in messages.

    Raises
    ------
    TypeError
        If an argument is no array, or two arrays come from different libraries.
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


def namespace_of(array: Array) -> Namespace:
    """Namespace of one array. NumPy follows the standard by itself; a wrapper would only slow small arrays down."""
    return numpy if isinstance(array, numpy.ndarray) else array_api_compat.array_namespace(array)


def library_name(xp: Namespace) -> str:
    """Name of the library behind a namespace, as `portnn.backend` knows it."""
    for name, belongs in (
        ("numpy", array_api_compat.is_numpy_namespace),
        ("cupy", array_api_compat.is_cupy_namespace),
        ("torch", array_api_compat.is_torch_namespace),
        ("jax", array_api_compat.is_jax_namespace),
        ("array-api-strict", array_api_compat.is_array_api_strict_namespace),
    ):
        if belongs(xp):
            return name
    return str(xp.__name__)


def portable(function: Callable[P, R]) -> Callable[P, R]:
    """Let callers leave `xp` out: it is then the namespace of the arrays given.

    Arrays are looked for among the arguments themselves and in tuples among them (caches, states).
    A caller that hands `xp` in has settled the question already, and nothing is looked up.
    """

    @functools.wraps(function)
    def resolve(*args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs.get("xp") is None:
            names = function.__code__.co_varnames
            kwargs["xp"] = namespace(**dict(_arrays(zip(names, args, strict=False))), **dict(_arrays(kwargs.items())))
        return function(*args, **kwargs)

    return resolve


def _arrays(named: Any) -> Any:
    for name, value in named:
        if is_array(value):
            yield name, value
        elif isinstance(value, tuple):
            fields = getattr(value, "_fields", range(len(value)))
            yield from _arrays((f"{name}.{field}", item) for field, item in zip(fields, value, strict=True))
