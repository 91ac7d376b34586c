"""Values in messages: on one line, and short however long the value is."""

from __future__ import annotations

import re
import reprlib
from typing import Any

LONGEST = 200
"""Most characters of a value in a message."""

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 100
_SHORT.maxlevel = 2


def brief(value: Any) -> str:
    """`repr` of a value, with an ellipsis for what would make a message long.

    Examples
    --------
    >>> brief("book.txt")
    "'book.txt'"
    >>> len(brief(["once upon a time " * 1000]))
    102
    """
    try:
        text = re.sub(r"\s*\n\s*", " ", _SHORT.repr(value))
    except Exception:  # the repr of a foreign object, or an int of more digits than Python prints
        text = f"<{type(value).__name__}>"
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
