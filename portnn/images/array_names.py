"""Which of a file's arrays are meant: those that were named, the usual ones, or the only one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from portnn.images.messages import listed
from portnn.settings import brief

IMAGES, LABELS, FEATURES = "images", "labels", "features"
"""Names of the arrays that are taken unless others are stated."""


def check_name(argument: str, name: Any) -> None:
    """Raise TypeError if an argument is no name of an array; None is left to others."""
    if name is not None and not isinstance(name, str):
        raise TypeError(f"{argument} must be the name of an array, got {brief(name)}")


def check_there(path: str, name: str | None, names: Sequence[str]) -> None:
    """Raise ValueError if an array was named that is not in a file; None names none."""
    if name is not None and name not in names:
        raise ValueError(missing(path, name, names))


def usual_or_only(path: str, names: Sequence[str], usual: Iterable[str], apart: str | None, hint: str) -> str:
    """First of the usual names that a file has, or else its only array; one array is set apart from both.

    Parameters
    ----------
    path : str
    names : sequence of str
        Names of the arrays of the file.
    usual : iterable of str
        At least one.
    apart : str or None
    hint : str
        What helps where no array stands out, for the message.

    Raises
    ------
    ValueError
        If no array stands out.
    """
    usual = list(usual)
    others = [name for name in names if name != apart]
    found = next((name for name in usual if name in others), None)
    if found is None and len(others) != 1:
        raise ValueError(f"{missing(path, usual[0], names)}; {hint}")
    return others[0] if found is None else found


def missing(path: str, name: str, names: Sequence[str]) -> str:
    """Message for an array that a file does not have."""
    return f"{path} has no array {brief(name)}; it has {listed(names) or 'none'}"
