"""Neural networks written once against the Python array API standard, with gradients derived by hand.

The public names below are resolved when first used (SPEC 1), so that `import portnn` imports no array library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from portnn.estimators.registry import ESTIMATORS

if TYPE_CHECKING:
    from portnn import ops as ops
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
    from portnn.training import DivergenceError as DivergenceError
    from portnn.vectors import KeyedVectors as KeyedVectors

__version__ = "0.2.0"

_HOMES = {
    **dict.fromkeys(("Backend", "MissingBackendError", "backend", "backend_of"), "portnn.backends"),
    **dict.fromkeys(("check_gradients", "check_parity"), "portnn.checking"),
    **dict.fromkeys(("from_sklearn", "from_torch"), "portnn.interop"),
    **dict.fromkeys((*ESTIMATORS, "load"), "portnn.estimators"),
    "CheckpointError": "portnn.checkpoints",
    "DivergenceError": "portnn.training",
    "KeyedVectors": "portnn.vectors",
    "backends": "portnn",
    "ops": "portnn",
}

globals().update(__all__=sorted(_HOMES))  # type checkers read the imports above instead


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'portnn' has no attribute {name!r}")
    # A package is itself the value; `portnn.backends` can be called, too.
    value = (
        importlib.import_module(f"portnn.{name}") if home == "portnn" else getattr(importlib.import_module(home), name)
    )
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
