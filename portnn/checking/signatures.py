"""Signatures: whether a library that cannot run here would take the calls that are made."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import numpy as np


class Call(NamedTuple):
    """A call of a function in a namespace: its dotted name, how many positional arguments, and which keywords."""

    function: str
    positional: int
    keywords: tuple[str, ...]


class Recorder:
    """NumPy as a namespace that records each distinct call.

    Parameters
    ----------
    name : str
        Library whose namespace it claims to be, so that primitives take that library's path.
    """

    def __init__(self, name: str) -> None:
        self.__name__ = name
        self.calls: set[Call] = set()

    def __getattr__(self, name: str) -> Any:
        return _recorded(getattr(np, name), name, self.calls)


class _Recorded:
    """A function, or a module of them, whose calls are recorded."""

    def __init__(self, value: Any, name: str, calls: set[Call]) -> None:
        self._value, self._name, self._calls = value, name, calls

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._calls.add(Call(self._name, len(args), tuple(sorted(kwargs))))
        return self._value(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return _recorded(getattr(self._value, name), f"{self._name}.{name}", self._calls)


def _recorded(value: Any, name: str, calls: set[Call]) -> Any:
    plain = isinstance(value, type) or not (callable(value) or inspect.ismodule(value))
    return value if plain else _Recorded(value, name, calls)


UFUNC_KEYWORDS = {"out", "where", "casting", "dtype"}


def refused(call: Call, xp: Any) -> str | None:
    """Why a namespace would refuse a call by its signature alone; None if it would not."""
    function = xp
    for part in call.function.split("."):
        function = getattr(function, part, None)
        if function is None:
            return f"{call.function} does not exist"
    ufunc: Any = getattr(function, "__self__", None) if call.function.endswith(".at") else function
    if hasattr(ufunc, "nin"):  # neither ufuncs nor their method `at(array, indices, ...)` show a signature
        wanted, known = (ufunc.nin, UFUNC_KEYWORDS) if ufunc is function else (ufunc.nin + 1, set())
        wrong = sorted(set(call.keywords) - known)
        if call.positional != wanted or wrong:
            return f"{call.function} takes {wanted} arrays, not {call.positional} with {wrong}"
        return None
    try:
        inspect.signature(function).bind(*range(call.positional), **dict.fromkeys(call.keywords))
    except (TypeError, ValueError) as error:  # ValueError: it has no signature
        return f"{call.function}: {error}"
    return None
