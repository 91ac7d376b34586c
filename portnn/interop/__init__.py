"""Weights from other libraries."""

from portnn.interop.pytorch import from_torch
from portnn.interop.scikit_learn import from_sklearn

__all__ = ["from_sklearn", "from_torch"]
