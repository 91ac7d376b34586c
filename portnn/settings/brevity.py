"""What objects are in one short line, without their data: arrays by dtype and shape, long collections by length."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Collection, Mapping
from typing import Any

ENTRIES = 8
"""Longest collection whose entries are shown."""

LENGTH = 120
"""Longest text of a value."""


def outline(value: Any) -> str:
    """A value in one line; whatever its own `repr` does, this one does not fail.

    Examples
    --------
    >>> import numpy as np
    >>> outline({"weight": np.zeros((2, 3)), "sizes": (2, 3), "words": ["a"] * 100})
    "{'weight': float64 (2, 3), 'sizes': (2, 3), 'words': list of 100}"
    """
    if isinstance(getattr(value, "shape", None), tuple) and not isinstance(value, numbers.Number | str | bytes | type):
        return f"{str(getattr(value, 'dtype', type(value).__name__)).rpartition('.')[2]} {tuple(value.shape)}"
    if isinstance(value, str | bytes) and len(value) > LENGTH:
        return f"{type(value).__name__} of {len(value):,}"
    if isinstance(value, dict | list | tuple | set | frozenset) and type(value).__repr__ in _BUILT_IN:
        return _collection(value)
    try:
        text = " ".join(repr(value).split())
    except Exception:  # an object of someone else's may raise anything
        return f"<{type(value).__name__}>"
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 3]}..."


def brief_fields(record: Any) -> str:
    """``__repr__`` of a dataclass or a named tuple whose fields hold data."""
    named = getattr(record, "_fields", None) or [field.name for field in dataclasses.fields(record) if field.repr]
    shown = [f"{name}={outline(getattr(record, name))}" for name in named]
    return f"{type(record).__name__}({', '.join(shown)})"


_BUILT_IN = {kind.__repr__ for kind in (dict, list, tuple, set, frozenset)}


def _collection(value: Collection[Any]) -> str:
    kind = type(value).__name__
    if len(value) > ENTRIES:
        return f"{kind} of {len(value):,}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{outline(key)}: {outline(entry)}' for key, entry in value.items())}}}"
    entries = ", ".join(map(outline, value))
    if isinstance(value, tuple):
        return f"({entries},)" if len(value) == 1 else f"({entries})"
    return f"[{entries}]" if isinstance(value, list) else f"{kind}({{{entries}}})" if entries else f"{kind}()"
