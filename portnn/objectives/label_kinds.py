"""Kinds of labels: what y holds, and how many outputs a network has for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class LabelKind(NamedTuple):
    """What y holds.

    Attributes
    ----------
    name : str
    class_count : callable
        Number of classes for a number of outputs; None if the outputs do not stand for classes.
    """

    name: str
    class_count: Callable[[int], int | None]


CLASSES = LabelKind("classes", lambda outputs: outputs)
"""One of several classes per row, with an output for each class. The loss takes class ids (rows,)."""

BINARY = LabelKind("binary", lambda outputs: 2 if outputs == 1 else None)
"""One of two classes per row, which share an output, or several yes-or-no questions with an output each. The loss
takes 0, 1 or a probability between them (rows, outputs)."""

VALUES = LabelKind("values", lambda outputs: None)
"""One or several numbers per row, with an output for each. The loss takes the numbers (rows, outputs)."""
