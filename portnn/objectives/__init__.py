"""Objectives: what a network minimizes, what y must hold for it, and what the network's outputs mean.

Each is registered by a file of its own, imported below.
"""

from portnn.objectives import (  # noqa: F401 (each registers itself)
    binary_cross_entropy,
    cross_entropy,
    poisson,
    squared_error,
)
from portnn.objectives.label_kinds import LabelKind
from portnn.objectives.registry import OBJECTIVES, Objective

__all__ = ["OBJECTIVES", "LabelKind", "Objective"]
