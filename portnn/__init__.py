"""Neural networks written once against the Python array API standard, with gradients derived by hand.

The public names and modules below are resolved when first used (SPEC 1), so that `import portnn` imports no array
library.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from portnn.estimators.registry import ESTIMATORS

if TYPE_CHECKING:
    from portnn import batches as batches
    from portnn import checking as checking
    from portnn import checkpoints as checkpoints
    from portnn import datasets as datasets
    from portnn import estimators as estimators
    from portnn import groups as groups
    from portnn import images as images
    from portnn import interop as interop
    from portnn import models as models
    from portnn import objectives as objectives
    from portnn import ops as ops
    from portnn import optimizers as optimizers
    from portnn import plots as plots
    from portnn import process as process
    from portnn import settings as settings
    from portnn import sklearn as sklearn
    from portnn import tables as tables
    from portnn import text as text
    from portnn import training as training
    from portnn import vectors as vectors
    from portnn.backends import Backend as Backend
    from portnn.backends import MissingBackendError as MissingBackendError
    from portnn.backends import backend as backend
    from portnn.backends import backend_of as backend_of
    from portnn.backends import backends as backends
    from portnn.checking import check_gradients as check_gradients
    from portnn.checking import check_parity as check_parity
    from portnn.checkpoints import CheckpointError as CheckpointError
    from portnn.estimators import *  # noqa: F403 (each estimator of the registry)
    from portnn.interop import from_sklearn as from_sklearn
    from portnn.interop import from_torch as from_torch
    from portnn.interop import text_classifier_from_torch as text_classifier_from_torch
    from portnn.interop import text_classifier_to_torch as text_classifier_to_torch
    from portnn.training import DivergenceError as DivergenceError
    from portnn.vectors import KeyedVectors as KeyedVectors

__version__ = "0.2.0"

_HOMES = {
    **dict.fromkeys(("Backend", "MissingBackendError", "backend", "backend_of"), "portnn.backends"),
    **dict.fromkeys(("check_gradients", "check_parity"), "portnn.checking"),
    **dict.fromkeys(
        ("from_sklearn", "from_torch", "text_classifier_from_torch", "text_classifier_to_torch"), "portnn.interop"
    ),
    **dict.fromkeys((*ESTIMATORS, "load"), "portnn.estimators"),
    "CheckpointError": "portnn.checkpoints",
    "DivergenceError": "portnn.training",
    "KeyedVectors": "portnn.vectors",
}
_MODULES = (
    "backends",
    "batches",
    "checking",
    "checkpoints",
    "datasets",
    "estimators",
    "groups",
    "images",
    "interop",
    "models",
    "objectives",
    "ops",
    "optimizers",
    "plots",
    "process",
    "settings",
    "sklearn",
    "tables",
    "text",
    "training",
    "vectors",
)
_NEEDS = {"sklearn": "sklearn"}
"""Modules that cannot be imported without an extra, and what that installs."""

# Of the modules, `import *` gives the two that hold functions to call. Type checkers read the imports above instead.
globals().update(__all__=sorted((*_HOMES, "backends", "ops")))


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"portnn.{name}")  # which makes it an attribute, too
    if name not in _HOMES:
        raise AttributeError(f"module 'portnn' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    # Whoever lists the names will look at each of them, as `help` does.
    there = (name for name in _MODULES if name not in _NEEDS or importlib.util.find_spec(_NEEDS[name]) is not None)
    return sorted({*globals(), *_HOMES, *there})
