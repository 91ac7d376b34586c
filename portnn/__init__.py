"""Neural networks written once against the Python array API standard, with gradients derived by hand.

The public names below are resolved when first used (SPEC 1), so that `import portnn` imports no array library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from portnn import ops
    from portnn.backends import Backend, MissingBackendError, backend, backend_of, backends
    from portnn.checking import check_gradients, check_parity
    from portnn.checkpoints import CheckpointError
    from portnn.estimators import MLP, CharRNN, LinearRegression, LogisticRegression, SoftmaxRegression, Word2Vec, load
    from portnn.interop import from_sklearn, from_torch
    from portnn.training import DivergenceError
    from portnn.vectors import KeyedVectors

__version__ = "0.1.0"

_HOMES = {
    "Backend": "portnn.backends",
    "CharRNN": "portnn.estimators",
    "CheckpointError": "portnn.checkpoints",
    "DivergenceError": "portnn.training",
    "KeyedVectors": "portnn.vectors",
    "LinearRegression": "portnn.estimators",
    "LogisticRegression": "portnn.estimators",
    "MLP": "portnn.estimators",
    "MissingBackendError": "portnn.backends",
    "SoftmaxRegression": "portnn.estimators",
    "Word2Vec": "portnn.estimators",
    "backend": "portnn.backends",
    "backend_of": "portnn.backends",
    "backends": "portnn",
    "check_gradients": "portnn.checking",
    "check_parity": "portnn.checking",
    "from_sklearn": "portnn.interop",
    "from_torch": "portnn.interop",
    "load": "portnn.estimators",
    "ops": "portnn",
}

__all__ = [
    "MLP",
    "Backend",
    "CharRNN",
    "CheckpointError",
    "DivergenceError",
    "KeyedVectors",
    "LinearRegression",
    "LogisticRegression",
    "MissingBackendError",
    "SoftmaxRegression",
    "Word2Vec",
    "backend",
    "backend_of",
    "backends",
    "check_gradients",
    "check_parity",
    "from_sklearn",
    "from_torch",
    "load",
    "ops",
]


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
    return sorted({*globals(), *__all__})
