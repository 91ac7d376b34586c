"""Objectives: what a network minimizes, what y must hold for it, and what the network's outputs mean.

Each has a file that registers it, and its name in the import below.
"""

from portnn.objectives import binary_cross_entropy, cross_entropy, squared_error  # noqa: F401 (each registers itself)
from portnn.objectives.label_kinds import LabelKind
from portnn.objectives.registry import OBJECTIVES, Objective

__all__ = ["OBJECTIVES", "LabelKind", "Objective"]
