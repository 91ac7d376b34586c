"""Several labels in one cell."""

from __future__ import annotations

import re
from collections.abc import Iterable

_BETWEEN = re.compile("[,;|]")


def separated(cell: str) -> tuple[str, ...]:
    """Labels in a cell, between commas, semicolons or bars.

    Examples
    --------
    >>> separated("drama, science fiction|drama")
    ('drama', 'science fiction')
    """
    return distinct(_BETWEEN.split(cell))


def distinct(labels: Iterable[str]) -> tuple[str, ...]:
    """Labels without the spaces around them, none of them empty and none twice."""
    return tuple(dict.fromkeys(filter(None, map(str.strip, labels))))
