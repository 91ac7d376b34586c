"""Array libraries, one file each with the same interface, and their registry."""

from __future__ import annotations

from portnn.backends.libraries.array_api_strict import ArrayAPIStrict
from portnn.backends.libraries.cupy import CuPy
from portnn.backends.libraries.dpnp import DPNP
from portnn.backends.libraries.jax import JAX
from portnn.backends.libraries.library import Library
from portnn.backends.libraries.mlx import MLX
from portnn.backends.libraries.numpy import NumPy
from portnn.backends.libraries.primitives import Array, Namespace
from portnn.backends.libraries.torch import PyTorch

__all__ = ["LIBRARIES", "Library", "array_library", "library_named", "library_of"]

LIBRARIES: dict[str, Library] = {
    library.name: library
    for library in (
        NumPy(),
        CuPy(),
        PyTorch(),
        JAX(),
        DPNP(),
        MLX(),
        ArrayAPIStrict(),
    )
}
"""Every library by its name, best known first."""

_OF_NAMESPACE: dict[Namespace, Library] = {}
_OF_CLASS: dict[type, Library | None] = {}


def library_named(name: str) -> Library:
    """Library by name; one that is not in the registry is assumed to follow the standard."""
    return LIBRARIES[name] if name in LIBRARIES else _unknown(name)


def library_of(xp: Namespace) -> Library:
    """Library behind a namespace. It costs one dict lookup, since primitives ask at every call."""
    try:
        return _OF_NAMESPACE[xp]
    except KeyError:
        _OF_NAMESPACE[xp] = library_ = _owner(xp)
        return library_
    except TypeError:  # a namespace that cannot be hashed
        return _owner(xp)


def _owner(xp: Namespace) -> Library:
    library_ = next((library for library in LIBRARIES.values() if library.owns(xp)), None)
    return _unknown(str(getattr(xp, "__name__", type(xp).__name__))) if library_ is None else library_


def array_library(array: Array) -> Library | None:
    """Library in the registry that an array belongs to, or None."""
    kind = type(array)
    try:
        return _OF_CLASS[kind]
    except KeyError:
        library_ = next((library for library in LIBRARIES.values() if library.is_array(array)), None)
        _OF_CLASS[kind] = library_
        return library_


def _unknown(name: str) -> Library:
    library = Library()
    library.name = library.module = name
    return library
