"""`load`: a model from a checkpoint, whatever it was trained on."""

from __future__ import annotations

import os
import textwrap
from typing import Any

from portnn.backends import Backend
from portnn.backends.libraries.library import DTYPES
from portnn.checkpoints import CheckpointError, load_checkpoint
from portnn.estimators.estimator import as_backend
from portnn.estimators.registry import ESTIMATORS, estimator_class
from portnn.estimators.version_1 import upgraded
from portnn.training import checkpoint_at


def load(
    path: str | os.PathLike[str], *, backend: str | Backend = "numpy", device: Any = None, dtype: str | None = None
) -> Any:
    """Load a model that `save` or a training run has written.

    Parameters
    ----------
    path : path-like
        A checkpoint, or the folder of a run, which stands for its best checkpoint, or else its last.
    backend : str or Backend
        Where its parameters go. The file knows no device: one written on a GPU loads where only NumPy is installed.
    device : str, optional
    dtype : {"float32", "float64"}, optional
        Without it, the dtype it was trained in.

    Returns
    -------
    Estimator
        Of the class that was saved.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CheckpointError
        If it is not a checkpoint, is damaged, or is of another version, or the folder has none.
    """
    path = checkpoint_at(path)
    arrays, facts = load_checkpoint(path)
    name = str(facts.get("estimator", "no model"))
    if name not in ESTIMATORS:
        raise CheckpointError(f"{path} holds {_in_short(name)}; this portnn loads {', '.join(ESTIMATORS)}")
    if dtype is None and facts.get("dtype") not in DTYPES:
        raise CheckpointError(f"{path} holds no dtype of a model, expected one of {', '.join(DTYPES)}")
    chosen = as_backend(backend, device, dtype or facts["dtype"])
    try:
        return estimator_class(name).from_checkpoint(arrays, upgraded(facts), chosen)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {_in_short(error)}") from error
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise CheckpointError(f"{path}: the checkpoint's facts are damaged: {_in_short(error)}") from error


def _in_short(found: object) -> str:
    """One line, whatever a file may hold."""
    return textwrap.shorten(str(found), 120, placeholder=" ...")
