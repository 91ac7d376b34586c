"""Weights from other libraries."""

from portnn.interop.importing import from_sklearn, from_torch

__all__ = ["from_sklearn", "from_torch"]
