"""Paths of files, and the suffixes that tell what is in them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from portnn.settings import brief


def path_of(argument: str, value: Any) -> str:
    """Path as a string; TypeError for what is none."""
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else value
    if not isinstance(path, str):
        raise TypeError(f"{argument} must be a path, got {brief(value)}")
    return path


def suffix_of(path: str) -> str:
    """Suffix in lower case, with its dot; empty if there is none."""
    return os.path.splitext(path)[1].lower()


def unknown_suffix(path: str, known: Iterable[str]) -> str:
    """Message for a file whose suffix is none of the known ones."""
    return f"{path} has the suffix {brief(suffix_of(path))}; expected one of {', '.join(known)}"
