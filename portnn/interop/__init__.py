"""Weights from other libraries, and back."""

from portnn.interop.pytorch import from_torch
from portnn.interop.scikit_learn import from_sklearn
from portnn.interop.torch_text_classifier import text_classifier_from_torch, text_classifier_to_torch

__all__ = ["from_sklearn", "from_torch", "text_classifier_from_torch", "text_classifier_to_torch"]
